// Products that must be the same numbers however many rows are computed together.
#pragma once

#include "llama/test/kernels/cpu-backend.h"

namespace kernels {

// Of our product of Q8_0 weights (native/llama/kernels/q8-product.cpp): each element is, bit for
// bit, what it is among more rows, on any number of threads, and but for rounding what ggml's own
// dot of its two rows is. Throws std::runtime_error.
void check_q8_product(const CpuBackend& backend);

}  // namespace kernels
