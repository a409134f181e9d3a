#include "engine/policy/draft-length.h"

#include <algorithm>

namespace sluice {

int32_t DraftLength::length() const {
  const double p = accepted_ / tried_;
  if (cost_ && cost_->steps_of(1) > 0) return cost_->best(p, max_);
  int32_t length = 0;
  for (double chance = p; length < max_ && chance >= kWorth; chance *= p) ++length;
  return length;
}

int32_t DraftLength::next() {
  if (pause_left_ > 0) {
    --pause_left_;
    return 0;
  }
  return cost_ && is_try_ ? try_length() : length();
}

double DraftLength::chance() {
  if (pause_left_ > 0) {
    --pause_left_;
    return 0;
  }
  return is_try_ ? kHope : accepted_ / tried_;
}

bool DraftLength::passed() {
  if (!is_try_) pause(0);
  if (++hopeless_steps_ < 2 * kPauseMax) return false;
  hopeless_steps_ = 0;
  return true;
}

int32_t DraftLength::try_length() {
  if (cost_->steps_of(1) == 0) return 0;
  if (const int32_t length = cost_->best(kHope, max_)) return length;
  // Even then drafting would be slower, by the costs as they were measured: measure again, rarely.
  if (++hopeless_steps_ < 2 * kPauseMax) return 0;
  hopeless_steps_ = 0;
  return max_;
}

void DraftLength::learn(int32_t drafted, int32_t accepted, bool missed) {
  if (pause_left_ > 0) return;
  if (cost_ && is_try_) {
    accepted_ = kOpen;
    tried_ = kOpenOf;
  }
  is_try_ = false;
  const int32_t tried = accepted + (missed ? 1 : 0);
  accepted_ += accepted;
  tried_ += tried;
  tried_since_pause_ += tried;
  const double forget = std::min(1.0, kMemory / tried_);
  accepted_ *= forget;
  tried_ *= forget;
  if (tried_since_pause_ >= kMemory) next_pause_ = kPauseMin;
  if (length() == 0) pause(drafted);
}

void DraftLength::pause(int32_t drafted) {
  const double took = cost_ ? cost_->steps_of(drafted) : 0;
  pause_left_ = std::max(next_pause_, std::min(2 * kPauseMax, int32_t(took * kPausePerStep)));
  next_pause_ = std::min(2 * next_pause_, kPauseMax);
  tried_since_pause_ = 0;
  is_try_ = true;
  accepted_ = kDoubtful;
  tried_ = kDoubtfulOf;
}

}  // namespace sluice
