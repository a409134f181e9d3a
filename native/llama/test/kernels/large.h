// Weights of more than 2 GiB: where 32 bits are too few for the place of a block.
#pragma once

#include "llama/test/kernels/cpu-backend.h"

namespace kernels {

// Takes 5 GB of memory, and some seconds. Throws std::runtime_error with the first wrong element.
void check_large_weights(const CpuBackend& backend, ggml_backend_buffer_type_t buffer_type);

}  // namespace kernels
