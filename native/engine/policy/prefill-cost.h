#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/policy/step-plan.h"

namespace sluice {

// llama.cpp's CPU backend computes attention in tiles of so many rows of one sequence. Over a long
// text, a row in a shorter chunk costs several times as much, so such batches are learned apart.
constexpr int32_t kTileRows = 64;

// What the time of a prefill batch hangs on.
struct PrefillBatch {
  int32_t rows;
  int32_t chunk_rows;  // of its shortest chunk
  double depth;        // how many tokens a row comes after, on average

  static PrefillBatch of(const std::vector<Chunk>& chunks);
};

// What prefill batches cost on this machine, learned from the batches themselves. For each size it
// keeps what a row costs and at which depth. How much each token of depth adds is learned from all
// sizes together, so that a size is known before it is tried at a depth. Pure. Owned by StepLoop.
class PrefillCost {
 public:
  // rows_max: of one batch.
  explicit PrefillCost(int32_t rows_max) : rows_max_(rows_max) {}

  int32_t rows_max() const { return rows_max_; }
  // Of a prompt of so many tokens, one of them; 0 while nothing is known.
  double token_ms(int32_t tokens) const;
  // `ms` without what other processes took of it.
  void learn(const PrefillBatch& batch, double ms);
  // Milliseconds; 0 while nothing is known.
  double ms_of(const PrefillBatch& batch) const;
  // How many rows of one sequence, from `begin` on, are expected to take that long. At least
  // kRowsMin, since a smaller batch costs more than its rows do, and at most rows_max.
  int32_t rows_within(double ms, int32_t begin = 0) const;

  // How a step is to be filled.
  struct Wish {
    int32_t begin = 0;      // of the prompt
    bool has_tiles = true;  // whether its chunks have kTileRows or more
    bool is_alone = true;   // nobody waits for a token
    double beside_ms = 0;   // what else each step computes
    double limit_ms = 0;    // of a step. It may take longer where shorter ones cost far more
    double near = kNear;    // how much more than the least is nearly the least
  };
  // The fewest rows with which a step's rows cost nearly the least. More than rows_max are several
  // batches. At least kTileRows where nobody waits, whatever was learned.
  int32_t rows_for(const Wish& wish) const;

  static constexpr int32_t kRowsMin = 16;
  static constexpr double kNear = 0.05;

 private:
  static constexpr std::array<int32_t, 8> kSizes{16, 32, 64, 128, 192, 256, 384, 512};

  // A line through what was measured: milliseconds of a row, by depth. Newer ones count more.
  struct Line {
    int32_t count = 0;
    int32_t age = 0;  // batches of other sizes since
    double depth = 0, row_ms = 0, depth_square = 0, depth_ms = 0;
  };
  using Lines = std::array<Line, kSizes.size()>;

  static size_t size_of(int32_t rows);
  static bool has_tiles(const PrefillBatch& batch) { return batch.chunk_rows >= kTileRows; }
  const Lines& lines(bool has_tiles) const { return lines_[has_tiles ? 1 : 0]; }
  void lower_larger(const PrefillBatch& batch, double newest);
  double slope(bool has_tiles) const;
  double slope_without_tiles() const;
  double row_ms(const Line& line, double slope, double depth) const;
  // The line that tells of batches of this size, or null.
  const Line* line_of(int32_t rows, bool has_tiles) const;
  bool is_known() const { return line_of(kTileRows, true) || line_of(kTileRows, false); }
  double step_ms(const Wish& wish, int32_t rows, double depth) const;
  double price(const Wish& wish, int32_t rows) const;
  int32_t size_to_try(const Wish& wish) const;

  const int32_t rows_max_;
  std::array<Lines, 2> lines_;  // without tiles, with tiles
};

}  // namespace sluice
