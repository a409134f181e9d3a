#pragma once

#include <cstdint>
#include <vector>

#include "engine/policy/prompt-limits.h"
#include "engine/policy/step-plan.h"

namespace sluice {

// The whole policy of a step. Pure: no model, no clock, no thread, no memory of earlier steps.
//
//  1. Each sequence with one token left to compute gets its single row.
//  2. The prompts' rows go to the prompt with the fewest left to its boundary, then to the next. A
//     short prompt overtakes a long one.
//  3. But half of them go to the oldest prompt, so that no stream of short ones starves it. Where
//     half is less than a tile, it gets all rows of every other step instead.
//  4. A prompt that nearly fits is computed whole, with up to `rows_most` rows in the step. A small
//     part of a prompt waits for the next step.
//  5. Rows with logits cost more, and need memory for them: a prompt that is scored has limits of
//     its own.
//  6. Rows of different adapters share no batch. Each set's single rows are computed in every step.
//  7. Where prompts are held, their last token waits until all have but that left.
// `sequences` in ascending order of slot.
StepPlan plan_step(const std::vector<SequenceView>& sequences, const PromptLimits& limits);

}  // namespace sluice
