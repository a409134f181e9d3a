#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace sluice {

// Of one reply: tokens that could be drafted for it, each accepted with this chance.
struct DraftWish {
  double chance;
  int32_t tokens;
};

// How many tokens the replies of one step may have drafted.
enum class DraftLengths {
  any,
  // All that draft have the same number: llama.cpp computes sequences with unequal numbers of rows
  // in several passes.
  equal,
  // All replies draft, the same number, or none does: the step must be computed in one pass.
  same_for_all,
};

// What drafting costs on this machine, learned from the steps themselves. It must be measured: a
// step of 5 rows takes hardly longer than one of a single row on a GPU, 1.3 times as long with Q8_0
// weights and our products on two cores, and 2.2 times with llama.cpp's. So the same draft makes a
// reply faster on one machine and slower on another. Pure. Owned by Speculation.
class DraftCost {
 public:
  static constexpr int32_t kDraftMax = 16;

  // Rows of a batch that has drafts, at most.
  static constexpr int32_t kRowsMax = 32;

  // The time of a batch of so many rows, and of drafting so many tokens. Larger ones are ignored.
  void learn_batch(int32_t rows, double ms);
  void learn_draft(int32_t tokens, double ms);
  // Of a step that llama.cpp computed in two passes: its single rows, and then the drafted ones.
  void learn_second_pass(int32_t single, int32_t drafted, double ms);
  // Whether a batch of so many rows was measured.
  bool knows(int32_t rows) const { return rows <= kRowsMax && batch_ms_[std::size_t(rows)] > 0; }

  // How many tokens to draft, `max` at most, to generate the most in a second if each is
  // accepted with chance p; 0 where a single row at a time is as fast, or not measured yet.
  int32_t best(double p, int32_t max) const;
  // How many tokens to draft for each of these replies, so that all together generate the most in a
  // second. `rows`: single rows of the step, those of other replies among them.
  std::vector<int32_t> share(int32_t rows, const std::vector<DraftWish>& wishes, int32_t rows_max,
                             DraftLengths lengths) const;
  // How many steps of a single row take as long as one step with so many drafted tokens.
  double steps_of(int32_t drafted) const;

  // Drafting must be faster by this factor.
  static constexpr double kGainMin = 1.05;

 private:
  double batch_ms(int32_t rows) const;
  double step_ms(int32_t drafted) const { return batch_ms(1 + drafted) + drafted * draft_ms_; }

  std::array<double, kRowsMax + 1> batch_ms_{};  // by rows; 0 is not known
  double draft_ms_ = 0;                          // a token
};

}  // namespace sluice
