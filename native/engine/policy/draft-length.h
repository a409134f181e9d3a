#pragma once

#include <cstdint>

#include "engine/policy/draft-cost.h"

namespace sluice {

// How many tokens to draft for the next step, learned from what became of the last ones.
//
// A drafted token costs a row whether it is accepted or not, and is used only if all before it are
// accepted. With p the share of the last few dozen tried tokens that were accepted, the k-th token
// is used with a chance of p^k. With a DraftCost that knows single rows the number is the
// fastest by it; else the largest whose last token has a chance of at least kWorth. Where not even
// one token is worth it, nothing is drafted for some steps, and for twice as many after each try
// that fails: a text that cannot be guessed cheaply loses a few steps in a hundred.
//
// Pure. Owned by Speculation.
class DraftLength {
 public:
  // `cost` may be null, and outlives it.
  DraftLength(int32_t max, const DraftCost* cost) : max_(max), cost_(cost) {}

  // For the step that comes now; 0 is none.
  int32_t next();
  // In place of next(), where the drafts of several replies share a step: the chance of a drafted
  // token to assume now; 0 is to draft none.
  double chance();
  // Tokens could have been drafted, and by their chance and cost were not. True where they are to
  // be drafted nevertheless, rarely, to measure the cost again.
  bool passed();
  // So many tokens were drafted, and so many of them accepted; `missed`: the next one was tried and
  // not accepted. Nothing is learned of those that were drafted though there is no chance: other
  // replies needed it (DraftLengths::same_for_all).
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

  // The counts begin as if so many tokens had been tried: 4 at first, 2 after a pause.
  static constexpr double kHopeful = 3.2, kHopefulOf = 4;
  static constexpr double kDoubtful = 1.4, kDoubtfulOf = 2;
  // With costs a try may have many tokens, so what was before it counts for little.
  static constexpr double kOpen = 1.6, kOpenOf = 2;
  // The p that a try assumes: that of a text that is being copied.
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
