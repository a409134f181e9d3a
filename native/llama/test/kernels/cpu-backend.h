// ggml's CPU backend: the one that is linked in, or a library that is loaded by its path.
#pragma once

#include <string>
#include <vector>

#include "ggml-backend.h"
#include "ggml-cpp.h"

namespace kernels {

// Owned by main, used by its thread only.
class CpuBackend {
 public:
  // An empty path is the backend that is linked in. Throws std::runtime_error where there is none,
  // or where the library's code does not suit this processor.
  explicit CpuBackend(const std::string& path);

  ggml_backend_t get() const { return backend_.get(); }

  // Where llama.cpp may put weights, best first: packed forms, then plain memory.
  std::vector<ggml_backend_buffer_type_t> weight_buffer_types() const;

  bool supports(const ggml_tensor* operation) const {
    return ggml_backend_dev_supports_op(device_, operation);
  }

  void use_threads(int count) const;

  // Whether the backend was compiled with such a feature: "AMX_INT8", "FP16_VA" ...
  bool has_feature(const char* name) const;

 private:
  ggml_backend_dev_t device_ = nullptr;
  ggml_backend_ptr backend_;
};

}  // namespace kernels
