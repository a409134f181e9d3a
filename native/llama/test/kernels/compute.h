// One result, computed by a backend.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "llama/test/kernels/cpu-backend.h"

namespace kernels {

constexpr int64_t kGuard = 1024;   // elements behind the result
constexpr uint8_t kPoison = 0xff;  // a float of these bytes is no number

// Allocates all tensors, poisons them, lets `fill` set the inputs, and computes `result`.
template <typename Fill>
std::vector<float> compute(const CpuBackend& backend, ggml_context* in, ggml_tensor* result,
                           Fill fill) {
  if (!backend.supports(result))
    throw std::runtime_error("the backend refuses what it is to compute");
  ggml_tensor* guard = ggml_new_tensor_1d(in, GGML_TYPE_F32, kGuard);  // lies behind the result
  const ggml_backend_buffer_ptr buffer(ggml_backend_alloc_ctx_tensors(in, backend.get()));
  if (!buffer) throw std::runtime_error("no memory for a product");
  ggml_backend_buffer_clear(buffer.get(), kPoison);
  fill();
  ggml_cgraph* graph = ggml_new_graph(in);
  ggml_build_forward_expand(graph, result);
  if (ggml_backend_graph_compute(backend.get(), graph) != GGML_STATUS_SUCCESS)
    throw std::runtime_error("the backend fails");
  const uint8_t* behind = static_cast<const uint8_t*>(guard->data);
  for (size_t i = 0; i < ggml_nbytes(guard); ++i) {
    if (behind[i] != kPoison) throw std::runtime_error("memory behind the result was written");
  }
  const float* elements = static_cast<const float*>(result->data);
  return {elements, elements + ggml_nelements(result)};
}

}  // namespace kernels
