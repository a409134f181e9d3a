#include "engine/policy/prefill-cost.h"

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace sluice {
namespace {

// The weight of the newest batch. A faster one counts more: a slow one was mostly disturbed.
constexpr double kFaster = 0.5, kSlower = 0.25;
// One that is so much faster replaces what was learned: of a first batch that read the weights
// from disk, or of a busier time.
constexpr double kFarFaster = 0.5;
constexpr double kHardlyMore = 1.25;
// How far apart depths must be, in tokens, before a size has a slope of its own.
constexpr double kDepthApart = 256;

// A guess, until a batch without tiles was measured at a depth.
constexpr double kWithoutTiles = 3;

// While nothing is known: alone, and where others wait for tokens.
constexpr int32_t kRowsFirst = 64, kRowsFirstBeside = 32;
// A step of several batches, where one is short beside what else a step does.
constexpr int32_t kBatchesMax = 8;
// A larger batch is tried where it is expected to take no longer, in milliseconds: whoever comes
// meanwhile waits for part of it.
constexpr double kTryMs = 1000;
// It is tried where the size below was cheaper than the one below that by this,
constexpr double kGain = 0.99;
// and again after so many batches of other sizes.
constexpr int32_t kTryAgain = 100;

}  // namespace

PrefillBatch PrefillBatch::of(const std::vector<Chunk>& chunks) {
  PrefillBatch batch{0, chunks.front().count, 0};
  for (const Chunk& chunk : chunks) {
    batch.rows += chunk.count;
    batch.chunk_rows = std::min(batch.chunk_rows, chunk.count);
    batch.depth += chunk.count * (chunk.begin + chunk.count / 2.0);
  }
  batch.depth /= batch.rows;
  return batch;
}

// The nearest.
size_t PrefillCost::size_of(int32_t rows) {
  size_t size = 0;
  while (size + 1 < kSizes.size() && 2 * rows >= kSizes[size] + kSizes[size + 1]) ++size;
  return size;
}

void PrefillCost::learn(const PrefillBatch& batch, double ms) {
  if (batch.rows < kRowsMin || ms <= 0) return;
  Lines& lines = lines_[has_tiles(batch) ? 1 : 0];
  for (Line& other : lines) ++other.age;
  Line& line = lines[size_of(batch.rows)];
  const double newest = ms / batch.rows;
  const double expected = row_ms(line, slope(has_tiles(batch)), batch.depth);
  if (line.count > 0 && newest < kFarFaster * expected) line = Line();
  const double weight = std::max(1.0 / (line.count + 1), newest < expected ? kFaster : kSlower);
  const double deeper = batch.depth - line.depth, slower = newest - line.row_ms;
  line.depth += weight * deeper;
  line.row_ms += weight * slower;
  line.depth_square = (1 - weight) * (line.depth_square + weight * deeper * deeper);
  line.depth_ms = (1 - weight) * (line.depth_ms + weight * deeper * slower);
  line.age = 0;
  ++line.count;
  lower_larger(batch, newest);
}

// A row costs hardly more in a larger batch. Where a line says so, it is old: of a first batch that
// read the weights from disk, or of a busier time. It might never be corrected, since such batches
// are no longer computed.
void PrefillCost::lower_larger(const PrefillBatch& batch, double newest) {
  for (const bool tiles : {false, true}) {
    if (has_tiles(batch) && !tiles) continue;
    for (size_t size = size_of(batch.rows) + 1; size < kSizes.size(); ++size) {
      Line& line = lines_[tiles ? 1 : 0][size];
      if (line.count == 0) continue;
      const double share = kHardlyMore * newest / row_ms(line, slope(tiles), batch.depth);
      if (share < 1) line.row_ms *= 1 - kSlower * (1 - share);
    }
  }
}

double PrefillCost::slope(bool has_tiles) const {
  double square = 0, ms = 0;
  for (const Line& line : lines(has_tiles)) {
    square += line.depth_square;
    ms += line.depth_ms;
  }
  if (square > kDepthApart * kDepthApart) return std::max(0.0, ms / square);
  return has_tiles ? 0 : slope_without_tiles();
}

// Without depth, rows without tiles cost what those with them do.
double PrefillCost::slope_without_tiles() const {
  const double with_tiles = slope(true);
  double depth = 0, ms = 0;
  for (size_t size = 0; size < kSizes.size(); ++size) {
    const Line& line = lines(false)[size];
    const Line* base = line_of(kSizes[size], true);
    if (line.count == 0 || line.depth < kDepthApart || !base) continue;
    depth += line.depth;
    ms += line.row_ms - row_ms(*base, with_tiles, 0);
  }
  return depth > 0 ? std::max(with_tiles, ms / depth) : kWithoutTiles * with_tiles;
}

double PrefillCost::row_ms(const Line& line, double slope, double depth) const {
  const double apart = kDepthApart * kDepthApart;
  const double own = (line.depth_ms + apart * slope) / (line.depth_square + apart);
  // What is extrapolated to shallow rows is never nothing.
  return std::max(line.row_ms + std::max(0.0, own) * (depth - line.depth), line.row_ms / 8);
}

// Of the sizes that were measured: the largest up to this one, else the smallest beyond.
const PrefillCost::Line* PrefillCost::line_of(int32_t rows, bool has_tiles) const {
  const Lines& all = lines(has_tiles);
  const Line* found = nullptr;
  for (size_t size = 0; size < kSizes.size(); ++size) {
    if (all[size].count == 0) continue;
    if (found && size > size_of(rows)) break;
    found = &all[size];
  }
  return found;
}

double PrefillCost::ms_of(const PrefillBatch& batch) const {
  const bool tiles = has_tiles(batch);
  const Line* own = line_of(batch.rows, tiles);
  const Line* other = line_of(batch.rows, !tiles);
  const auto sizes_apart = [&](const Line* line, bool has_tiles) {
    return std::abs((line - lines(has_tiles).data()) - std::ptrdiff_t(size_of(batch.rows)));
  };
  // The nearer in size. What depth adds is another thing, so it is taken from the own ones.
  if (other && (!own || sizes_apart(other, !tiles) < sizes_apart(own, tiles))) {
    return batch.rows * (row_ms(*other, slope(!tiles), 0) + slope(tiles) * batch.depth);
  }
  return own ? batch.rows * row_ms(*own, slope(tiles), batch.depth) : 0;
}

// In the prompt's middle, about where it was measured: at its beginning it is extrapolated, which
// after a few batches on a busy machine may come to next to nothing.
double PrefillCost::token_ms(int32_t tokens) const {
  return ms_of({rows_max_, rows_max_, tokens / 2.0}) / rows_max_;
}

int32_t PrefillCost::rows_within(double ms, int32_t begin) const {
  int32_t rows = rows_max_;
  if (!is_known()) return std::min(kRowsFirst, rows);
  while (rows > kRowsMin && ms_of({rows, rows, begin + rows / 2.0}) > ms) --rows;
  return rows;
}

// With the rows at that depth.
double PrefillCost::step_ms(const Wish& wish, int32_t rows, double depth) const {
  const int32_t batch_rows = std::min(rows, rows_max_);
  const int32_t chunk_rows = wish.has_tiles ? batch_rows : 1;
  return wish.beside_ms + rows / batch_rows * ms_of({batch_rows, chunk_rows, depth});
}

// Milliseconds of a row and of what it keeps from others. All at one depth: a larger batch reaches
// deeper, but so does the next one where it is smaller.
double PrefillCost::price(const Wish& wish, int32_t rows) const {
  const double deepest = wish.has_tiles ? std::min(rows, rows_max_) / 2.0 : 0;
  const double over = std::max(1.0, step_ms(wish, rows, wish.begin + deepest) / wish.limit_ms);
  return step_ms(wish, rows, wish.begin) / rows * over * over;
}

int32_t PrefillCost::rows_for(const Wish& wish) const {
  if (!is_known()) return std::min(wish.is_alone ? kRowsFirst : kRowsFirstBeside, rows_max_);
  std::vector<int32_t> candidates;
  for (int32_t rows : kSizes) {
    if (rows < rows_max_ && (!wish.is_alone || rows >= kTileRows)) candidates.push_back(rows);
  }
  for (int32_t batches = 1; batches <= (wish.is_alone ? 1 : kBatchesMax); ++batches) {
    candidates.push_back(batches * rows_max_);
  }
  const int32_t best =
      *std::min_element(candidates.begin(), candidates.end(),
                        [&](int32_t a, int32_t b) { return price(wish, a) < price(wish, b); });
  const double most = (1 + wish.near) * price(wish, best);
  const int32_t to_try = wish.is_alone && wish.near > 0 ? size_to_try(wish) : 0;
  if (to_try > 0) return to_try;
  return *std::find_if(candidates.begin(), candidates.end(),
                       [&](int32_t rows) { return price(wish, rows) <= most; });
}

// The smallest size that may cost a row less than those below, as far as is known; or 0.
int32_t PrefillCost::size_to_try(const Wish& wish) const {
  const Lines& all = lines(wish.has_tiles);
  double below = 0;  // the price of the size below
  for (size_t size = size_of(kTileRows); size < kSizes.size(); ++size) {
    const int32_t rows = std::min(kSizes[size], rows_max_);
    if (step_ms(wish, rows, wish.begin) > std::min(kTryMs, wish.limit_ms)) return 0;
    if (all[size].count == 0 || all[size].age > kTryAgain) return rows;
    const double own = price(wish, rows);
    if (below > 0 && own > kGain * below) return 0;
    below = own;
    if (rows == rows_max_) return 0;
  }
  return 0;
}

}  // namespace sluice
