#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/draft-length.h"
#include "engine/prefill-cost.h"
#include "engine/sequence.h"
#include "llama/context.h"
#include "llama/speculator.h"

namespace sluice {

// When to draft, and how much: what StepLoop asks before it computes the single row of a reply
// that runs alone. Owned by StepLoop. Engine thread only.
class Speculation {
 public:
  Speculation(std::unique_ptr<Speculator> speculator, int32_t tokens_max);

  int32_t tokens_max() const { return tokens_max_; }
  // Tokens that may follow, `limit` at most; none when it is not worth it now, or while the draft
  // model still reads what came before: catch_up_ms of it in one step.
  std::vector<int32_t> draft(const Sequence& sequence, int32_t limit, double catch_up_ms,
                             const AbortCheck& abort);
  // What became of it (see DraftLength::learn).
  void learn(int32_t accepted, bool missed) { length_.learn(accepted, missed); }

 private:
  void turn_to(const Sequence& sequence);
  bool catch_up(const Sequence& sequence, double budget_ms, const AbortCheck& abort);

  const std::unique_ptr<Speculator> speculator_;
  const int32_t tokens_max_;
  PrefillCost cost_;  // of the draft model's rows
  DraftLength length_;
  // Whose drafts these are, and whose salt the draft model's cells have.
  RequestId id_ = 0;
  std::string salt_;
  bool has_failed_ = false;  // for this reply
};

}  // namespace sluice
