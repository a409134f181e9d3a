#include "engine/policy/draft-cost.h"

#include <cstddef>

#include "base/average.h"

namespace sluice {
namespace {

// A step that took longer than usual was disturbed, more often than not.
constexpr double kFaster = 0.5, kSlower = 0.1;

void learn(double& mean, double newest) {
  average(mean, newest, newest < mean ? kFaster : kSlower);
}

}  // namespace

void DraftCost::learn_call(int32_t rows, double ms) { learn(call_ms_[size_t(rows)], ms); }

void DraftCost::learn_draft(int32_t tokens, double ms) { learn(draft_ms_, ms / tokens); }

// What was never tried lies on the line between its neighbours, or beyond the last one on the line
// through that and the single row.
double DraftCost::call_ms(int32_t rows) const {
  if (call_ms_[size_t(rows)] > 0) return call_ms_[size_t(rows)];
  int32_t below = rows, above = rows;
  while (below > 1 && call_ms_[size_t(below)] == 0) --below;
  while (above <= kDraftMax && call_ms_[size_t(above)] == 0) ++above;
  const bool is_last = call_ms_[size_t(above)] == 0;
  if (is_last && below == 1) return call_ms_[1];
  const int32_t from = is_last ? 1 : below, to = is_last ? below : above;
  const double slope = (call_ms_[size_t(to)] - call_ms_[size_t(from)]) / (to - from);
  return call_ms_[size_t(from)] + slope * (rows - from);
}

int32_t DraftCost::best(double p, int32_t max) const {
  if (call_ms_[1] == 0) return 0;
  int32_t best = 0;
  double fastest = kGainMin / call_ms_[1];
  double generated = 1, chance = 1;
  for (int32_t drafted = 1; drafted <= max; ++drafted) {
    chance *= p;
    generated += chance;
    const double speed = generated / step_ms(drafted);
    if (speed <= fastest) continue;
    best = drafted;
    fastest = speed;
  }
  return best;
}

double DraftCost::steps_of(int32_t drafted) const {
  return call_ms_[1] == 0 ? 0 : step_ms(drafted) / call_ms_[1];
}

}  // namespace sluice
