#include "memory/placement.h"

#include <algorithm>
#include <numeric>

#include "base/fault.h"

namespace sluice {
namespace {

constexpr uint64_t kMiB = uint64_t(1) << 20;
constexpr int32_t kContextStep = 256;  // llama.cpp rounds up to it

std::string mib(uint64_t bytes) { return std::to_string(bytes / kMiB) + " MiB"; }

bool is_gpu(const Device& device) {
  return device.kind == DeviceKind::gpu || device.kind == DeviceKind::integrated;
}

std::string label(const Device& device) {
  return device.description.empty() ? device.name : device.name + " (" + device.description + ")";
}

std::string names_of(const std::vector<Device>& devices, const DeviceSet& set) {
  std::string names;
  for (size_t at : set) names += (names.empty() ? "" : ", ") + label(devices[at]);
  return names;
}

std::string all_names(const std::vector<Device>& devices) {
  DeviceSet all;
  for (size_t i = 0; i < devices.size(); ++i) all.push_back(i);
  return all.empty() ? "nothing" : names_of(devices, all);
}

// Vulkan drives nearly everything, and is the slower of two ways to the same device.
int32_t rank_of(const std::string& backend) {
  if (backend == "cuda") return 0;
  if (backend == "metal") return 1;
  return backend == "vulkan" ? 3 : 2;
}

FaultError unavailable(const std::vector<Device>& devices, const std::string& backend,
                       const std::string& why) {
  const bool is_packed = backend != "metal";
  const std::string package =
      is_packed ? "install its package (on Linux x64: npm install @sluice/linux-x64-" + backend +
                      ") or build it with: npx sluice build --" + backend
                : "build it on a Mac with: npx sluice build --metal";
  return FaultError(FaultCode::gpu_unavailable, "gpu '" + backend + "' was asked for, but " + why +
                                                    "; devices found: " + all_names(devices) +
                                                    ". For this backend " + package +
                                                    "; gpu 'auto' takes what is there");
}

// The devices of workers that may be used.
DeviceSet usable_workers(const std::vector<Device>& devices) {
  DeviceSet found;
  for (size_t i = 0; i < devices.size(); ++i) {
    if (devices[i].backend == kWorkerBackend && devices[i].fault.empty()) found.push_back(i);
  }
  return found;
}

// The devices of this machine that may be used, of one backend; the best where none is named.
DeviceSet usable(const std::vector<Device>& devices, const std::string& named) {
  DeviceSet found;
  for (size_t i = 0; i < devices.size(); ++i) {
    const Device& device = devices[i];
    const bool is_asked_for =
        named.empty() ? device.backend != kWorkerBackend : device.backend == named;
    if (is_gpu(device) && is_asked_for && device.fault.empty()) found.push_back(i);
  }
  if (found.empty()) return found;
  const auto order = [&](size_t at) {
    return std::make_pair(devices[at].kind != DeviceKind::gpu, rank_of(devices[at].backend));
  };
  const size_t best = *std::min_element(found.begin(), found.end(),
                                        [&](size_t a, size_t b) { return order(a) < order(b); });
  // Integrated devices are slower than those beside them: not together.
  found.erase(std::remove_if(found.begin(), found.end(),
                             [&](size_t at) {
                               return devices[at].backend != devices[best].backend ||
                                      devices[at].kind != devices[best].kind;
                             }),
              found.end());
  return found;
}

// All GPUs of a backend, in the order in which they are counted.
DeviceSet listed(const std::vector<Device>& devices, const std::string& backend) {
  DeviceSet all;
  for (size_t i = 0; i < devices.size(); ++i) {
    if (is_gpu(devices[i]) && devices[i].backend == backend) all.push_back(i);
  }
  return all;
}

DeviceSet joined(DeviceSet first, const DeviceSet& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

void check_usable(const Device& device, const std::string& asked) {
  if (device.fault.empty()) return;
  throw FaultError(FaultCode::gpu_unavailable,
                   asked + " names " + label(device) + ", which cannot be used: " + device.fault);
}

DeviceSet main_device(const std::vector<Device>& devices, const DeviceSet& all, int32_t main_gpu) {
  const std::string asked = "mainGpu " + std::to_string(main_gpu);
  if (main_gpu >= int32_t(all.size())) {
    throw FaultError(FaultCode::gpu_unavailable,
                     asked + " is no device; counted from 0, there are " +
                         std::to_string(all.size()) + ": " + names_of(devices, all));
  }
  const size_t at = all[size_t(main_gpu)];
  check_usable(devices[at], asked);
  return {at};
}

// The devices that have a share.
void share(DeviceChoice& choice, const std::vector<Device>& devices, const DeviceSet& all,
           const std::vector<float>& shares) {
  if (shares.size() > all.size()) {
    throw FaultError(FaultCode::gpu_unavailable,
                     "tensorSplit has " + std::to_string(shares.size()) +
                         " shares, one for each device, but there are " +
                         std::to_string(all.size()) + ": " + names_of(devices, all));
  }
  DeviceSet set;
  for (size_t i = 0; i < shares.size(); ++i) {
    if (!(shares[i] > 0)) continue;
    check_usable(devices[all[i]], "tensorSplit");
    set.push_back(all[i]);
    choice.shares.push_back(shares[i]);
  }
  choice.sets = {set};
}

std::vector<DeviceSet> sets_of(const std::vector<Device>& devices, const DeviceSet& found,
                               SplitMode split_mode) {
  const size_t freest = *std::max_element(found.begin(), found.end(), [&](size_t a, size_t b) {
    return devices[a].free_bytes < devices[b].free_bytes;
  });
  if (split_mode == SplitMode::layer || found.size() == 1) return {found};
  if (split_mode == SplitMode::none) return {{freest}};
  return {{freest}, found};
}

// 0 where nothing is between.
int32_t halved(int32_t context, int32_t least) {
  if (context <= least) return 0;
  return std::max(least, context / 2 / kContextStep * kContextStep);
}

std::string shortage(const std::vector<Device>& devices, const DeviceSet& set,
                     const MemoryPlan& plan) {
  std::string text;
  for (size_t i = 0; i < set.size(); ++i) {
    const Device& device = devices[set[i]];
    text += (i == 0 ? "" : ", ") + label(device) + " would need " + mib(plan.devices[i].total()) +
            " of " + mib(device.free_bytes) + " that are free (" +
            mib(device_margin(device.total_bytes)) + " of them stay free)";
  }
  return text;
}

// Owned by one call of fit_layers.
struct Fitter {
  const std::vector<Device>& devices;
  const std::vector<DeviceSet>& sets;
  const FitRequest& request;
  const Measure& measure;

  bool fits(const DeviceSet& set, int32_t layers, int32_t context) const {
    return is_fitting(devices, set, measure(set, layers, context), request.host_free_bytes);
  }

  // What is more than all of a device's memory is never there, and the system's must not run out.
  bool may_be_tried(const DeviceSet& set, int32_t layers) const {
    const MemoryPlan plan = measure(set, layers, request.context_min);
    for (size_t i = 0; i < set.size(); ++i) {
      if (plan.devices[i].total() > devices[set[i]].total_bytes) return false;
    }
    return host_bytes(devices, set, plan) <= request.host_free_bytes;
  }

  Fit with(const DeviceSet& set, int32_t layers, int32_t context) const {
    Fit fit{set, layers, context, {}};
    if (context < request.context) {
      fit.warnings.push_back(
          {"WARN_CONTEXT_REDUCED",
           "the context is " + std::to_string(context) + " tokens a sequence instead of " +
               std::to_string(request.context) + ", so that it fits into the memory of " +
               names_of(devices, set) + "; lower parallel for a longer one"});
    }
    return fit;
  }

  // So many layers as were asked for, or all; no devices in it where they do not fit.
  Fit whole(int32_t layers) const {
    for (int32_t context = request.context; context > 0;
         context = halved(context, request.context_min)) {
      for (const DeviceSet& set : sets) {
        if (fits(set, layers, context)) return with(set, layers, context);
      }
    }
    return {};
  }

  Fit part() const {
    const DeviceSet& set = sets.back();
    const int32_t context = request.context_min;
    int32_t fitting = 0, too_many = request.layers_total;
    while (too_many - fitting > 1) {
      const int32_t middle = fitting + (too_many - fitting) / 2;
      (fits(set, middle, context) ? fitting : too_many) = middle;
    }
    if (fitting == 0) return {};
    Fit fit = with(set, fitting, context);
    fit.warnings.insert(
        fit.warnings.begin(),
        {"WARN_GPU_PARTIAL",
         std::to_string(fitting) + " of " + std::to_string(request.layers_total) +
             " layers fit into the memory of " + names_of(devices, set) +
             ", the CPU computes the others, which is slower; lower context or parallel, or use a "
             "smaller quantization or kvType"});
    return fit;
  }
};

}  // namespace

DeviceSet all_of(const std::vector<Device>& devices) {
  DeviceSet all(devices.size());
  std::iota(all.begin(), all.end(), size_t(0));
  return all;
}

std::string backend_name(GpuUse gpu) {
  switch (gpu) {
    case GpuUse::cuda: return "cuda";
    case GpuUse::vulkan: return "vulkan";
    case GpuUse::metal: return "metal";
    default: return "";
  }
}

uint64_t host_bytes(const std::vector<Device>& devices, const DeviceSet& set,
                    const MemoryPlan& plan) {
  uint64_t bytes = plan.host.kv + plan.host.compute + plan.host.copied;
  for (size_t i = 0; i < set.size(); ++i) {
    if (devices[set[i]].kind == DeviceKind::integrated) bytes += plan.devices[i].total();
  }
  return bytes;
}

uint64_t device_margin(uint64_t total_bytes) {
  return std::clamp(total_bytes / 16, 32 * kMiB, 1024 * kMiB);
}

bool is_fitting(const std::vector<Device>& devices, const DeviceSet& set, const MemoryPlan& plan,
                uint64_t host_free_bytes) {
  for (size_t i = 0; i < set.size(); ++i) {
    const Device& device = devices[set[i]];
    const uint64_t used = plan.devices[i].total();
    if (used + device_margin(device.total_bytes) > device.free_bytes) return false;
  }
  return host_bytes(devices, set, plan) <= host_free_bytes;
}

bool is_fitting_whole(const std::vector<Device>& devices, const DeviceSet& set,
                      const MemoryPlan& plan, uint64_t host_free_bytes) {
  return is_fitting(devices, set, plan, host_free_bytes) &&
         host_bytes(devices, set, plan) + plan.host.weights - plan.host.copied <= host_free_bytes;
}

DeviceChoice choose_devices(const std::vector<Device>& devices, const PlacementRequest& request) {
  DeviceChoice choice;
  const DeviceSet workers = usable_workers(devices);
  const bool is_off = request.gpu == GpuUse::off;
  if (is_off && workers.empty()) return choice;
  const std::string named = backend_name(request.gpu);
  if (named.empty() && request.gpu_layers == 0) return choice;
  const DeviceSet own = is_off ? DeviceSet() : usable(devices, named);
  std::string faults;
  for (const Device& device : devices) {
    if (device.fault.empty() || (!named.empty() && device.backend != named)) continue;
    faults += (faults.empty() ? "" : "; ") + label(device) + ": " + device.fault;
    choice.warnings.push_back({"WARN_GPU_FAILED", label(device) + " is not used: " + device.fault +
                                                      "; `sluice doctor` shows all devices"});
  }
  if (own.empty() && !named.empty()) {
    throw unavailable(
        devices, named,
        faults.empty() ? "this build has no device of it" : "none works (" + faults + ")");
  }
  const DeviceSet found = joined(workers, own);
  const bool names_gpus =
      request.gpu_layers > 0 || request.main_gpu >= 0 || !request.tensor_split.empty();
  if (found.empty() && names_gpus) {
    choice.warnings.push_back({"WARN_GPU_MISSING",
                               "gpuLayers, mainGpu or tensorSplit asks for a GPU, and this build "
                               "finds none that works; the CPU computes alone. `sluice doctor` "
                               "says why"});
  }
  if (found.empty() || request.gpu_layers == 0) return choice;
  const DeviceSet all =
      joined(listed(devices, kWorkerBackend),
             own.empty() ? DeviceSet() : listed(devices, devices[own.front()].backend));
  if (!request.tensor_split.empty()) {
    share(choice, devices, all, request.tensor_split);
  } else if (request.main_gpu >= 0) {
    choice.sets = {main_device(devices, all, request.main_gpu)};
  } else {
    const bool shares = request.split_mode == SplitMode::automatic && !workers.empty();
    choice.sets = sets_of(devices, found, shares ? SplitMode::layer : request.split_mode);
  }
  return choice;
}

Fit fit_layers(const std::vector<Device>& devices, const std::vector<DeviceSet>& sets,
               const FitRequest& request, const Measure& measure) {
  if (sets.empty()) return {};
  const Fitter fitter{devices, sets, request, measure};
  const bool is_asked_for = request.gpu_layers >= 0;
  const int32_t layers =
      is_asked_for ? std::min(request.gpu_layers, request.layers_total) : request.layers_total;
  Fit fit = fitter.whole(layers);
  if (!fit.devices.empty()) return fit;
  const DeviceSet& set = sets.back();
  const std::string short_of = shortage(devices, set, measure(set, layers, request.context_min));
  if (is_asked_for) {
    if (!fitter.may_be_tried(set, layers)) {
      throw FaultError(FaultCode::out_of_memory,
                       std::to_string(layers) + " layers on the GPU were asked for: " + short_of +
                           ", or the CPU's layers do not fit into the system's memory; lower "
                           "gpuLayers, context or parallel");
    }
    fit = fitter.with(set, layers, request.context_min);
    fit.warnings.push_back({"WARN_GPU_MEMORY", std::to_string(layers) +
                                                   " layers on the GPU were asked for, and may not "
                                                   "fit: " +
                                                   short_of + "; leave gpuLayers out"});
    return fit;
  }
  fit = fitter.part();
  if (!fit.devices.empty()) return fit;
  if (request.is_named) {
    throw FaultError(FaultCode::out_of_memory,
                     "no layer of this model fits into the GPU's memory: with all of them " +
                         short_of + "; lower context or parallel, or leave gpu out");
  }
  fit.warnings.push_back({"WARN_GPU_MEMORY",
                          "the CPU computes alone, because no layer fits into "
                          "the GPU's memory: with all of them " +
                              short_of});
  return fit;
}

}  // namespace sluice
