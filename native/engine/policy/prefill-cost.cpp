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
  // A tile that once took too long is tried again later: its cost fades while smaller ones run.
  double& tile_row_ms = row_ms_[size_t(size_of(kTileRows))];
  if (rows < kTileRows && kTileRows * tile_row_ms > kTileMsMax) tile_row_ms *= kTileFade;
  // A row costs no more in a larger batch. Where the averages say so, they are old: of a first
  // batch that read the weights from disk, or of a busier time. Such an average would never be
  // corrected, since no larger batch is run, so it fades.
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
    // Batches grow step by step into a size that was not tried. Where the next size is known and
    // did not fit, this size's average is used for this size only, so that it is measured again and
    // a machine that has become slower is noticed.
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
  if (tile_row_ms == 0) return kTileRows * row_ms <= kTileMsMax;  // to measure it
  return row_ms > kTileCheaper * tile_row_ms && kTileRows * tile_row_ms <= kTileMsMax;
}

}  // namespace sluice
