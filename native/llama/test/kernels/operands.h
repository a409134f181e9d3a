// Both sides of matrix products, and what the products are by a plain sum.
#pragma once

#include <cstdint>
#include <vector>

#include "ggml.h"

namespace kernels {

// Matrices in two further dimensions.
struct Batch {
  int64_t inner = 1;
  int64_t outer = 1;

  int64_t count() const { return inner * outer; }
};

// Weights are `columns` rows of `length`, inputs are `rows` rows of `length`: each product has
// `rows` rows of `columns` elements.
struct Sizes {
  int64_t length = 0;
  int64_t columns = 0;
  int64_t rows = 0;
  Batch weights;
  Batch inputs;
};

struct Element {
  double value = 0;
  double magnitude = 0;  // the sum of the terms' absolute values
};

class Operands {
 public:
  Operands(ggml_type type, const Sizes& sizes, uint32_t seed);

  ggml_type type() const { return type_; }
  const Sizes& sizes() const { return sizes_; }
  const std::vector<uint8_t>& weights() const { return weights_; }
  const float* input(int64_t matrix, int64_t row) const;

  // Of the product of one input row and one row of weights, in double precision.
  Element expected(int64_t weight_matrix, int64_t column, int64_t input_matrix, int64_t row) const;

 private:
  ggml_type type_;
  Sizes sizes_;
  std::vector<uint8_t> weights_;
  std::vector<float> decoded_;  // what the quantized weights stand for
  std::vector<float> inputs_;
};

}  // namespace kernels
