#include "llama/row-order.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

namespace sluice {
namespace {

// Rows of one sequence that are not computed yet.
struct Run {
  int32_t sequence, begin, end;
};

std::vector<Run> runs_of(const std::vector<BatchRow>& rows) {
  std::vector<Run> runs;
  for (int32_t i = 0; i < int32_t(rows.size()); ++i) {
    const int32_t sequence = rows[size_t(i)].sequence;
    if (runs.empty() || runs.back().sequence != sequence) runs.push_back({sequence, i, i});
    runs.back().end = i + 1;
  }
  return runs;
}

// The next part: it takes so many rows of each of these sequences.
struct Part {
  std::vector<Run*> runs;
  int32_t count = INT32_MAX;
};

Part next_part(std::vector<Run>& left, const BatchParts& parts) {
  Part part;
  for (Run& run : left) {
    const bool joins =
        part.runs.empty() || !parts.of_neighbours || run.sequence == part.runs.back()->sequence + 1;
    if (joins) part.runs.push_back(&run);
  }
  for (const Run* run : part.runs) part.count = std::min(part.count, run->end - run->begin);
  // A sequence whose last rows would be parted waits, with those behind it; the first one is
  // computed alone, whole.
  const auto is_parted = [&](const Run* run) {
    const int32_t rest = run->end - run->begin - part.count;
    return rest > 0 && rest < parts.rows_kept;
  };
  const auto first = std::find_if(part.runs.begin(), part.runs.end(), is_parted);
  if (first != part.runs.begin()) {
    part.runs.erase(first, part.runs.end());
  } else {
    part.runs.resize(1);
    part.count = part.runs.front()->end - part.runs.front()->begin;
  }
  return part;
}

// The rows in the order in which they are computed.
std::vector<int32_t> computed_order(const std::vector<BatchRow>& rows, const BatchParts& parts) {
  std::vector<Run> left = runs_of(rows);
  std::vector<int32_t> order;
  while (!left.empty()) {
    const auto [part, count] = next_part(left, parts);
    for (Run* run : part) {
      for (int32_t i = 0; i < count; ++i) order.push_back(run->begin++);
    }
    const auto is_done = [](const Run& run) { return run.begin == run.end; };
    left.erase(std::remove_if(left.begin(), left.end(), is_done), left.end());
  }
  return order;
}

// The exchanges that bring the rows with logits into the batch's order, made with all rows.
void exchange(std::vector<int32_t>& order, const std::vector<BatchRow>& rows) {
  std::vector<int32_t> outputs;
  for (const int32_t row : order) {
    if (rows[size_t(row)].has_logits) outputs.push_back(row);
  }
  for (size_t i = 0; i + 1 < outputs.size(); ++i) {
    const auto least = std::min_element(outputs.begin() + ptrdiff_t(i), outputs.end());
    const size_t at = size_t(least - outputs.begin());
    if (at == i) continue;
    std::swap(outputs[i], outputs[at]);
    std::swap(order[i], order[at]);
  }
}

}  // namespace

std::vector<int32_t> places_of_hidden_rows(const std::vector<BatchRow>& rows,
                                           const BatchParts& parts) {
  std::vector<int32_t> places(rows.size());
  std::iota(places.begin(), places.end(), 0);
  if (!parts.are_split) return places;
  std::vector<int32_t> order = computed_order(rows, parts);
  exchange(order, rows);
  for (size_t i = 0; i < order.size(); ++i) places[size_t(order[i])] = int32_t(i);
  return places;
}

}  // namespace sluice
