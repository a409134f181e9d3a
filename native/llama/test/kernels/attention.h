// Our attention over keys and values of f16 (native/llama/kernels/attention.cpp), against plain
// sums in double precision.
#pragma once

#include "llama/test/kernels/cpu-backend.h"

namespace kernels {

// Throws std::runtime_error where an element is not what it must be, or where a token's result
// hangs on the tokens beside it or on the number of threads.
void check_attention(const CpuBackend& backend);

}  // namespace kernels
