#include "llama/test/kernels/placed-weights.h"

#include <cstring>
#include <stdexcept>

namespace kernels {

namespace {

// The rows of the first matrix, last row first.
std::vector<uint8_t> reversed_rows(const Operands& operands) {
  const size_t row = ggml_row_size(operands.type(), operands.sizes().length);
  const size_t rows = size_t(operands.sizes().columns);
  std::vector<uint8_t> reversed(row * rows);
  for (size_t i = 0; i < rows; ++i)
    std::memcpy(reversed.data() + i * row, operands.weights().data() + (rows - 1 - i) * row, row);
  return reversed;
}

}  // namespace

ggml_context_ptr new_context(size_t tensors) {
  const size_t bytes = tensors * ggml_tensor_overhead() + ggml_graph_overhead();
  return ggml_context_ptr(ggml_init({bytes, nullptr, /*no_alloc=*/true}));
}

// llama.cpp asks so when it loads a model: with inputs of as many matrices as the weights have.
bool would_place(const CpuBackend& backend, const Placement& placement, const Sizes& sizes) {
  const auto [inner, outer] = sizes.weights;
  const ggml_context_ptr context = new_context(8);
  ggml_context* in = context.get();
  ggml_tensor* weights =
      ggml_new_tensor_4d(in, placement.type, sizes.length, sizes.columns, inner, outer);
  const ggml_backend_buffer_ptr nothing(ggml_backend_buft_alloc_buffer(placement.buffer_type, 0));
  weights->buffer = nothing.get();
  if (placement.use == Use::kProduct) {
    ggml_tensor* inputs = ggml_new_tensor_4d(in, GGML_TYPE_F32, sizes.length, 512, inner, outer);
    return backend.supports(ggml_mul_mat(in, weights, inputs));
  }
  ggml_tensor* inputs = ggml_new_tensor_3d(in, GGML_TYPE_F32, sizes.length, 2, 512);
  ggml_tensor* experts = ggml_new_tensor_2d(in, GGML_TYPE_I32, 2, 512);
  return backend.supports(ggml_mul_mat_id(in, weights, inputs, experts));
}

PlacedWeights::PlacedWeights(const Placement& placement, const Operands& operands) {
  const Sizes& sizes = operands.sizes();
  // As in a model, other weights follow: reading too far finds numbers that look right.
  const size_t following = placement.use == Use::kProduct ? 8 : 0;
  context_ = new_context(1 + following);
  ggml_context* in = context_.get();
  tensor_ = ggml_new_tensor_4d(in, placement.type, sizes.length, sizes.columns, sizes.weights.inner,
                               sizes.weights.outer);
  std::vector<ggml_tensor*> others;
  for (size_t i = 0; i < following; ++i)
    others.push_back(ggml_new_tensor_2d(in, placement.type, sizes.length, sizes.columns));
  buffer_.reset(ggml_backend_alloc_ctx_tensors_from_buft(in, placement.buffer_type));
  if (!buffer_) throw std::runtime_error("no memory for weights");
  ggml_backend_buffer_set_usage(buffer_.get(), GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
  const std::vector<uint8_t>& data = operands.weights();
  ggml_backend_tensor_set(tensor_, data.data(), 0, data.size());
  const std::vector<uint8_t> reversed = reversed_rows(operands);
  for (ggml_tensor* tensor : others)
    ggml_backend_tensor_set(tensor, reversed.data(), 0, reversed.size());
}

}  // namespace kernels
