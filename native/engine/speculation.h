#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/batch/sequence.h"
#include "engine/policy/draft-cost.h"
#include "engine/policy/draft-length.h"
#include "engine/policy/prefill-cost.h"
#include "llama/context.h"
#include "llama/speculator.h"

namespace sluice {

// When to draft, and how much: what StepLoop asks before it computes the single row of a reply
// that runs alone. Owned by StepLoop. Engine thread only.
class Speculation {
 public:
  // tokens_max: of one draft, wherever enough are accepted. 0: as many as are fastest, by measure.
  Speculation(std::unique_ptr<Speculator> speculator, int32_t tokens_max);
  Speculation(const Speculation&) = delete;
  Speculation& operator=(const Speculation&) = delete;

  // Tokens that may follow, `limit` at most; none when drafting is not worth it now, or while the
  // draft model is still reading the text before them, for `catch_up_ms` in each step.
  std::vector<int32_t> draft(const Sequence& sequence, int32_t limit, double catch_up_ms,
                             const AbortCheck& abort);
  // What became of the draft (see DraftLength::learn).
  void learn(int32_t drafted, int32_t accepted, bool missed);
  // What a batch for a lone reply took.
  void learn_batch(int32_t rows, double ms);

 private:
  DraftLength fresh_length() const;
  void turn_to(const Sequence& sequence);
  bool catch_up(const Sequence& sequence, double budget_ms, const AbortCheck& abort);

  const std::unique_ptr<Speculator> speculator_;
  const int32_t tokens_max_;
  PrefillCost reading_;  // of the draft model's rows
  DraftCost cost_;
  DraftLength length_;
  int32_t drafted_steps_ = 0;  // since the last one without
  // The request that is drafted for, and the salt of the draft model's cells.
  RequestId id_ = 0;
  std::string salt_;
  bool has_failed_ = false;  // for this reply
};

}  // namespace sluice
