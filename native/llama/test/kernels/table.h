// The table of products: sizes, layouts and batches that models' graphs have, for one type of
// weights in one type of buffer.
#pragma once

#include <string>

#include "llama/test/kernels/cpu-backend.h"
#include "llama/test/kernels/placed-weights.h"

namespace kernels {

// "q4_0 in CPU_REPACK", or "q4_0 in CPU, by expert".
std::string name_of(const Placement& placement);

// Whether llama.cpp ever puts such weights into such a buffer.
bool has_products(const CpuBackend& backend, const Placement& placement);

// Computes all products of the table. Throws std::runtime_error with the first wrong element.
void check_products(const CpuBackend& backend, const Placement& placement);

}  // namespace kernels
