#include "llama/test/kernels/product.h"

#include <cmath>
#include <cstring>
#include <stdexcept>

#include "llama/test/kernels/compute.h"

namespace kernels {

namespace {

ggml_tensor* new_inputs(ggml_context* in, const Sizes& sizes, const Product& product) {
  const auto [inner, outer] = sizes.inputs;
  if (product.layout == Layout::kContiguous)
    return ggml_new_tensor_4d(in, GGML_TYPE_F32, sizes.length, product.rows, inner, outer);
  if (product.layout == Layout::kMatricesMixed) {
    ggml_tensor* mixed =
        ggml_new_tensor_4d(in, GGML_TYPE_F32, sizes.length, inner, product.rows, outer);
    return ggml_permute(in, mixed, 0, 2, 1, 3);
  }
  ggml_tensor* wide =
      ggml_new_tensor_4d(in, GGML_TYPE_F32, sizes.length + 24, product.rows, inner, outer);
  return ggml_view_4d(in, wide, sizes.length, product.rows, inner, outer, wide->nb[1], wide->nb[2],
                      wide->nb[3], 8 * sizeof(float));
}

void set_inputs(ggml_tensor* inputs, const Operands& operands, int64_t rows) {
  const Sizes& sizes = operands.sizes();
  for (int64_t matrix = 0; matrix < sizes.inputs.count(); ++matrix) {
    const size_t start = size_t(matrix / sizes.inputs.inner) * inputs->nb[3] +
                         size_t(matrix % sizes.inputs.inner) * inputs->nb[2];
    for (int64_t row = 0; row < rows; ++row) {
      char* place = static_cast<char*>(inputs->data) + start + size_t(row) * inputs->nb[1];
      std::memcpy(place, operands.input(matrix, row), size_t(sizes.length) * sizeof(float));
    }
  }
}

}  // namespace

std::vector<float> compute_product(const CpuBackend& backend, const PlacedWeights& weights,
                                   const Operands& operands, const Product& product) {
  const ggml_context_ptr context = new_context(8);
  ggml_context* in = context.get();
  ggml_tensor* inputs = new_inputs(in, operands.sizes(), product);
  ggml_tensor* result = ggml_mul_mat(in, weights.tensor(), inputs);
  return compute(backend, in, result, [&] { set_inputs(inputs, operands, product.rows); });
}

std::vector<float> compute_expert_product(const CpuBackend& backend, const PlacedWeights& weights,
                                          const Operands& operands,
                                          const std::vector<int32_t>& experts, int64_t slots,
                                          bool shared) {
  const ggml_context_ptr context = new_context(8);
  ggml_context* in = context.get();
  const int64_t length = operands.sizes().length;
  const int64_t tokens = int64_t(experts.size()) / slots;
  const int64_t own = shared ? 1 : slots;
  ggml_tensor* inputs = ggml_new_tensor_3d(in, GGML_TYPE_F32, length, own, tokens);
  ggml_tensor* ids = ggml_new_tensor_2d(in, GGML_TYPE_I32, slots, tokens);
  ggml_tensor* result = ggml_mul_mat_id(in, weights.tensor(), inputs, ids);
  return compute(backend, in, result, [&] {
    std::memcpy(inputs->data, operands.input(0, 0), ggml_nbytes(inputs));
    std::memcpy(ids->data, experts.data(), ggml_nbytes(ids));
  });
}

}  // namespace kernels
