#pragma once

#include <cstdint>
#include <vector>

namespace sluice {

// A row of logits is read in chunks of 16 rows of 32 lanes: value i of a chunk is in lane i % 32.
// Wider than 16, or GCC unrolls the inner loops before it can vectorize them.
constexpr int32_t kRowLanes = 32;
constexpr int32_t kRowChunk = 16 * kRowLanes;

// The loops over logits that compilers vectorize (row-loops.cpp), for one kind of processor.
struct RowKernels {
  const char* name;
  // Writes the largest value of each lane of each chunk; a last chunk that is cut short counts as
  // filled up with negative infinities. False when a value is NaN or positive infinity.
  bool (*lane_maxima)(const float* logits, int32_t count, float* maxima);
  // How many of a chunk's lanes are not below `least`.
  int32_t (*lanes_from)(const float* maxima, float least);
  // Writes exp(logit / temperature - highest) of at most a chunk, and returns the sum.
  double (*powers)(const float* logits, int32_t count, float temperature, float highest,
                   float* result);
};

// The best that this processor has; chosen once.
const RowKernels& row_kernels();

// All that this processor has, the best first.
std::vector<const RowKernels*> usable_row_kernels();

}  // namespace sluice
