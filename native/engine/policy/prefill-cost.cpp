#include "engine/policy/prefill-cost.h"

#include <algorithm>

#include "base/average.h"
#include "engine/policy/scheduler.h"

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
  average(row_ms, newest, kNewest);
  // A tile that once took too long is tried again some day.
  double& tile_row_ms = row_ms_[size_t(size_of(kTileRows))];
  if (rows < kTileRows && kTileRows * tile_row_ms > kTileMsMax) tile_row_ms *= kTileFade;
  // Larger calls cost no more a row. Where it seems so it is old news, of a first call that read
  // the weights from disk or of a busier time, and would never be put right: it fades.
  for (size_t larger = size_t(size_of(rows)) + 1; larger < row_ms_.size(); ++larger) {
    if (row_ms_[larger] > row_ms) row_ms_[larger] += kNewest * (row_ms - row_ms_[larger]);
  }
}

int32_t PrefillCost::rows_within(double ms) const {
  double rows = kRowsFirst;
  for (int32_t size = kSizes - 1; size >= 0; --size) {
    const double row_ms = row_ms_[size_t(size)];
    if (row_ms == 0) continue;
    const int32_t smallest = kRowsMin << size;
    const double fitting = ms / row_ms;
    // Into a size that was not tried calls grow by steps. Below one that was, and did not fit, a
    // size speaks for itself only, and so learns when the machine has become slower.
    const bool is_next_known = size + 1 < kSizes && row_ms_[size_t(size) + 1] > 0;
    const int32_t largest = is_next_known ? 2 * smallest - 1 : 4 * smallest;
    rows = std::min<double>(fitting, largest);
    if (rows >= smallest) break;
  }
  return std::clamp(int32_t(is_tile_better(rows) ? kTileRows : rows), std::min(kRowsMin, rows_max_),
                    rows_max_);
}

bool PrefillCost::is_tile_better(double rows) const {
  if (rows >= kTileRows) return false;
  const double row_ms = row_ms_[size_t(size_of(int32_t(rows)))];
  const double tile_row_ms = row_ms_[size_t(size_of(kTileRows))];
  if (row_ms == 0) return false;
  if (tile_row_ms == 0) return kTileRows * row_ms <= kTileMsMax;  // to find out
  return row_ms > kTileCheaper * tile_row_ms && kTileRows * tile_row_ms <= kTileMsMax;
}

}  // namespace sluice
