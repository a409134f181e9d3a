// Weights in the memory and the form in which llama.cpp would keep them.
#pragma once

#include "ggml-cpp.h"
#include "llama/test/kernels/cpu-backend.h"
#include "llama/test/kernels/operands.h"

namespace kernels {

enum class Use { kProduct, kProductByExpert };

// Weights of one type in one type of buffer.
struct Placement {
  ggml_type type = GGML_TYPE_F32;
  ggml_backend_buffer_type_t buffer_type = nullptr;
  Use use = Use::kProduct;
};

// Whether llama.cpp would choose this type of buffer for weights of these sizes.
bool would_place(const CpuBackend& backend, const Placement& placement, const Sizes& sizes);

class PlacedWeights {
 public:
  PlacedWeights(const Placement& placement, const Operands& operands);

  ggml_tensor* tensor() const { return tensor_; }

 private:
  ggml_context_ptr context_;
  ggml_backend_buffer_ptr buffer_;
  ggml_tensor* tensor_ = nullptr;
};

// A context for the descriptions of `tensors` tensors and a graph, without their data.
ggml_context_ptr new_context(size_t tensors);

}  // namespace kernels
