#include "llama/row-order.h"

#include <vector>

#include "test/check.h"

using sluice::BatchParts;
using sluice::BatchRow;
using sluice::places_of_hidden_rows;

namespace {

using Places = std::vector<int32_t>;

constexpr BatchParts kOwnCells{true, true, 0};

// So many rows of each sequence; with `all` each has logits, else the last one.
std::vector<BatchRow> batch(const std::vector<std::pair<int32_t, int32_t>>& sequences, bool all) {
  std::vector<BatchRow> rows;
  for (const auto& [sequence, count] : sequences) {
    for (int32_t i = 0; i < count; ++i) rows.push_back({sequence, all || i == count - 1});
  }
  return rows;
}

}  // namespace

TEST("hidden rows: of one sequence, or of equally many rows, they are in the batch's order") {
  CHECK(places_of_hidden_rows(batch({{3, 4}}, false), kOwnCells) == Places({0, 1, 2, 3}));
  CHECK(places_of_hidden_rows(batch({{0, 2}, {1, 2}}, false), kOwnCells) == Places({0, 1, 2, 3}));
}

TEST("hidden rows: neighbours of unequal lengths are computed together as far as both go") {
  // Computed: 0, 3 | 1, 2. Of the rows with logits, 3 comes before 2, so the first two places are
  // exchanged.
  CHECK(places_of_hidden_rows(batch({{0, 3}, {1, 1}}, false), kOwnCells) == Places({1, 2, 3, 0}));
  // Computed: 0, 1 | 2, 3. The rows with logits, 0 and 3, are in order.
  CHECK(places_of_hidden_rows(batch({{0, 1}, {1, 3}}, false), kOwnCells) == Places({0, 1, 2, 3}));
}

TEST("hidden rows: sequences that are no neighbours are computed one after another") {
  CHECK(places_of_hidden_rows(batch({{0, 3}, {2, 1}}, false), kOwnCells) == Places({0, 1, 2, 3}));
  // Computed: 0, 3 | 1, 2, since sequence 1 is the next one after 0 wherever it stands. Of the rows
  // with logits, 3 comes before 2, so the second place and the third are exchanged.
  CHECK(places_of_hidden_rows(batch({{0, 1}, {2, 2}, {1, 1}}, false), kOwnCells) ==
        Places({0, 1, 3, 2}));
}

TEST("hidden rows: where each row has logits, all are brought into the batch's order") {
  CHECK(places_of_hidden_rows(batch({{0, 3}, {1, 1}, {2, 2}}, true), kOwnCells) ==
        Places({0, 1, 2, 3, 4, 5}));
}

TEST("hidden rows: where all sequences share cells nothing is moved") {
  CHECK(places_of_hidden_rows(batch({{0, 3}, {1, 1}}, false), {}) == Places({0, 1, 2, 3}));
}

TEST("hidden rows: of states with shared cells, any sequences are computed together") {
  // Computed: 0, 3 | 1, 2.
  CHECK(places_of_hidden_rows(batch({{0, 3}, {2, 1}}, false), {true, false, 0}) ==
        Places({1, 2, 3, 0}));
}

TEST("hidden rows: where states are kept, a sequence's last rows are computed in one part") {
  const BatchParts parts{true, true, 3};
  // The one row of sequence 1 would leave 2 of sequence 0, so that one is computed alone.
  CHECK(places_of_hidden_rows(batch({{0, 3}, {1, 1}}, false), parts) == Places({0, 1, 2, 3}));
  // Computed: 0, 4 | 1, 2, 3, since 3 rows are left. Of the rows with logits, 4 comes before 3, so
  // the first two places are exchanged.
  CHECK(places_of_hidden_rows(batch({{0, 4}, {1, 1}}, false), parts) == Places({1, 2, 3, 4, 0}));
  // Sequence 1 waits, and then is computed whole: 0 | 1, 2, 3.
  CHECK(places_of_hidden_rows(batch({{0, 1}, {1, 3}}, false), parts) == Places({0, 1, 2, 3}));
}
