#pragma once

#include <cstdint>

namespace sluice {

// How many tokens to draft for the next step, learned from what became of the last ones.
//
// A drafted token costs a row whether it is accepted or not, and counts only if all before it
// are. With p the share of the last few dozen tried tokens that were accepted, the k-th counts
// with a chance of p^k; so many are drafted that the last one's is still kWorth. Where not even
// the first one's is, nothing is drafted for some steps, and twice as many after the next try that
// comes to nothing: a text that cannot be guessed costs a few tries in a hundred steps.
//
// Pure. Owned by Speculation, one for each reply.
class DraftLength {
 public:
  explicit DraftLength(int32_t max) : max_(max) {}

  // For the step that comes now; 0 is none.
  int32_t next();
  // So many tokens of a draft were accepted; `missed` if the one after them was tried and was not.
  void learn(int32_t accepted, bool missed);

  static constexpr double kWorth = 0.4;
  static constexpr int32_t kPauseMin = 16;   // steps
  static constexpr int32_t kPauseMax = 256;  // steps

 private:
  int32_t length() const;

  // As if so many had been tried before: what a reply, and a try after a pause, begins with.
  static constexpr double kHopeful = 3.2, kHopefulOf = 4;    // 4 tokens
  static constexpr double kDoubtful = 1.4, kDoubtfulOf = 2;  // 2 tokens
  static constexpr double kMemory = 32;                      // tried tokens

  int32_t max_;
  double accepted_ = kHopeful, tried_ = kHopefulOf;
  int32_t pause_left_ = 0, next_pause_ = kPauseMin;
  int32_t tried_since_pause_ = 0;
};

}  // namespace sluice
