#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/fault.h"
#include "engine/batch/sequence.h"
#include "engine/batch/slots.h"
#include "engine/batch/work-clock.h"
#include "engine/request/event-sink.h"
#include "engine/request/ledger.h"
#include "engine/speculation.h"
#include "llama/context.h"
#include "sampling/label-scorer.h"
#include "sampling/sampler-pool.h"

namespace sluice {

// What a reply writer works on. All of it is StepLoop's, or outlives that.
struct ReplyParts {
  Context& context;
  Slots& slots;
  SamplerPool& samplers;
  Speculation* speculation;  // null where nothing is drafted
  EventSink& sink;
  Ledger& ledger;
  Stats& stats;
  WorkClock& clock;
  std::function<void()> publish_stats;
};

// From the logits of computed rows to what a client gets: samples, appends the text, delivers it,
// and ends replies, well or with a fault. Owned by StepLoop. Engine thread only.
class ReplyWriter {
 public:
  // A row of the last batch whose logits give a sequence's next token.
  struct LogitsRow {
    int32_t slot;
    int32_t row;
    int32_t drafted = -1;  // the token that was guessed to be the next one
  };
  // A row whose logits give the logprob of the token that follows it in the prompt.
  struct ScoredRow {
    int32_t slot;
    int32_t row;
    int32_t token;
  };

  // `window` is how many tokens a reply may be ahead of its reader; `context_tokens` is for each
  // sequence.
  ReplyWriter(ReplyParts parts, int32_t window, int32_t context_tokens)
      : parts_(std::move(parts)), window_(window), context_tokens_(context_tokens) {}

  // Before its prompt is computed.
  void begin(Sequence& sequence) const;
  // The token of each row, or -1 where there is none: its sequence has left.
  std::vector<int32_t> sample(const std::vector<LogitsRow>& rows);
  // Computes the prompt logprobs of these rows. A sequence that fails has left its slot afterwards.
  void score(const std::vector<ScoredRow>& rows);
  // Whether the last row of its prompt needs logits: not where nothing follows the prompt, but for
  // its labels' chances.
  static bool needs_logits(const Sequence& sequence);

  void conclude(std::unique_ptr<Sequence> sequence, FinishReason reason);
  void fail(std::unique_ptr<Sequence> sequence, const Fault& fault);
  void give_up_on(int32_t slot, const Fault& fault);

 private:
  void run_samplers(std::vector<SampleJob>& jobs);
  // A row that is sampled; its sequence's labels are scored, where it reads them.
  struct SampledRow {
    size_t place;  // among the rows that were given
    LabelScorer* labels;
  };
  // The row's token, or -1 where its sequence has left.
  int32_t apply(const LogitsRow& row, const SampleJob& job, LabelScorer* labels);
  // The chances of its labels after its prompt, with which it leaves its slot.
  void conclude_labels(int32_t slot, LabelScorer& labels);
  void conclude_prompt(int32_t slot);
  void advance(Sequence& sequence, int32_t token);
  void give_up_after_sampling(int32_t slot, const Fault& fault);

  const ReplyParts parts_;
  const int32_t window_, context_tokens_;
};

}  // namespace sluice
