#pragma once

#include <algorithm>

namespace sluice {

// A batch of prompts that nobody waits beside may be abandoned for one who comes meanwhile. What it
// had computed of a prompt is lost, so this says for how long it may be: not when less than half is
// left of it, and in the long run not more than a tenth of all time. Pure. Owned by
// NewcomerWatch.
class NewcomerBudget {
 public:
  // For so long from its start, in milliseconds, a batch gives way.
  double gives_way_ms(double batch_ms) const { return std::min(batch_ms / 2, saved_ms_); }
  void computed(double ms) { saved_ms_ = std::min(kSavedMax, saved_ms_ + kShare * ms); }
  void abandoned(double ms) { saved_ms_ = std::max(0.0, saved_ms_ - ms); }

 private:
  static constexpr double kShare = 0.1;
  static constexpr double kSavedFirst = 50, kSavedMax = 2000;

  double saved_ms_ = kSavedFirst;
};

}  // namespace sluice
