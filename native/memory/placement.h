#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sluice {

// Where a model's layers are computed: decided here, from what devices say of themselves and what
// a load was measured to take. Pure: knows neither llama.cpp nor a device.

// Which backend may compute beside the CPU.
enum class GpuUse { automatic, off, cuda, vulkan, metal };
// How layers are shared among devices. `automatic` takes one device where the model fits into it,
// else all of them by layers; where there are workers, all in any case.
enum class SplitMode { automatic, none, layer };
// The backend of devices of other machines. They are there only where they were asked for.
inline const std::string kWorkerBackend = "rpc";
// An integrated device's memory is the system's own.
enum class DeviceKind { cpu, gpu, integrated, accelerator };

struct Device {
  std::string name;         // ggml's: "CUDA0", "CPU"
  std::string description;  // "NVIDIA H100 80GB HBM3"
  std::string backend;      // "cuda", "vulkan", "metal", "cpu", another's name in small letters
  DeviceKind kind = DeviceKind::cpu;
  uint64_t total_bytes = 0, free_bytes = 0;  // 0 where it does not say
  std::string fault;                         // why it cannot be used; empty where it can
};

// Something that the owner should know, and that did not stop the load.
struct Warning {
  std::string code, message;
};

struct PlacementRequest {
  GpuUse gpu = GpuUse::automatic;
  int32_t gpu_layers = -1;  // -1 is as many as fit
  SplitMode split_mode = SplitMode::automatic;
  // Both count all devices of workers, then all GPUs of the backend that is used, from 0, whether
  // they work or not.
  int32_t main_gpu = -1;            // the one device to use; -1 chooses
  std::vector<float> tensor_split;  // shares of the devices; empty is by their free memory
};

using DeviceSet = std::vector<size_t>;  // places in the list of devices
DeviceSet all_of(const std::vector<Device>& devices);

struct DeviceChoice {
  std::vector<DeviceSet> sets;  // the best first; none where the CPU computes alone
  std::vector<float> shares;    // of the one set that was asked for; else by free memory
  std::vector<Warning> warnings;
};

// Workers' devices come first: what goes from layer to layer crosses the network less often. Throws
// FaultError(gpu_unavailable) where a backend or device that was asked for is not there.
DeviceChoice choose_devices(const std::vector<Device>& devices, const PlacementRequest& request);

// Bytes.
struct MemoryUse {
  uint64_t weights = 0, kv = 0, compute = 0;
  uint64_t copied = 0;  // of the weights: not mapped from the file, but in memory of their own
  uint64_t total() const { return weights + kv + compute; }
  MemoryUse& operator+=(const MemoryUse& other) {
    weights += other.weights;
    kv += other.kv;
    compute += other.compute;
    copied += other.copied;
    return *this;
  }
};

struct MemoryPlan {
  std::vector<MemoryUse> devices;  // in the order of the set
  MemoryUse host;
  // Of the same set.
  MemoryPlan& operator+=(const MemoryPlan& other) {
    for (size_t i = 0; i < devices.size(); ++i) devices[i] += other.devices[i];
    host += other.host;
    return *this;
  }
};

// What a load with so many layers on a set, and so long a context, takes.
using Measure = std::function<MemoryPlan(const DeviceSet& set, int32_t layers, int32_t context)>;

struct FitRequest {
  bool is_named = false;     // a backend or a worker was asked for: the CPU alone is no answer
  int32_t layers_total = 1;  // the output counts as one
  int32_t gpu_layers = -1;   // -1 is as many as fit
  int32_t context = 0;       // tokens per sequence that are wished for
  int32_t context_min = 0;   // and that are enough, for all layers to fit
  uint64_t host_free_bytes = 0;
};

struct Fit {
  DeviceSet devices;  // empty: the CPU alone
  int32_t gpu_layers = 0;
  int32_t context = 0;  // of use with devices only
  std::vector<Warning> warnings;
};

// All layers on the best set, with the context halved where that lets them fit; else as many layers
// as fit; else the CPU. Throws FaultError(out_of_memory) where that is no answer.
Fit fit_layers(const std::vector<Device>& devices, const std::vector<DeviceSet>& sets,
               const FitRequest& request, const Measure& measure);

// Of the system's memory, weights that are mapped from the file not counted.
uint64_t host_bytes(const std::vector<Device>& devices, const DeviceSet& set,
                    const MemoryPlan& plan);

// Bytes of a device that are left free: for the memory that a driver takes without reporting it.
uint64_t device_margin(uint64_t total_bytes);

// Whether a plan fits into free memory. Weights in the system's memory do not count where they are
// mapped from the file.
bool is_fitting(const std::vector<Device>& devices, const DeviceSet& set, const MemoryPlan& plan,
                uint64_t host_free_bytes);

// The same, with the mapped weights counted.
bool is_fitting_whole(const std::vector<Device>& devices, const DeviceSet& set,
                      const MemoryPlan& plan, uint64_t host_free_bytes);

// "cuda"; empty for `automatic` and `off`.
std::string backend_name(GpuUse gpu);

}  // namespace sluice
