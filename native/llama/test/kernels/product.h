// One graph with one matrix product, computed by a backend.
#pragma once

#include <string>
#include <vector>

#include "llama/test/kernels/cpu-backend.h"
#include "llama/test/kernels/operands.h"
#include "llama/test/kernels/placed-weights.h"

namespace kernels {

// How the inputs' rows lie in memory. Graphs hand on views of larger results.
enum class Layout {
  kContiguous,
  kRowsApart,     // each row is followed by numbers of no concern
  kMatricesMixed  // the first rows of all matrices, then the second ones ...
};

struct Product {
  int64_t rows = 0;  // of each matrix of inputs: the first so many
  Layout layout = Layout::kContiguous;
};

// The elements [matrix][row][column]. Throws std::runtime_error where the backend refuses, or
// writes to memory that is not the result's.
std::vector<float> compute_product(const CpuBackend& backend, const PlacedWeights& weights,
                                   const Operands& operands, const Product& product);

// The elements [token][slot][column]: `experts` holds the matrix of weights of each [token][slot],
// `slots` of each. Where `shared`, the slots of a token have one input row.
std::vector<float> compute_expert_product(const CpuBackend& backend, const PlacedWeights& weights,
                                          const Operands& operands,
                                          const std::vector<int32_t>& experts, int64_t slots,
                                          bool shared);

}  // namespace kernels
