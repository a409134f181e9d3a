#include "llama/test/kernels/cpu-backend.h"

#include <cstdio>
#include <cstring>
#include <stdexcept>

namespace kernels {

namespace {

// ggml tells of each tensor that it repacks.
void log_warnings(ggml_log_level level, const char* text, void*) {
  if (level == GGML_LOG_LEVEL_WARN || level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
}

ggml_backend_dev_t cpu_device(const std::string& path) {
  if (path.empty()) return ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  ggml_backend_reg_t loaded = ggml_backend_load(path.c_str());
  return loaded ? ggml_backend_reg_dev_get(loaded, 0) : nullptr;
}

template <typename Function>
Function function_of(ggml_backend_dev_t device, const char* name) {
  ggml_backend_reg_t registry = ggml_backend_dev_backend_reg(device);
  return reinterpret_cast<Function>(ggml_backend_reg_get_proc_address(registry, name));
}

}  // namespace

CpuBackend::CpuBackend(const std::string& path) {
  ggml_log_set(log_warnings, nullptr);
  device_ = cpu_device(path);
  if (!device_) throw std::runtime_error("no CPU backend for this processor: " + path);
  backend_.reset(ggml_backend_dev_init(device_, nullptr));
  if (!backend_) throw std::runtime_error("the CPU backend does not start");
}

std::vector<ggml_backend_buffer_type_t> CpuBackend::weight_buffer_types() const {
  std::vector<ggml_backend_buffer_type_t> all;
  const auto extra =
      function_of<ggml_backend_dev_get_extra_bufts_t>(device_, "ggml_backend_dev_get_extra_bufts");
  if (extra) {
    for (ggml_backend_buffer_type_t* type = extra(device_); type && *type; ++type)
      all.push_back(*type);
  }
  all.push_back(ggml_backend_dev_buffer_type(device_));
  return all;
}

void CpuBackend::use_threads(int count) const {
  const auto set = function_of<ggml_backend_set_n_threads_t>(device_, "ggml_backend_set_n_threads");
  set(backend_.get(), count);
}

bool CpuBackend::has_feature(const char* name) const {
  const auto features =
      function_of<ggml_backend_get_features_t>(device_, "ggml_backend_get_features");
  if (!features) return false;
  ggml_backend_feature* feature = features(ggml_backend_dev_backend_reg(device_));
  for (; feature->name; ++feature) {
    if (std::strcmp(feature->name, name) == 0) return true;
  }
  return false;
}

}  // namespace kernels
