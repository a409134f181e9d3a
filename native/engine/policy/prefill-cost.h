#pragma once

#include <array>
#include <cstdint>

namespace sluice {

// What a prefill call costs on this machine, learned from the calls themselves, so that a call
// can be sized by time. A row's cost depends on how many share the call, so it is kept by size.
// Pure. Owned by StepLoop.
class PrefillCost {
 public:
  // rows_max: of one call.
  explicit PrefillCost(int32_t rows_max) : rows_max_(rows_max) {}

  void learn(int32_t rows, double ms);
  // The rows that are expected to take that long: at least kRowsMin, or a call would cost more
  // than its rows, and rows_max at most.
  int32_t rows_within(double ms) const;

  static constexpr int32_t kRowsMin = 16;
  static constexpr int32_t kRowsFirst = 64;  // while nothing is known

 private:
  // Sizes from 16, 32, 64, 128, 256 and 512 rows up.
  static constexpr int32_t kSizes = 6;
  static constexpr double kNewest = 0.3;  // the weight of the last call in the average

  // Where rows are so many times as dear in a smaller call, a tile of them (see kTileRows) may take
  // longer than a call should: fewer would save little or nothing.
  static constexpr double kTileCheaper = 1.3, kTileMsMax = 200, kTileFade = 0.995;

  static int32_t size_of(int32_t rows);
  bool is_tile_better(double rows) const;

  const int32_t rows_max_;
  std::array<double, kSizes> row_ms_{};  // 0 is not known
};

}  // namespace sluice
