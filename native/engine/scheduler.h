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
  bool parked;
};

// Decides what a step computes. Pure: no model, no clock, no thread. Owned by StepLoop.
class Scheduler {
 public:
  // chunk_rows: how many prompt rows one step computes at most, over all prompts.
  explicit Scheduler(int32_t chunk_rows) : chunk_rows_(chunk_rows) {}

  // `sequences` in ascending order of slot. Not const: whose turn it is moves on.
  StepPlan plan(const std::vector<SequenceView>& sequences);

 private:
  // The least a prompt gets when it is served, so that many prompts do not turn into as many
  // calls of a few rows each.
  static constexpr int32_t kShareMin = 32;

  int32_t chunk_rows_;
  int32_t turn_ = 0;  // prompts in this slot and above come first
};

}  // namespace sluice
