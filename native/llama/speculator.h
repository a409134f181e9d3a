#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "llama/context.h"
#include "llama/decode-status.h"

struct common_speculative;

namespace sluice {

struct SpeculatorParams {
  int32_t tokens_max = 1;              // of one draft
  std::string model_path, draft_path;  // for messages
};

// Guesses the next tokens of one sequence with a small draft model, by llama.cpp's
// common/speculative. A wrong guess costs only time: the target's own sampler decides.
//
// It gets all tokens each time and finds out which of them the draft model has not computed, so its
// caller keeps no account of that. Owned by Speculation. Engine thread only.
class Speculator {
 public:
  // The target must outlive it. Throws FaultError(model_invalid) when the two models have different
  // vocabularies, or the draft model cannot be trimmed.
  Speculator(const Context& target, std::unique_ptr<Context> draft, const SpeculatorParams& params);
  ~Speculator();
  Speculator(const Speculator&) = delete;
  Speculator& operator=(const Speculator&) = delete;

  // Forgets the text that the draft model has seen.
  void forget();
  // How many of the tokens, the last one not counted, the draft model has yet to see; it forgets
  // what it saw beyond them.
  int32_t missing(const std::vector<int32_t>& tokens);
  // Shows it the next `rows` of those missing.
  DecodeStatus catch_up(const std::vector<int32_t>& tokens, int32_t rows, const AbortCheck& abort);
  // Rows of one catch_up().
  int32_t rows_max() const { return draft_->rows_max(); }

  // Tokens that may follow: `count` at most, fewer or none where it finds no more. Only when none
  // are missing().
  std::vector<int32_t> draft(const std::vector<int32_t>& tokens, int32_t count,
                             const AbortCheck& abort);

 private:
  struct Free {
    void operator()(common_speculative* speculative) const;
  };

  void run(const AbortCheck& abort);

  const int32_t vocabulary_;  // the target's: llama.cpp lets the draft model's be a bit larger
  std::unique_ptr<Context> draft_;
  std::unique_ptr<common_speculative, Free> speculative_;
  std::vector<int32_t> seen_;     // what the draft model's cells hold
  std::vector<int32_t> history_;  // the tokens but the last, kept for its memory
};

}  // namespace sluice
