#include "engine/draft-length.h"

#include <algorithm>
#include <cmath>

namespace sluice {

int32_t DraftLength::length() const {
  const double p = accepted_ / tried_;
  int32_t length = 0;
  for (double chance = p; length < max_ && chance >= kWorth; chance *= p) ++length;
  return length;
}

int32_t DraftLength::next() {
  if (pause_left_ == 0) return length();
  --pause_left_;
  return 0;
}

void DraftLength::learn(int32_t accepted, bool missed) {
  const int32_t tried = accepted + (missed ? 1 : 0);
  accepted_ += accepted;
  tried_ += tried;
  tried_since_pause_ += tried;
  const double forget = std::min(1.0, kMemory / tried_);
  accepted_ *= forget;
  tried_ *= forget;
  if (tried_since_pause_ >= kMemory) next_pause_ = kPauseMin;
  if (length() > 0) return;
  pause_left_ = next_pause_;
  next_pause_ = std::min(2 * next_pause_, kPauseMax);
  tried_since_pause_ = 0;
  accepted_ = kDoubtful;
  tried_ = kDoubtfulOf;
}

}  // namespace sluice
