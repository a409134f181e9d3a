#include "memory/placement.h"

#include "base/fault.h"
#include "test/check.h"

using sluice::choose_devices;
using sluice::Device;
using sluice::DeviceChoice;
using sluice::DeviceKind;
using sluice::DeviceSet;
using sluice::FaultCode;
using sluice::FaultError;
using sluice::Fit;
using sluice::fit_layers;
using sluice::FitRequest;
using sluice::GpuUse;
using sluice::Measure;
using sluice::MemoryPlan;
using sluice::PlacementRequest;
using sluice::SplitMode;

namespace {

constexpr uint64_t kMiB = uint64_t(1) << 20;

Device device(const std::string& name, const std::string& backend, DeviceKind kind, uint64_t mib) {
  return {name, "", backend, kind, mib * kMiB, mib * kMiB, ""};
}

Device broken(Device device) {
  device.fault = "it could not be started";
  return device;
}

const Device kCpu = device("CPU", "cpu", DeviceKind::cpu, 16000);

Device cuda(int number, uint64_t mib) {
  return device("CUDA" + std::to_string(number), "cuda", DeviceKind::gpu, mib);
}
Device vulkan(int number, uint64_t mib) {
  return device("Vulkan" + std::to_string(number), "vulkan", DeviceKind::gpu, mib);
}
Device integrated(int number, uint64_t mib) {
  return device("Vulkan" + std::to_string(number), "vulkan", DeviceKind::integrated, mib);
}
Device worker(int number, uint64_t mib) {
  return device("RPC" + std::to_string(number), "rpc", DeviceKind::gpu, mib);
}

PlacementRequest asking(GpuUse gpu, int32_t layers = -1) {
  PlacementRequest request;
  request.gpu = gpu;
  request.gpu_layers = layers;
  return request;
}

// "CUDA1 | CUDA0 CUDA1 ! WARN_GPU_FAILED": the sets, then the warnings; or the error's code.
std::string chosen(const std::vector<Device>& devices, const PlacementRequest& request) {
  std::string text;
  try {
    const DeviceChoice choice = choose_devices(devices, request);
    for (const DeviceSet& set : choice.sets) {
      if (!text.empty()) text += " |";
      for (size_t at : set) text += (text.empty() ? "" : " ") + devices[at].name;
    }
    for (const auto& warning : choice.warnings) text += " ! " + warning.code;
  } catch (const FaultError& error) {
    CHECK(error.fault.code == FaultCode::gpu_unavailable);
    return std::string("refused: ") + error.what();
  }
  return text.empty() ? "CPU" : text;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A model of 10 layers and the output: 100 MiB of weights each, and 10 KiB of KV a token and layer
// on a set; on several devices they are shared evenly.
constexpr int32_t kLayers = 11;
MemoryPlan measured(const DeviceSet& set, int32_t layers, int32_t context) {
  MemoryPlan plan;
  const uint64_t kv = uint64_t(context) * 10 * 1024;
  for (size_t i = 0; i < set.size(); ++i) {
    plan.devices.push_back({100 * kMiB * uint64_t(layers) / set.size(),
                            kv * uint64_t(layers) / set.size(), 50 * kMiB});
  }
  plan.host = {100 * kMiB * uint64_t(kLayers - layers), kv * uint64_t(kLayers - layers), 50 * kMiB};
  return plan;
}

struct Ask {
  int32_t layers = -1, context = 8192, context_min = 2048;
  uint64_t host_mib = 16000;
  bool is_named = false;
};

// "CUDA0: 11 layers, 8192 tokens ! WARN_..."; "CPU ! ..." without devices.
std::string fitted(const std::vector<Device>& devices, const std::vector<DeviceSet>& sets,
                   const Ask& ask = {}) {
  FitRequest request;
  request.is_named = ask.is_named;
  request.layers_total = kLayers;
  request.gpu_layers = ask.layers;
  request.context = ask.context;
  request.context_min = ask.context_min;
  request.host_free_bytes = ask.host_mib * kMiB;
  std::string text;
  try {
    const Fit fit = fit_layers(devices, sets, request, measured);
    for (size_t at : fit.devices) text += (text.empty() ? "" : " ") + devices[at].name;
    text += fit.devices.empty() ? "CPU"
                                : ": " + std::to_string(fit.gpu_layers) + " layers, " +
                                      std::to_string(fit.context) + " tokens";
    for (const auto& warning : fit.warnings) text += " ! " + warning.code;
  } catch (const FaultError& error) {
    CHECK(error.fault.code == FaultCode::out_of_memory);
    return std::string("refused: ") + error.what();
  }
  return text;
}

}  // namespace

TEST("without a GPU the CPU computes alone, without a word") {
  CHECK_EQ(chosen({kCpu}, asking(GpuUse::automatic)), "CPU");
  CHECK_EQ(chosen({}, asking(GpuUse::automatic)), "CPU");
}

TEST("gpu off and no layers take no device, whatever there is") {
  CHECK_EQ(chosen({cuda(0, 8000), kCpu}, asking(GpuUse::off)), "CPU");
  CHECK_EQ(chosen({broken(cuda(0, 8000)), kCpu}, asking(GpuUse::off)), "CPU");
  CHECK_EQ(chosen({cuda(0, 8000), kCpu}, asking(GpuUse::automatic, 0)), "CPU");
  CHECK_EQ(chosen({cuda(0, 8000), kCpu}, asking(GpuUse::cuda, 0)), "CPU");
}

TEST("of several GPUs the one with the most free memory is tried first, then all") {
  CHECK_EQ(chosen({cuda(0, 8000), kCpu}, asking(GpuUse::automatic)), "CUDA0");
  CHECK_EQ(chosen({cuda(0, 8000), cuda(1, 24000), kCpu}, asking(GpuUse::automatic)),
           "CUDA1 | CUDA0 CUDA1");
}

TEST("one backend is used, CUDA before Vulkan, and integrated GPUs only where there is no other") {
  const std::vector<Device> all = {vulkan(0, 24000), integrated(1, 60000), cuda(0, 24000), kCpu};
  CHECK_EQ(chosen(all, asking(GpuUse::automatic)), "CUDA0");
  CHECK_EQ(chosen(all, asking(GpuUse::vulkan)), "Vulkan0");
  CHECK_EQ(chosen({integrated(0, 16000), kCpu}, asking(GpuUse::automatic)), "Vulkan0");
  CHECK_EQ(chosen({device("CUDA0", "cuda", DeviceKind::integrated, 9000), vulkan(0, 9), kCpu},
                  asking(GpuUse::automatic)),
           "Vulkan0");
}

TEST("a GPU that does not start is left out with a warning") {
  CHECK_EQ(chosen({broken(cuda(0, 8000)), kCpu}, asking(GpuUse::automatic)), " ! WARN_GPU_FAILED");
  CHECK_EQ(chosen({broken(cuda(0, 8000)), cuda(1, 8000), kCpu}, asking(GpuUse::automatic)),
           "CUDA1 ! WARN_GPU_FAILED");
  CHECK_EQ(chosen({broken(cuda(0, 8000)), vulkan(0, 8000), kCpu}, asking(GpuUse::automatic)),
           "Vulkan0 ! WARN_GPU_FAILED");
}

TEST("layers for a GPU, where there is none, are a warning and no error") {
  CHECK_EQ(chosen({kCpu}, asking(GpuUse::automatic)), "CPU");
  CHECK_EQ(chosen({kCpu}, asking(GpuUse::automatic, 0)), "CPU");
  CHECK_EQ(chosen({kCpu}, asking(GpuUse::off, 20)), "CPU");
  CHECK_EQ(chosen({kCpu}, asking(GpuUse::automatic, 20)), " ! WARN_GPU_MISSING");
  PlacementRequest request = asking(GpuUse::automatic);
  request.main_gpu = 0;
  CHECK_EQ(chosen({kCpu}, request), " ! WARN_GPU_MISSING");
  request = asking(GpuUse::automatic);
  request.tensor_split = {3, 1};
  CHECK_EQ(chosen({kCpu}, request), " ! WARN_GPU_MISSING");
}

TEST("a backend that is asked for by name and is not there is refused, with what is") {
  const std::string missing = chosen({vulkan(0, 8000), kCpu}, asking(GpuUse::cuda));
  CHECK(holds(missing, "gpu 'cuda'") && holds(missing, "Vulkan0, CPU"));
  CHECK(holds(missing, "npm install @sluice/linux-x64-cuda") && holds(missing, "build --cuda"));
  const std::string faulty = chosen({broken(cuda(0, 8000)), kCpu}, asking(GpuUse::cuda));
  CHECK(holds(faulty, "refused") && holds(faulty, "it could not be started"));
  CHECK(holds(chosen({kCpu}, asking(GpuUse::metal)), "build --metal"));
}

TEST("mainGpu, splitMode and tensorSplit name devices of the backend that is used") {
  const std::vector<Device> two = {vulkan(0, 9), cuda(0, 8000), cuda(1, 24000), kCpu};
  PlacementRequest request = asking(GpuUse::automatic);
  request.main_gpu = 0;
  CHECK_EQ(chosen(two, request), "CUDA0");
  request.main_gpu = 2;
  CHECK(holds(chosen(two, request), "mainGpu 2 is no device"));
  request = asking(GpuUse::automatic);
  request.split_mode = SplitMode::none;
  CHECK_EQ(chosen(two, request), "CUDA1");
  request.split_mode = SplitMode::layer;
  CHECK_EQ(chosen(two, request), "CUDA0 CUDA1");
  request = asking(GpuUse::automatic);
  request.tensor_split = {3, 1};
  CHECK_EQ(chosen(two, request), "CUDA0 CUDA1");
  CHECK(choose_devices(two, request).shares == std::vector<float>({3, 1}));
  request.tensor_split = {3, 1, 1};
  CHECK(holds(chosen(two, request), "tensorSplit has 3 shares"));
}

TEST("a device without a share is left alone") {
  const std::vector<Device> three = {cuda(0, 8000), cuda(1, 8000), cuda(2, 8000), kCpu};
  PlacementRequest request = asking(GpuUse::automatic);
  request.tensor_split = {0, 1};
  CHECK_EQ(chosen(three, request), "CUDA1");
  request.tensor_split = {2, 0, 1};
  CHECK_EQ(chosen(three, request), "CUDA0 CUDA2");
  CHECK(choose_devices(three, request).shares == std::vector<float>({2, 1}));
}

TEST("devices are counted as they are listed, also those that are not used by themselves") {
  const std::vector<Device> half = {broken(cuda(0, 8000)), cuda(1, 8000), kCpu};
  PlacementRequest request = asking(GpuUse::automatic);
  request.main_gpu = 1;
  CHECK_EQ(chosen(half, request), "CUDA1 ! WARN_GPU_FAILED");
  request.main_gpu = 0;
  CHECK(holds(chosen(half, request), "mainGpu 0 names CUDA0, which cannot be used"));
  request = asking(GpuUse::cuda);
  request.tensor_split = {0, 1};
  CHECK_EQ(chosen(half, request), "CUDA1 ! WARN_GPU_FAILED");
  request.tensor_split = {1, 1};
  CHECK(holds(chosen(half, request), "tensorSplit names CUDA0, which cannot be used"));
  const std::vector<Device> mixed = {integrated(0, 8000), vulkan(1, 8000), kCpu};
  request = asking(GpuUse::automatic);
  request.main_gpu = 1;
  CHECK_EQ(chosen(mixed, request), "Vulkan1");
  request.main_gpu = 0;
  CHECK_EQ(chosen(mixed, request), "Vulkan0");
}

TEST("workers' devices are used with this machine's best GPUs, and come first") {
  const std::vector<Device> all = {vulkan(0, 24000), cuda(0, 8000), kCpu, worker(0, 4000),
                                   worker(1, 9000)};
  CHECK_EQ(chosen(all, asking(GpuUse::automatic)), "RPC0 RPC1 CUDA0");
  CHECK_EQ(chosen(all, asking(GpuUse::vulkan)), "RPC0 RPC1 Vulkan0");
  CHECK_EQ(chosen(all, asking(GpuUse::off)), "RPC0 RPC1");
  CHECK_EQ(chosen(all, asking(GpuUse::automatic, 0)), "CPU");
  CHECK_EQ(chosen({kCpu, worker(0, 4000)}, asking(GpuUse::automatic)), "RPC0");
  CHECK_EQ(chosen({kCpu, broken(worker(0, 4000))}, asking(GpuUse::off)), "CPU");
  CHECK(holds(chosen({kCpu, worker(0, 4000)}, asking(GpuUse::cuda)), "gpu 'cuda'"));
}

TEST("mainGpu, splitMode and tensorSplit count workers' devices before this machine's") {
  const std::vector<Device> all = {cuda(0, 24000), kCpu, worker(0, 4000), worker(1, 9000)};
  PlacementRequest request = asking(GpuUse::automatic);
  request.main_gpu = 1;
  CHECK_EQ(chosen(all, request), "RPC1");
  request.main_gpu = 2;
  CHECK_EQ(chosen(all, request), "CUDA0");
  request = asking(GpuUse::automatic);
  request.split_mode = SplitMode::none;
  CHECK_EQ(chosen(all, request), "CUDA0");
  request = asking(GpuUse::automatic);
  request.tensor_split = {1, 0, 2};
  CHECK_EQ(chosen(all, request), "RPC0 CUDA0");
}

TEST("all layers go where they fit, on one GPU rather than two") {
  const std::vector<Device> two = {cuda(0, 4000), cuda(1, 4000)};
  CHECK_EQ(fitted(two, {{1}, {0, 1}}), "CUDA1: 11 layers, 8192 tokens");
  CHECK_EQ(fitted({cuda(0, 2000), cuda(1, 2000)}, {{1}, {0, 1}}),
           "CUDA0 CUDA1: 11 layers, 8192 tokens");
}

TEST("the context is halved where that lets all layers fit, and never one that was asked for") {
  CHECK_EQ(fitted({cuda(0, 1700)}, {{0}}), "CUDA0: 11 layers, 4096 tokens ! WARN_CONTEXT_REDUCED");
  CHECK_EQ(fitted({cuda(0, 1500)}, {{0}}), "CUDA0: 11 layers, 2048 tokens ! WARN_CONTEXT_REDUCED");
  CHECK_EQ(fitted({cuda(0, 1700)}, {{0}}, {-1, 8192, 8192}),
           "CUDA0: 8 layers, 8192 tokens ! WARN_GPU_PARTIAL");
}

TEST("as many layers as fit go to a GPU that is too small for all") {
  CHECK_EQ(fitted({cuda(0, 800)}, {{0}}),
           "CUDA0: 5 layers, 2048 tokens ! WARN_GPU_PARTIAL ! WARN_CONTEXT_REDUCED");
  CHECK_EQ(fitted({cuda(0, 800)}, {{0}}, {-1, 2048, 2048}),
           "CUDA0: 5 layers, 2048 tokens ! WARN_GPU_PARTIAL");
}

TEST("what else uses a GPU's memory counts") {
  Device busy = cuda(0, 4000);
  busy.free_bytes = 800 * kMiB;
  CHECK(holds(fitted({busy}, {{0}}), "CUDA0: 4 layers"));
}

TEST("where no layer fits the CPU computes alone, unless the GPU was asked for by name") {
  CHECK_EQ(fitted({cuda(0, 150)}, {{0}}), "CPU ! WARN_GPU_MEMORY");
  const std::string refused = fitted({cuda(0, 150)}, {{0}}, {-1, 8192, 2048, 16000, true});
  CHECK(holds(refused, "refused") && holds(refused, "CUDA0 would need 1370 MiB of 150 MiB"));
  CHECK(holds(refused, "(32 MiB of them stay free)"));
}

TEST("layers that are asked for are taken as they are, with a warning where they may not fit") {
  CHECK_EQ(fitted({cuda(0, 4000)}, {{0}}, {3}), "CUDA0: 3 layers, 8192 tokens");
  CHECK_EQ(fitted({cuda(0, 4000)}, {{0}}, {99}), "CUDA0: 11 layers, 8192 tokens");
  Device busy = cuda(0, 4000);
  busy.free_bytes = 800 * kMiB;
  CHECK_EQ(fitted({busy}, {{0}}, {9, 2048, 2048}),
           "CUDA0: 9 layers, 2048 tokens ! WARN_GPU_MEMORY");
}

TEST("layers that are asked for and cannot be there are refused before anything is loaded") {
  CHECK(holds(fitted({cuda(0, 800)}, {{0}}, {9, 2048, 2048}), "refused: 9 layers on the GPU"));
  CHECK(holds(fitted({cuda(0, 4000)}, {{0}}, {3, 2048, 2048, 100}), "refused"));
}

TEST("an integrated GPU's memory is the system's, and is not counted twice as free") {
  CHECK_EQ(fitted({integrated(0, 16000)}, {{0}}, {-1, 2048, 2048, 16000}),
           "Vulkan0: 11 layers, 2048 tokens");
  CHECK_EQ(fitted({integrated(0, 16000)}, {{0}}, {-1, 2048, 2048, 800}),
           "Vulkan0: 4 layers, 2048 tokens ! WARN_GPU_PARTIAL");
}

TEST("layers that are asked for do not overfill the memory that an integrated GPU shares") {
  CHECK(holds(fitted({integrated(0, 16000)}, {{0}}, {11, 2048, 2048, 800}), "refused: 11 layers"));
  CHECK_EQ(fitted({integrated(0, 16000)}, {{0}}, {11, 2048, 2048, 1450}),
           "Vulkan0: 11 layers, 2048 tokens");
}

TEST("weights of the system's memory are counted beside an integrated GPU's") {
  const std::vector<Device> own = {integrated(0, 16000)};
  MemoryPlan plan;
  plan.devices = {{500 * kMiB, 0, 0}};
  plan.host = {600 * kMiB, 0, 0};
  CHECK(sluice::is_fitting(own, {0}, plan, 1000 * kMiB));
  CHECK(!sluice::is_fitting_whole(own, {0}, plan, 1000 * kMiB));
  CHECK(sluice::is_fitting_whole(own, {0}, plan, 1100 * kMiB));
  CHECK(sluice::is_fitting_whole({cuda(0, 16000)}, {0}, plan, 1000 * kMiB));
}

TEST("the KV cache of the layers that the CPU computes must fit beside it") {
  CHECK_EQ(fitted({cuda(0, 800)}, {{0}}, {-1, 2048, 2048, 60}), "CPU ! WARN_GPU_MEMORY");
}

TEST("placement: weights that are copied are counted with the system's memory, once") {
  MemoryPlan plan;
  plan.host = {6000 * kMiB, 1000 * kMiB, 500 * kMiB, 2000 * kMiB};
  CHECK_EQ(sluice::host_bytes({}, {}, plan), 3500 * kMiB);
  CHECK(sluice::is_fitting({}, {}, plan, 3500 * kMiB));
  CHECK(!sluice::is_fitting({}, {}, plan, 3500 * kMiB - 1));
  CHECK(sluice::is_fitting_whole({}, {}, plan, 7500 * kMiB));
  CHECK(!sluice::is_fitting_whole({}, {}, plan, 7500 * kMiB - 1));
}
