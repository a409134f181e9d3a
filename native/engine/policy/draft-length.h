#pragma once

#include <cstdint>

#include "engine/policy/draft-cost.h"

namespace sluice {

// How many tokens to draft for the next step, learned from what became of the last ones.
//
// A drafted token costs a row whether it is accepted or not, and counts only if all before it
// are. With p the share of the last few dozen tried tokens that were accepted, the k-th counts
// with a chance of p^k. With costs, as many are drafted as are fastest by them; without, so many
// that the last one's chance is still kWorth. Where not even one is worth it nothing is drafted for
// some steps, and twice as many after the next try that comes to nothing: what cannot be guessed,
// or not cheaply enough, costs a few steps in a hundred.
//
// Pure. Owned by Speculation.
class DraftLength {
 public:
  // `cost` may be null, and outlives it.
  DraftLength(int32_t max, const DraftCost* cost) : max_(max), cost_(cost) {}

  // For the step that comes now; 0 is none.
  int32_t next();
  // Of so many drafted tokens so many were accepted; `missed` if the next one was tried and was
  // not.
  void learn(int32_t drafted, int32_t accepted, bool missed);

  static constexpr double kWorth = 0.4;
  static constexpr int32_t kPauseMin = 16;   // steps
  static constexpr int32_t kPauseMax = 256;  // steps
  // A try that failed is followed by as many times the steps that it took.
  static constexpr int32_t kPausePerStep = 4;

 private:
  int32_t length() const;
  int32_t try_length();
  void pause(int32_t drafted);

  // As if so many had been tried before: 4 tokens to begin with, 2 after a pause.
  static constexpr double kHopeful = 3.2, kHopefulOf = 4;
  static constexpr double kDoubtful = 1.4, kDoubtfulOf = 2;
  // With costs one try may be of many tokens, and what it says shall count.
  static constexpr double kOpen = 1.6, kOpenOf = 2;
  // The p that is worth a try: that of a text that is copied.
  static constexpr double kHope = 0.98;
  static constexpr double kMemory = 32;  // tried tokens

  int32_t max_;
  const DraftCost* cost_;
  double accepted_ = kHopeful, tried_ = kHopefulOf;
  bool is_try_ = true;
  int32_t hopeless_steps_ = 0;
  int32_t pause_left_ = 0, next_pause_ = kPauseMin;
  int32_t tried_since_pause_ = 0;
};

}  // namespace sluice
