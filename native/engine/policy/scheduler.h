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
  int32_t stop;      // where its next chunk must end at the latest, n_tokens at most
  uint64_t arrival;  // the lower the earlier
  bool parked;
  bool is_scored = false;  // all of its prompt's rows may want logits
};

struct PromptLimits {
  int32_t rows;         // of prompts in this step
  int32_t call_rows;    // of one call at most
  bool is_oldest_turn;  // every other step
  // Of prompts that are scored: rows in this step, and in one call with all that want logits.
  int32_t scored_rows = INT32_MAX, call_logits = INT32_MAX;
};

// Attention of fewer rows than this over a long text costs several times as much a row: llama.cpp
// computes it in tiles of so many. Parts of a prompt are as long, or multiples.
constexpr int32_t kTileRows = 64;

// The whole policy of a step. Pure: no model, no clock, no thread, no memory of earlier steps.
//
// Everybody who runs gets its row. The prompts' rows go to the prompt with the least left first
// (until its end, or until somebody who waits for its beginning can start) and so on, but half of
// them are the oldest prompt's: a short one overtakes a long one, and no stream of short ones
// starves it. Where half is less than a tile, it gets all of every other step instead. What nearly
// fits is computed whole, with up to a quarter more rows; a small part of a prompt waits for the
// next step. Rows that want logits cost more and need room for them, so a prompt that is scored has
// limits of its own. `sequences` in ascending order of slot.
StepPlan plan_step(const std::vector<SequenceView>& sequences, const PromptLimits& limits);

// How long the prompts' calls of a step may take, in milliseconds. While others generate, 80: that
// keeps their rhythm. More where their own call takes as long anyway, or where more wait than
// generate: the sooner those join, the fewer steps are computed for a few. 220 at most, as with
// nobody generating, for a newcomer to join; with what may be added, nobody pauses for 300 ms.
// Where a call cannot be abandoned, 80 also with nobody generating: a cancelled prompt goes on as
// long.
double prompt_ms(int32_t generating, int32_t prompts, double singles_ms, bool can_abort = true);

}  // namespace sluice
