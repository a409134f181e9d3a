#include "engine/prefill-cost.h"

#include <algorithm>

namespace sluice {

int32_t PrefillCost::size_of(int32_t rows) {
  int32_t size = 0;
  while (size + 1 < kSizes && rows >= (kRowsMin << (size + 1))) ++size;
  return size;
}

void PrefillCost::learn(int32_t rows, double ms) {
  if (rows < kRowsMin || ms <= 0) return;
  double& row_ms = row_ms_[size_t(size_of(rows))];
  const double newest = ms / rows;
  row_ms = row_ms == 0 ? newest : row_ms + kNewest * (newest - row_ms);
}

int32_t PrefillCost::rows_within(double ms) const {
  int32_t rows = 0;
  bool is_largest = true;
  for (int32_t size = kSizes - 1; size >= 0; --size) {
    const double row_ms = row_ms_[size_t(size)];
    if (row_ms == 0) continue;
    const int32_t smallest = kRowsMin << size;
    const double fitting = ms / row_ms;
    // Beyond what was tried a call grows by steps. Below it a size speaks for itself only, and
    // so learns when the machine has become slower.
    const int32_t largest = is_largest ? 4 * smallest : 2 * smallest - 1;
    is_largest = false;
    rows = int32_t(std::min<double>(fitting, largest));
    if (fitting >= smallest) break;
  }
  if (rows == 0 && is_largest) rows = kRowsFirst;
  return std::clamp(rows, std::min(kRowsMin, rows_max_), rows_max_);
}

}  // namespace sluice
