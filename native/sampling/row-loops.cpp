// Compiled once for each kind of processor (CMakeLists.txt), under the name SLUICE_ROW_KERNELS. A
// function that another file also defines, an inline one or a template's, may not come from here:
// the linker keeps one copy for all, and that copy would then need this file's processor.
#include <cstring>
#include <limits>

#include "sampling/row-kernels.h"

#ifndef SLUICE_ROW_KERNELS
#define SLUICE_ROW_KERNELS baseline
#endif
#define SLUICE_JOIN_(a, b) a##b
#define SLUICE_JOIN(a, b) SLUICE_JOIN_(a, b)
#define SLUICE_TEXT_(a) #a
#define SLUICE_TEXT(a) SLUICE_TEXT_(a)

namespace sluice {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kLargest = std::numeric_limits<float>::max();

bool lane_maxima(const float* logits, int32_t count, float* maxima) {
  int32_t unusable[kRowLanes] = {};
  for (int32_t begin = 0; begin < count; begin += kRowChunk, maxima += kRowLanes) {
    float padded[kRowChunk];
    const float* values = logits + begin;
    if (count - begin < kRowChunk) {
      for (int32_t i = 0; i < kRowChunk; ++i) {
        padded[i] = i < count - begin ? values[i] : -kInfinity;
      }
      values = padded;
    }
    float largest[kRowLanes];
    for (int32_t lane = 0; lane < kRowLanes; ++lane) largest[lane] = -kInfinity;
    for (int32_t row = 0; row < kRowChunk / kRowLanes; ++row) {
      for (int32_t lane = 0; lane < kRowLanes; ++lane) {
        const float value = values[row * kRowLanes + lane];
        largest[lane] = value > largest[lane] ? value : largest[lane];
        unusable[lane] |= !(value <= kLargest);
      }
    }
    std::memcpy(maxima, largest, sizeof(largest));
  }
  int32_t any = 0;
  for (int32_t lane = 0; lane < kRowLanes; ++lane) any |= unusable[lane];
  return any == 0;
}

int32_t lanes_from(const float* maxima, float least) {
  int32_t lanes = 0;
  for (int32_t lane = 0; lane < kRowLanes; ++lane) lanes += maxima[lane] >= least;
  return lanes;
}

// e^x for -87 <= x <= 0, within 2 units in the last place, in operations that compilers vectorize,
// which they do not do to std::exp.
inline float exponential(float x) {
  // Adding and taking away 1.5 * 2^23 rounds to a whole number, and leaves it in the low bits.
  constexpr float kRounder = 12582912.0f;
  const float shifted = x * 1.44269504f + kRounder;
  const float whole = shifted - kRounder;
  // ln 2 in two parts: the first has so few digits that its product is exact.
  const float rest = x - whole * 0.693359375f - whole * -2.12194440e-4f;
  float series = 1.0f / 5040.0f;
  series = series * rest + 1.0f / 720.0f;
  series = series * rest + 1.0f / 120.0f;
  series = series * rest + 1.0f / 24.0f;
  series = series * rest + 1.0f / 6.0f;
  series = series * rest + 0.5f;
  const float fraction = series * rest * rest + rest + 1.0f;
  uint32_t bits, power;
  std::memcpy(&bits, &fraction, sizeof(bits));
  std::memcpy(&power, &shifted, sizeof(power));
  bits += power << 23;  // the rounder's own bits are shifted out
  float result;
  std::memcpy(&result, &bits, sizeof(result));
  return result;
}

double sum(const float* values, int32_t count) {
  constexpr int32_t kSums = 32;  // side by side, because one sum's order may not be changed
  double sums[kSums] = {};
  const int32_t whole = count / kSums * kSums;
  for (int32_t i = 0; i < whole; i += kSums) {
    for (int32_t lane = 0; lane < kSums; ++lane) sums[lane] += double(values[i + lane]);
  }
  double total = 0.0;
  for (int32_t i = whole; i < count; ++i) total += double(values[i]);
  for (double lane : sums) total += lane;
  return total;
}

// Temperature and difference in float, as llama.cpp computes them: only the exponentials differ.
double powers(const float* logits, int32_t count, float temperature, float highest, float* result) {
  // e^-87 is as good as nothing beside the highest logit's 1. A loop of its own, because GCC makes
  // a branch of the bound where more follows.
  for (int32_t i = 0; i < count; ++i) {
    const float x = logits[i] / temperature - highest;
    result[i] = x > -87.0f ? x : -87.0f;
  }
  for (int32_t i = 0; i < count; ++i) result[i] = exponential(result[i]);
  return sum(result, count);
}

}  // namespace

extern const RowKernels SLUICE_JOIN(row_kernels_, SLUICE_ROW_KERNELS);
const RowKernels SLUICE_JOIN(row_kernels_, SLUICE_ROW_KERNELS) = {SLUICE_TEXT(SLUICE_ROW_KERNELS),
                                                                  lane_maxima, lanes_from, powers};

}  // namespace sluice
