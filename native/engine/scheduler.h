#pragma once

#include <cstdint>
#include <vector>

#include "engine/step-plan.h"

namespace sluice {

// One sequence as the scheduler sees it. There is no prefill phase: n_computed chases n_tokens.
struct SequenceView {
  int32_t slot;
  int32_t n_tokens;
  int32_t n_computed;
  int32_t stop;      // where its next chunk must end at the latest, n_tokens at most
  uint64_t arrival;  // the lower the earlier
  bool parked;
};

// The whole policy of a step. Pure: no model, no clock, no thread, no memory of earlier steps.
//
// Everybody who runs gets its row. prompt_rows go to the prompt with the least left first and so
// on, but half of them are the oldest prompt's: a short one overtakes a long one, and no stream of
// short ones starves it. `sequences` in ascending order of slot.
StepPlan plan_step(const std::vector<SequenceView>& sequences, int32_t prompt_rows);

// How long the prompts' calls of a step may take, in milliseconds. While others generate, as long
// as keeps their rhythm: their own call's time again, or 80 ms where that is more. Else 200 ms,
// for a newcomer to join.
double prompt_ms(bool someone_generates, double singles_ms);

}  // namespace sluice
