#include "llama/placement.h"

#include <algorithm>

#include "llama/fault.h"

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

// The devices that may be used, of one backend; the best where none is named.
DeviceSet usable(const std::vector<Device>& devices, const std::string& named) {
  DeviceSet found;
  for (size_t i = 0; i < devices.size(); ++i) {
    const Device& device = devices[i];
    const bool is_asked_for = named.empty() || device.backend == named;
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

void check_shares(const std::vector<Device>& devices, const DeviceSet& found,
                  const PlacementRequest& request) {
  const std::string there = "there are " + std::to_string(found.size()) + ": " +
                            (found.empty() ? "none" : names_of(devices, found));
  if (request.main_gpu >= int32_t(found.size())) {
    throw FaultError(FaultCode::gpu_unavailable, "mainGpu " + std::to_string(request.main_gpu) +
                                                     " is no device; counted from 0, " + there);
  }
  if (request.tensor_split.size() > found.size()) {
    throw FaultError(FaultCode::gpu_unavailable, "tensorSplit has " +
                                                     std::to_string(request.tensor_split.size()) +
                                                     " shares, one for each device, but " + there);
  }
}

std::vector<DeviceSet> sets_of(const std::vector<Device>& devices, const DeviceSet& found,
                               const PlacementRequest& request) {
  const bool shares = !request.tensor_split.empty();
  const bool is_open = request.split_mode == SplitMode::automatic && !shares;
  const size_t main = request.main_gpu >= 0
                          ? found[size_t(request.main_gpu)]
                          : *std::max_element(found.begin(), found.end(), [&](size_t a, size_t b) {
                              return devices[a].free_bytes < devices[b].free_bytes;
                            });
  const bool is_single = request.split_mode == SplitMode::none;
  if (is_single || (is_open && request.main_gpu >= 0)) return {{main}};
  if (is_open && found.size() > 1) return {{main}, found};
  return {found};
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
            " of " + mib(device.free_bytes) + " that are free";
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
    return plan.host.kv + plan.host.compute <= request.host_free_bytes;
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

std::string backend_name(GpuUse gpu) {
  switch (gpu) {
    case GpuUse::cuda: return "cuda";
    case GpuUse::vulkan: return "vulkan";
    case GpuUse::metal: return "metal";
    default: return "";
  }
}

uint64_t device_margin(uint64_t total_bytes) {
  return std::clamp(total_bytes / 16, 32 * kMiB, 1024 * kMiB);
}

bool is_fitting(const std::vector<Device>& devices, const DeviceSet& set, const MemoryPlan& plan,
                uint64_t host_free_bytes) {
  uint64_t host = plan.host.kv + plan.host.compute;
  for (size_t i = 0; i < set.size(); ++i) {
    const Device& device = devices[set[i]];
    const uint64_t used = plan.devices[i].total();
    if (used + device_margin(device.total_bytes) > device.free_bytes) return false;
    if (device.kind == DeviceKind::integrated) host += used;
  }
  return host <= host_free_bytes;
}

DeviceChoice choose_devices(const std::vector<Device>& devices, const PlacementRequest& request) {
  DeviceChoice choice;
  if (request.gpu == GpuUse::off) return choice;
  const std::string named = backend_name(request.gpu);
  if (named.empty() && request.gpu_layers == 0) return choice;
  const DeviceSet found = usable(devices, named);
  std::string faults;
  for (const Device& device : devices) {
    if (device.fault.empty() || (!named.empty() && device.backend != named)) continue;
    faults += (faults.empty() ? "" : "; ") + label(device) + ": " + device.fault;
    choice.warnings.push_back({"WARN_GPU_FAILED", label(device) + " is not used: " + device.fault +
                                                      "; `sluice doctor` shows all devices"});
  }
  if (found.empty() && !named.empty()) {
    throw unavailable(
        devices, named,
        faults.empty() ? "this build has no device of it" : "none works (" + faults + ")");
  }
  if (found.empty() || request.gpu_layers == 0) return choice;
  check_shares(devices, found, request);
  choice.sets = sets_of(devices, found, request);
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
