#include "engine/scheduler.h"

#include <algorithm>

namespace sluice {

StepPlan Scheduler::plan(const std::vector<SequenceView>& sequences) {
  StepPlan plan;
  std::vector<SequenceView> prompts;
  for (const SequenceView& sequence : sequences) {
    const int32_t pending = sequence.n_tokens - sequence.n_computed;
    if (sequence.parked || pending == 0) continue;
    if (pending == 1) {
      plan.singles.push_back(sequence.slot);
    } else {
      prompts.push_back(sequence);
    }
  }
  if (prompts.empty()) return plan;

  // Round robin: the budget is shared evenly, and who finds nothing left is first in turn.
  const auto first = std::find_if(prompts.begin(), prompts.end(),
                                  [&](const SequenceView& prompt) { return prompt.slot >= turn_; });
  std::rotate(prompts.begin(), first == prompts.end() ? prompts.begin() : first, prompts.end());
  int32_t budget = chunk_rows_;
  for (size_t i = 0; i < prompts.size() && budget > 0; ++i) {
    const SequenceView& prompt = prompts[i];
    const int32_t even_share = budget / static_cast<int32_t>(prompts.size() - i);
    const int32_t share = std::min(budget, std::max(kShareMin, even_share));
    const int32_t count = std::min(share, prompt.n_tokens - prompt.n_computed);
    plan.chunks.push_back({prompt.slot, prompt.n_computed, count});
    budget -= count;
    turn_ = prompt.slot + 1;
  }
  return plan;
}

}  // namespace sluice
