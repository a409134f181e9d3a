#include "engine/policy/draft-cost.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "base/average.h"

namespace sluice {
namespace {

// The average follows faster steps more than slower ones: a slow step was mostly disturbed by other
// work on the machine.
constexpr double kFaster = 0.5, kSlower = 0.1;

void learn(double& mean, double newest) {
  average(mean, newest, newest < mean ? kFaster : kSlower);
}

}  // namespace

void DraftCost::learn_batch(int32_t rows, double ms) {
  if (rows >= 1 && rows <= kRowsMax) learn(batch_ms_[size_t(rows)], ms);
}

void DraftCost::learn_draft(int32_t tokens, double ms) { learn(draft_ms_, ms / tokens); }

void DraftCost::learn_second_pass(int32_t single, int32_t drafted, double ms) {
  if (knows(single) && ms > batch_ms(single)) learn_batch(drafted, ms - batch_ms(single));
}

// A size that was not measured is interpolated between its neighbours, or extrapolated from the
// smallest and the largest that were measured.
double DraftCost::batch_ms(int32_t rows) const {
  const auto is_known = [](double ms) { return ms > 0; };
  const auto at = batch_ms_.begin() + rows;
  const auto first = std::find_if(batch_ms_.begin(), batch_ms_.end(), is_known);
  const auto above = std::find_if(at, batch_ms_.end(), is_known);
  const auto below = std::find_if(std::make_reverse_iterator(std::min(at + 1, batch_ms_.end())),
                                  batch_ms_.rend(), is_known);
  if (below == batch_ms_.rend()) return first == batch_ms_.end() ? 0 : *first;
  const bool is_last = above == batch_ms_.end();
  const auto from = is_last ? first : below.base() - 1;
  const auto to = is_last ? below.base() - 1 : above;
  if (from == to) return *to;
  const double ms = *from + (*to - *from) / double(to - from) * double(at - from);
  // More rows than were measured never cost less than the most of them.
  return is_last ? std::max(ms, *to) : ms;
}

int32_t DraftCost::best(double p, int32_t max) const {
  return share(1, {{p, max}}, kRowsMax, DraftLengths::any).front();
}

std::vector<int32_t> DraftCost::share(int32_t rows, const std::vector<DraftWish>& wishes,
                                      int32_t rows_max, DraftLengths lengths) const {
  std::vector<int32_t> counts(wishes.size(), 0);
  rows_max = std::min(rows_max, kRowsMax);
  if (rows > rows_max || !knows(rows)) return counts;
  std::vector<size_t> likely(wishes.size());
  std::iota(likely.begin(), likely.end(), size_t(0));
  std::stable_sort(likely.begin(), likely.end(),
                   [&](size_t a, size_t b) { return wishes[a].chance > wishes[b].chance; });
  double fastest = kGainMin * rows / batch_ms(rows);
  for (int32_t length = 1; length <= kDraftMax; ++length) {
    double generated = rows;
    std::vector<size_t> drafting;
    for (size_t i : likely) {
      const auto& [chance, tokens] = wishes[i];
      const int32_t drafted = int32_t(drafting.size() + 1) * length;
      if (tokens < length) continue;
      if (rows + drafted > rows_max) break;
      drafting.push_back(i);
      for (double p = chance, left = length; left > 0; --left, p *= chance) generated += p;
      const bool are_all = int32_t(drafting.size()) == rows;
      if (lengths == DraftLengths::same_for_all && !are_all) continue;
      const bool is_one_pass = lengths == DraftLengths::any || are_all;
      const double ms = is_one_pass ? batch_ms(rows + drafted) : batch_ms(rows) + batch_ms(drafted);
      const double speed = generated / (ms + drafted * draft_ms_);
      if (speed <= fastest) continue;
      fastest = speed;
      std::fill(counts.begin(), counts.end(), 0);
      for (size_t one : drafting) counts[one] = length;
    }
  }
  return counts;
}

double DraftCost::steps_of(int32_t drafted) const {
  return batch_ms_[1] == 0 ? 0 : step_ms(drafted) / batch_ms_[1];
}

}  // namespace sluice
