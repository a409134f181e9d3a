#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "engine/event-sink.h"
#include "engine/ledger.h"
#include "engine/mailbox.h"
#include "engine/messages.h"
#include "engine/scheduler.h"
#include "engine/sequence.h"
#include "llama/context.h"

namespace sluice {

struct StepLoopOptions {
  int32_t parallel;        // places
  int32_t context_tokens;  // per place
  int32_t window;          // tokens a reply may run ahead of its reader
  int32_t chunk_rows;      // prompt rows of one step
  std::chrono::milliseconds queue_deadline;
};

// Decide, run, apply; again and again, until it is told to close. Owned by Engine's thread and
// used on no other.
class StepLoop {
 public:
  StepLoop(Context& context, const StepLoopOptions& options, Ledger& ledger, EventSink& sink,
           Mailbox<EngineMessage>& mailbox, const std::atomic<bool>& closing);
  ~StepLoop();

  // Returns when `closing` is set. What is in flight then stays in the ledger.
  void run();

 private:
  class CallAbort;

  void receive();
  void receive(Prepared& message);
  void receive(const Credit& message);
  void receive(const Cancel& message);
  void receive(const Close& message);

  void retire_cancelled_places();
  void retire_cancelled_queue();
  void expire_queue();
  void fill_places();
  StepPlan plan();

  void run_step(const StepPlan& plan);
  void run_singles(const std::vector<int32_t>& slots);
  void run_chunk(const Chunk& chunk);
  // False when the rows of the call were not computed; its sequences are dealt with.
  bool settle_call(DecodeStatus status, const std::vector<int32_t>& slots);
  void sample(Sequence& sequence, int32_t row);
  void advance(Sequence& sequence, int32_t token);

  void conclude(std::unique_ptr<Sequence> sequence, FinishReason reason);
  void fail(std::unique_ptr<Sequence> sequence, const Fault& fault);
  std::unique_ptr<Sequence> leave_place(int32_t slot);
  void publish_stats();

  Context& context_;
  const StepLoopOptions options_;
  Ledger& ledger_;
  EventSink& sink_;
  Mailbox<EngineMessage>& mailbox_;
  const std::atomic<bool>& closing_;

  Scheduler scheduler_;
  std::deque<std::unique_ptr<Sequence>> queue_;
  std::vector<std::unique_ptr<Sequence>> places_;  // by slot; null is free
  Stats stats_;
};

}  // namespace sluice
