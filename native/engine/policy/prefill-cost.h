#pragma once

#include <array>
#include <cstdint>

namespace sluice {

// What a prefill batch costs on this machine, learned from the batches themselves, so that one can
// be sized by time. A row's cost depends on how many share the batch, so it is kept by size. Pure.
// Owned by StepLoop.
class PrefillCost {
 public:
  // rows_max: of one batch.
  explicit PrefillCost(int32_t rows_max) : rows_max_(rows_max) {}

  void learn(int32_t rows, double ms);
  // How many rows are expected to take that long: at least kRowsMin, since a smaller batch costs
  // more than its rows do, and at most rows_max.
  int32_t rows_within(double ms) const;

  static constexpr int32_t kRowsMin = 16;
  static constexpr int32_t kRowsFirst = 64;  // while nothing is known

 private:
  // Sizes from 16, 32, 64, 128, 256 and 512 rows up.
  static constexpr int32_t kSizes = 6;
  static constexpr double kNewest = 0.3;  // the share of the last batch in the average

  // Where a row in a smaller batch costs kTileCheaper times as much as in a tile (see kTileRows), a
  // whole tile is computed though it takes longer than `ms`, up to kTileMsMax: fewer rows would
  // take hardly less time.
  static constexpr double kTileCheaper = 1.3, kTileMsMax = 200, kTileFade = 0.995;

  static int32_t size_of(int32_t rows);
  bool is_tile_better(double rows) const;

  const int32_t rows_max_;
  std::array<double, kSizes> row_ms_{};  // 0 is not known
};

}  // namespace sluice
