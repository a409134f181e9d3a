#include "llama/runtime/devices.h"

#include <exception>
#include <stdexcept>

#include "ggml-backend.h"
#include "llama/runtime/backends.h"
#include "llama/runtime/runtime.h"

namespace sluice {
namespace {

DeviceKind kind_of(ggml_backend_dev_t device) {
  switch (ggml_backend_dev_type(device)) {
    case GGML_BACKEND_DEVICE_TYPE_CPU: return DeviceKind::cpu;
    case GGML_BACKEND_DEVICE_TYPE_GPU: return DeviceKind::gpu;
    case GGML_BACKEND_DEVICE_TYPE_IGPU: return DeviceKind::integrated;
    default: return DeviceKind::accelerator;
  }
}

// Starts a GPU and asks for its memory. An exception of its driver becomes that device's fault, and
// the other devices are still looked at.
void look_closely(Device& result, ggml_backend_dev_t device) {
  const bool is_gpu = result.kind == DeviceKind::gpu || result.kind == DeviceKind::integrated;
  std::string failed = "it could not be started";
  ErrorLogScope log;
  std::string why;
  try {
    if (is_gpu) {
      ggml_backend_t backend = ggml_backend_dev_init(device, nullptr);
      if (!backend) throw std::runtime_error(log.text());
      ggml_backend_free(backend);
    }
    failed = "it does not say how much memory it has";
    size_t free = 0, total = 0;
    ggml_backend_dev_memory(device, &free, &total);
    result.free_bytes = free;
    result.total_bytes = total;
    if (!is_gpu || total > 0) return;
  } catch (const std::exception& error) {
    why = error.what();
  }
  result.fault = failed + (why.empty() ? why : ": " + why);
}

Device described(ggml_backend_dev_t device, Look look) {
  Device result;
  result.name = ggml_backend_dev_name(device);
  result.description = ggml_backend_dev_description(device);
  result.backend = registry_name(ggml_backend_dev_backend_reg(device));
  result.kind = kind_of(device);
  if (look == Look::started) look_closely(result, device);
  return result;
}

}  // namespace

std::vector<Device> find_devices(Look look, const std::string& backend) {
  start_runtime();
  std::vector<Device> devices;
  for (size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    ggml_backend_dev_t device = ggml_backend_dev_get(i);
    const std::string name = registry_name(ggml_backend_dev_backend_reg(device));
    const bool is_meant =
        backend.empty() || name == backend || name == "cpu" || name == kWorkerBackend;
    devices.push_back(described(device, is_meant ? look : Look::names));
  }
  return devices;
}

std::vector<std::pair<std::string, std::string>> cpu_features() {
  start_runtime();
  std::vector<std::pair<std::string, std::string>> features;
  ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  if (!device) return features;
  ggml_backend_reg_t registry = ggml_backend_dev_backend_reg(device);
  const auto get = reinterpret_cast<ggml_backend_get_features_t>(
      ggml_backend_reg_get_proc_address(registry, "ggml_backend_get_features"));
  if (!get) return features;
  for (const ggml_backend_feature* feature = get(registry); feature->name; ++feature) {
    features.emplace_back(feature->name, feature->value);
  }
  return features;
}

}  // namespace sluice
