// Weights that are put where the system gives no thread.
#pragma once

#include "llama/test/kernels/cpu-backend.h"

namespace kernels {

// In each type of buffer for Q8_0 weights: they are as with threads. Throws std::runtime_error.
void check_without_threads(const CpuBackend& backend);

}  // namespace kernels
