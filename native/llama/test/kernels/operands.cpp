#include "llama/test/kernels/operands.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace kernels {

namespace {

// Kernels quantize inputs to 8 bits, each in its own way. These are numbers that every way keeps as
// they are: small integers times a power of two, with one 127 in each block. So what is left
// between a kernel and the reference is the rounding of its sums, and the tolerance can be narrow.
void fill_inputs(std::vector<float>& inputs, int64_t length, int64_t block, std::mt19937& random) {
  for (size_t start = 0; start < inputs.size(); start += size_t(length)) {
    for (int64_t first = 0; first < length; first += block) {
      const int64_t count = std::min(block, length - first);
      const float unit = std::ldexp(1.0f, -9 + int(random() % 3));  // blocks differ in scale
      float* values = inputs.data() + start + first;
      for (int64_t i = 0; i < count; ++i) values[i] = unit * float(int(random() % 121) - 60);
      values[random() % uint32_t(count)] = unit * (random() % 2 ? 127.0f : -127.0f);
    }
  }
}

std::vector<float> random_weights(size_t count, int64_t length, std::mt19937& random) {
  std::vector<float> weights(count);
  for (size_t i = 0; i < count; ++i) {
    const float scale = 0.125f * float(1 + (i / size_t(length)) % 5);  // rows differ in scale
    weights[i] = scale * (float(random() % 65536) / 32768.0f - 1.0f);
  }
  return weights;
}

}  // namespace

Operands::Operands(ggml_type type, const Sizes& sizes, uint32_t seed)
    : type_(type),
      sizes_(sizes),
      decoded_(size_t(sizes.weights.count() * sizes.columns * sizes.length)),
      inputs_(size_t(sizes.inputs.count() * sizes.rows * sizes.length)) {
  std::mt19937 random(seed);
  const int64_t rows = sizes.weights.count() * sizes.columns;
  const std::vector<float> weights = random_weights(decoded_.size(), sizes.length, random);
  const std::vector<float> importance(size_t(sizes.length), 1.0f);  // some types demand it
  weights_.resize(size_t(rows) * ggml_row_size(type, sizes.length));
  ggml_quantize_chunk(type, weights.data(), weights_.data(), 0, rows, sizes.length,
                      importance.data());
  if (type == GGML_TYPE_F32)
    decoded_ = weights;
  else
    ggml_get_type_traits(type)->to_float(weights_.data(), decoded_.data(), int64_t(weights.size()));
  fill_inputs(inputs_, sizes.length, ggml_blck_size(type) == 256 ? 256 : 32, random);
}

const float* Operands::input(int64_t matrix, int64_t row) const {
  return inputs_.data() + (matrix * sizes_.rows + row) * sizes_.length;
}

Element Operands::expected(int64_t weight_matrix, int64_t column, int64_t input_matrix,
                           int64_t row) const {
  const float* weight = decoded_.data() + (weight_matrix * sizes_.columns + column) * sizes_.length;
  const float* value = input(input_matrix, row);
  Element element;
  for (int64_t i = 0; i < sizes_.length; ++i) {
    const double term = double(weight[i]) * double(value[i]);
    element.value += term;
    element.magnitude += std::abs(term);
  }
  return element;
}

}  // namespace kernels
