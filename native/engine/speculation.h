#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/batch/sequence.h"
#include "engine/policy/draft-cost.h"
#include "engine/policy/draft-length.h"
#include "engine/policy/prefill-cost.h"
#include "engine/policy/text-index.h"
#include "llama/context.h"
#include "llama/speculator.h"

namespace sluice {

struct SpeculationOptions {
  // Of one draft, wherever enough are accepted. 0: as many as are fastest, by measure.
  int32_t tokens_max = 0;
  DraftLengths lengths = DraftLengths::equal;  // of the replies of one step
};

// A reply that may be drafted for.
struct DraftRequest {
  const Sequence* sequence;
  int32_t tokens_max;
};

// When to draft, and how much: what StepLoop asks before it computes single rows. A draft model
// drafts for a reply that runs alone; the model's own heads, or looking up, for several at once.
// Owned by StepLoop. Engine thread only.
class Speculation {
 public:
  // `with_heads` outlives it. Where both are null it looks up.
  Speculation(std::unique_ptr<Speculator> speculator, Context* with_heads,
              const SpeculationOptions& options);
  Speculation(const Speculation&) = delete;
  Speculation& operator=(const Speculation&) = delete;

  // For each request, tokens that may follow: none where drafting is not worth it now, or while the
  // draft model is still reading the text before them, for `catch_up_ms` in each step; 0 is not to
  // ask it now. `rows`: all single rows of the step; with the drafts no more than `rows_max`.
  std::vector<std::vector<int32_t>> draft(const std::vector<DraftRequest>& requests, int32_t rows,
                                          int32_t rows_max, double catch_up_ms,
                                          const AbortCheck& abort);
  // What became of a reply's draft (see DraftLength::learn).
  void learn(RequestId id, int32_t drafted, int32_t accepted, bool missed);
  // What a batch of so many single and drafted rows took, in one pass or several.
  void learn_batch(int32_t single, int32_t drafted, bool is_one_pass, double ms);
  // The reply is over.
  void forget(RequestId id);

 private:
  // Of a reply for which texts are looked up.
  struct LookUp {
    LookUp(TextIndex::Store& store, const std::string& salt, DraftLength first_length)
        : index(store, salt), length(first_length) {}
    TextIndex index;
    DraftLength length;
    int32_t source = -1;  // where the text that its last draft was copied from goes on
    int32_t resumes = 0;  // how often it may go on there though nothing is found
  };

  DraftLength fresh_length() const;
  std::vector<int32_t> draft_by_model(const DraftRequest& request, double catch_up_ms,
                                      const AbortCheck& abort);
  void turn_to(const Sequence& sequence);
  bool catch_up(const Sequence& sequence, double budget_ms, const AbortCheck& abort);
  std::vector<std::vector<int32_t>> draft_by_heads(const std::vector<DraftRequest>& requests,
                                                   int32_t rows, int32_t rows_max,
                                                   const AbortCheck& abort);
  std::vector<std::vector<int32_t>> look_up(const std::vector<DraftRequest>& requests, int32_t rows,
                                            int32_t rows_max);
  // What a reply wishes for which so many tokens could be drafted. Where it has no chance, but
  // others draft only if it does too, its tokens are told nevertheless.
  DraftWish wish_of(DraftLength& length, int32_t tokens) const;
  // How many tokens are drafted for each of these replies, whose lengths are beside them.
  std::vector<int32_t> counts_of(const std::vector<DraftWish>& wishes,
                                 const std::vector<DraftLength*>& lengths, int32_t rows,
                                 int32_t rows_max) const;
  std::vector<int32_t> share(const std::vector<DraftWish>& wishes, int32_t rows,
                             int32_t rows_max) const;
  void try_for_one(std::vector<int32_t>& counts, const std::vector<DraftWish>& wishes,
                   const std::vector<DraftLength*>& lengths, int32_t rows, int32_t rows_max) const;
  void try_for_all(std::vector<int32_t>& counts, const std::vector<DraftWish>& wishes,
                   const std::vector<DraftLength*>& lengths, int32_t rows, int32_t rows_max) const;
  bool is_too_dear(const DraftWish& wish, int32_t rows, int32_t rows_max) const;
  bool are_alike() const { return options_.lengths == DraftLengths::same_for_all; }
  LookUp& look_up_of(const Sequence& sequence);
  int32_t source_of(LookUp& look_up, const std::vector<int32_t>& tokens);

  const std::unique_ptr<Speculator> speculator_;
  Context* const with_heads_;
  const SpeculationOptions options_;
  PrefillCost reading_;  // of the draft model's rows
  DraftCost cost_;
  int32_t drafted_steps_ = 0;  // since the last one without

  // With a draft model: the request that is drafted for, and the salt of the draft model's cells.
  DraftLength length_;
  RequestId id_ = 0;
  std::string salt_;
  bool has_failed_ = false;  // for this reply

  std::unordered_map<RequestId, DraftLength> by_heads_;  // with heads

  TextIndex::Store store_;
  std::unordered_map<RequestId, LookUp> looked_up_;
};

}  // namespace sluice
