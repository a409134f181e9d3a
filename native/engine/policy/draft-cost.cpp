#include "engine/policy/draft-cost.h"

#include <cstddef>

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

void DraftCost::learn_batch(int32_t rows, double ms) { learn(batch_ms_[size_t(rows)], ms); }

void DraftCost::learn_draft(int32_t tokens, double ms) { learn(draft_ms_, ms / tokens); }

// A size that was not measured is interpolated between its neighbours, or extrapolated from the
// single row and the largest size that was measured.
double DraftCost::batch_ms(int32_t rows) const {
  if (batch_ms_[size_t(rows)] > 0) return batch_ms_[size_t(rows)];
  int32_t below = rows, above = rows;
  while (below > 1 && batch_ms_[size_t(below)] == 0) --below;
  while (above <= kDraftMax && batch_ms_[size_t(above)] == 0) ++above;
  const bool is_last = batch_ms_[size_t(above)] == 0;
  if (is_last && below == 1) return batch_ms_[1];
  const int32_t from = is_last ? 1 : below, to = is_last ? below : above;
  const double slope = (batch_ms_[size_t(to)] - batch_ms_[size_t(from)]) / (to - from);
  return batch_ms_[size_t(from)] + slope * (rows - from);
}

int32_t DraftCost::best(double p, int32_t max) const {
  if (batch_ms_[1] == 0) return 0;
  int32_t best = 0;
  double fastest = kGainMin / batch_ms_[1];
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
  return batch_ms_[1] == 0 ? 0 : step_ms(drafted) / batch_ms_[1];
}

}  // namespace sluice
