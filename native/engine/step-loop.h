#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/batch/compute.h"
#include "engine/batch/disk-states.h"
#include "engine/batch/loop.h"
#include "engine/batch/newcomer-watch.h"
#include "engine/batch/sequence.h"
#include "engine/batch/slots.h"
#include "engine/batch/waiting-line.h"
#include "engine/batch/work-clock.h"
#include "engine/policy/prefill-cost.h"
#include "engine/policy/prompt-limits.h"
#include "engine/policy/scheduler.h"
#include "engine/policy/thread-tuner.h"
#include "engine/reply-writer.h"
#include "engine/request/event-sink.h"
#include "engine/request/ledger.h"
#include "engine/speculation.h"
#include "llama/context.h"
#include "sampling/sampler-pool.h"

namespace sluice {

struct StepLoopOptions {
  SlotsOptions slots;
  int32_t context_tokens;   // per sequence
  int32_t window;           // tokens that a reply may be ahead of its reader
  int32_t rows_max;         // of one batch
  int32_t logits_max;       // rows of one batch that may have logits
  int32_t threads;          // for sampling, the engine's own among them
  int32_t compute_threads;  // at most
  bool fixed_threads;       // always that many, even where fewer would be faster
  bool can_abort;           // whether a batch under way can be aborted
  std::chrono::milliseconds queue_deadline;
  StateStore* store;           // of states on disk; null where there is none
  uint64_t reading_bytes_max;  // of states that were read and whose sequences have not started
};

// Decides what to compute, runs it and applies the result, in steps, until the engine closes. Owned
// by Engine's thread and used on no other.
class StepLoop : public Loop {
 public:
  // Without `speculation` nothing is drafted.
  StepLoop(Context& context, std::unique_ptr<Speculation> speculation,
           const StepLoopOptions& options, const Wiring& wiring);

  void run() override;
  void save_states(Clock::time_point until) override { disk_.save_all(until); }

 private:
  // The single row of a sequence, and the rows of its draft behind it.
  struct SingleRows {
    int32_t slot;
    int32_t row;  // the first
    RequestId id;
    std::vector<int32_t> draft;
    int32_t accepted = 0;
    bool missed = false;
  };
  // The batches of single rows of one step.
  struct SinglesRun {
    bool is_alone = false;    // there is one batch, and no prompt beside it
    bool is_whole = true;     // all were computed
    bool is_counted = false;  // as a step in which replies go on
    double ms = 0;            // what they took
  };
  // What is to be done with a prefill batch once its rows are computed.
  struct PrefillRows {
    std::vector<Chunk> chunks;
    std::vector<ReplyWriter::LogitsRow> completed;
    std::vector<ReplyWriter::ScoredRow> scored;
    int32_t count = 0;
  };

  void receive();
  void receive(Prepared& message);
  void receive(const PreparedEmbedding& message);
  void receive(const Credit& message);
  void receive(const Cancel& message);

  // Which sequences leave, and which start.
  void retire_cancelled();
  void expire_queue();
  void fill_slots();
  bool offer_slot(std::unique_ptr<Sequence>& sequence);
  bool must_wait_for_leader(Sequence& sequence);

  // One step.
  StepPlan plan(double copied_ms);
  std::vector<SequenceView> views() const;
  // The adapters that the sequences of a batch have in common.
  void use_adapters_of(int32_t slot);
  bool make_cells_for(const StepPlan& plan);
  void preempt(int32_t slot);
  void run_step(const StepPlan& plan);
  void wake_readers(bool may_wait);
  void run_singles(const StepPlan& plan);
  void run_singles(const std::vector<int32_t>& slots, SinglesRun& run);
  // False where it was abandoned: then the rest of the step is to be planned again.
  bool run_prefill(const std::vector<Chunk>& chunks);
  PrefillRows add_prefill_rows(const std::vector<Chunk>& chunks);
  // With drafted tokens behind the single rows of replies that are speculated for.
  std::vector<SingleRows> draft_singles(const std::vector<int32_t>& slots, bool is_alone);
  int32_t draft_limit(const Sequence& sequence) const;
  bool are_one_part(const std::vector<int32_t>& slots) const;
  Computed decode_singles(const std::vector<int32_t>& slots, std::vector<SingleRows>& singles);
  void sample_singles(std::vector<SingleRows>& singles);
  // False when the batch was not computed: its sequences were cut back, failed or preempted.
  bool settle_batch(DecodeStatus status, const std::vector<int32_t>& slots);
  bool make_room_after_refusal();
  void computed(Sequence& sequence, int32_t rows);
  // What an aborted batch had computed of these chunks is kept.
  void keep_computed(const std::vector<Chunk>& chunks);
  bool are_unwanted(const std::vector<int32_t>& slots) const;
  BatchAbort abort_of(const std::vector<int32_t>& slots) const;
  int32_t gives_way_to(const PrefillRows& rows) const;
  Computed decode(const AbortCheck& abort);
  void keep_ahead();
  void sleep();
  void publish_stats();

  // Nothing is to be computed.
  struct Pause {
    Clock::time_point since;
    bool is_used = false;  // to keep a state ahead
  };

  Context& context_;
  const StepLoopOptions options_;
  const Wiring wiring_;
  Ledger& ledger_;
  EventSink& sink_;

  const std::unique_ptr<Speculation> speculation_;
  Slots slots_;
  WaitingLine line_;
  SamplerPool samplers_;
  ThreadTuner threads_, adapted_threads_;  // the second: of batches with adapters
  // Of batches without either, of those with adapters, and of those with prompt logprobs.
  PrefillCost prefill_cost_, adapted_cost_, scored_cost_;
  double singles_ms_ = 0;  // moving average of all single rows of a step
  std::optional<Pause> pause_;
  DiskStates disk_;
  Hold hold_;
  NewcomerWatch newcomers_;
  Stats stats_;
  std::vector<SlotView> slot_views_{size_t(slots_.count())};  // for publish_stats()
  WorkClock clock_{stats_, &Stats::plan_ms};
  ReplyWriter replies_;
};

}  // namespace sluice
