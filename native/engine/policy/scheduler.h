#pragma once

#include <cstdint>
#include <vector>

#include "engine/policy/step-plan.h"

namespace sluice {

// One sequence as the scheduler sees it. There is no prefill phase: n_computed chases n_tokens.
struct SequenceView {
  int32_t slot;
  int32_t n_tokens;
  int32_t n_computed;
  int32_t boundary;  // where its next chunk must end at the latest, n_tokens at most
  uint64_t arrival;  // the lower the earlier
  bool parked;
  bool is_scored = false;  // all of its prompt's rows may have logits
};

struct PromptLimits {
  int32_t rows;         // of prompts in this step
  int32_t batch_rows;   // of one batch at most
  bool is_oldest_turn;  // every other step
  // Of prompts that are scored: rows in this step; and of one batch, all rows that have logits.
  int32_t scored_rows = INT32_MAX, batch_logits = INT32_MAX;
};

// llama.cpp computes attention in tiles of so many rows: over a long text, fewer rows cost several
// times as much each. So prompts are cut into chunks of multiples of this.
constexpr int32_t kTileRows = 64;

// The whole policy of a step. Pure: no model, no clock, no thread, no memory of earlier steps.
//
//  1. Each sequence with one token left to compute gets its single row.
//  2. The prompts' rows go to the prompt with the fewest left to its boundary, then to the next. A
//     short prompt overtakes a long one.
//  3. But half of them go to the oldest prompt, so that no stream of short ones starves it. Where
//     half is less than a tile, it gets all rows of every other step instead.
//  4. A prompt that nearly fits is computed whole, with up to a quarter more rows. A small part of
//     a prompt waits for the next step.
//  5. Rows with logits cost more, and need memory for them: a prompt that is scored has limits of
//     its own.
// `sequences` in ascending order of slot.
StepPlan plan_step(const std::vector<SequenceView>& sequences, const PromptLimits& limits);

// How long the prompts' batches of a step may take, in milliseconds.
//  1. While sequences generate, 80: a longer pause between two tokens would be seen.
//  2. More where the single rows' own batch takes longer than that.
//  3. More, up to 220, where more prompts wait than sequences generate: the sooner they join, the
//     fewer steps are computed for only a few.
//  4. 220 where none generates; a new request can join after that. With the rows that rule 4 of
//     plan_step() adds, no pause is as long as 300 ms.
//  5. 80 where a batch cannot be aborted and none generates: a cancelled prompt goes on for that
//     long.
double prompt_ms(int32_t generating, int32_t prompts, double singles_ms, bool can_abort = true);

}  // namespace sluice
