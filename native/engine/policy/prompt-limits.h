#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "engine/policy/prefill-cost.h"
#include "engine/policy/step-plan.h"

namespace sluice {

// What prompts may have of one step.
struct PromptLimits {
  int32_t rows;               // in this step
  int32_t batch_rows;         // of one batch at most
  bool is_oldest_turn;        // every other step
  int32_t rows_most = 0;      // where that finishes a prompt; 0: not more than `rows`
  bool holds = false;         // none is finished before all short ones can be
  bool shares_cells = false;  // so that chunks of any length can share a batch
  // Of prompts that are scored: rows in this step; and of one batch, all rows that have logits.
  int32_t scored_rows = INT32_MAX, batch_logits = INT32_MAX;
};

// What the limits of a step hang on, beside the sequences and what batches cost.
struct StepTime {
  double singles_ms;     // the single rows' own batch
  bool can_abort;        // whether a batch under way can be aborted
  double held_ms = -1;   // since prompts are held; negative where they are not
  double copied_ms = 0;  // what copying states has taken of this step already
};

// Since when prompts are held: from the first step whose limits hold them to the last. Pure. Owned
// by StepLoop.
class Hold {
 public:
  bool is_on() const { return since_.has_value(); }
  // Milliseconds; negative where none are held.
  double ms(Clock::time_point now) const;
  void note(const PromptLimits& limits, Clock::time_point now);

 private:
  std::optional<Clock::time_point> since_;
};

// How many rows of prompts the next step computes. Pure.
//  1. While sequences generate: the fewest rows that cost nearly the least, what the running ones
//     wait and compute meanwhile included. No pause between two tokens shall be as long as 300 ms,
//     or three of their own batches where these are slow.
//  2. While none does: the fewest rows that cost nearly the least. Whoever comes meanwhile gets in
//     by an abort. Where a batch cannot be aborted, it is kept short: a cancelled prompt goes on
//     for that long.
//  3. A prompt is finished with more rows than that where the pause allows it, since its rest
//     would be a batch of its own.
//  4. A burst of short prompts, more than are generating and more than the largest batch, is held:
//     all are computed up to their last token, and then begin in one step. Else those that came
//     first would have one token, and then wait batch by batch for the others. Held for 2.5 s at
//     most.
PromptLimits prompt_limits(const std::vector<SequenceView>& sequences, const PrefillCost& cost,
                           const StepTime& time);

// Whether a prompt among them has adapters, so that the next step's batches may cost more than
// those without. What runs beside them has its own batches.
bool has_adapted_prompt(const std::vector<SequenceView>& sequences);

}  // namespace sluice
