#pragma once

#include <array>
#include <cstdint>

namespace sluice {

// What drafting costs on this machine, learned from the steps themselves. It has to be measured:
// where one row's step takes 1, a step of 5 rows takes hardly more on a GPU, 2.8 with Q4_0 weights
// on one core and 6.8 with Q8_0 (llama.cpp's kernels), so that the same good draft makes a reply
// faster or slower. Pure. Owned by Speculation.
class DraftCost {
 public:
  static constexpr int32_t kDraftMax = 16;

  // The model's call of so many rows, 1 + kDraftMax at most; and drafting so many tokens.
  void learn_call(int32_t rows, double ms);
  void learn_draft(int32_t tokens, double ms);

  // How many tokens to draft, `max` at most, to generate the most in a second if each is
  // accepted with chance p; 0 where a single row at a time is as fast, or not measured yet.
  int32_t best(double p, int32_t max) const;
  // So many steps of a single row would take as long as one with so many drafted tokens.
  double steps_of(int32_t drafted) const;

  // Less is not worth the trouble.
  static constexpr double kGainMin = 1.05;

 private:
  double call_ms(int32_t rows) const;
  double step_ms(int32_t drafted) const { return call_ms(1 + drafted) + drafted * draft_ms_; }

  std::array<double, kDraftMax + 2> call_ms_{};  // by rows; 0 is not known
  double draft_ms_ = 0;                          // a token
};

}  // namespace sluice
