#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "engine/batch/loop.h"
#include "engine/batch/work-clock.h"
#include "engine/policy/embedding-plan.h"
#include "engine/policy/thread-tuner.h"
#include "engine/request/embedding-request.h"
#include "engine/request/event-sink.h"
#include "engine/request/ledger.h"
#include "llama/context.h"

namespace sluice {

struct EmbedderOptions {
  int32_t size = 0;    // numbers of an embedding
  bool ranks = false;  // they are a score, which stays as it is
  EmbeddingLimits limits{};
  int32_t threads = 1;         // compute threads at most
  bool fixed_threads = false;  // always all of them
  std::chrono::milliseconds queue_deadline{60000};
};

// The loop of an engine that embeds, as StepLoop is of one that generates: receives requests,
// retires the cancelled, plans a batch, runs it. A batch holds inputs of several requests, and no
// cells are kept after it. Owned by Engine. Engine thread only.
class Embedder : public Loop {
 public:
  // `context` embeds. All must outlive it.
  Embedder(Context& context, const EmbedderOptions& options, const Wiring& wiring);

  void run() override;

 private:
  using Job = std::unique_ptr<EmbeddingJob>;

  void receive();
  void retire_cancelled();
  // Requests that have waited too long for their first batch; also while a batch is computed.
  void expire_queue();
  void expire_during(const std::vector<EmbeddingShare>& shares);
  bool is_late(const EmbeddingJob& job) const;
  Fault late() const;

  // Puts the jobs in the order in which their owners take turns.
  void take_turns();
  std::vector<EmbeddingShare> plan() const;
  void run_batch(const std::vector<EmbeddingShare>& shares);
  void wake_readers();
  DecodeStatus compute_rows(const BatchAbort& abort);
  void add_rows(const std::vector<EmbeddingShare>& shares);
  // Gives the batch's vectors to their jobs, in the order of add_rows().
  void take(const std::vector<EmbeddingShare>& shares);
  void refuse(const std::vector<EmbeddingShare>& shares, DecodeStatus status);
  void conclude_computed();
  std::vector<Job> take_out(const std::function<bool(const EmbeddingJob&)>& leaves);

  void fail(const EmbeddingJob& job, const Fault& fault);
  void publish_stats();

  Context& context_;
  const EmbedderOptions options_;
  const Wiring wiring_;
  Ledger& ledger_;
  EventSink& sink_;

  std::vector<Job> jobs_;  // the first one's next input is in the next batch for certain
  ThreadTuner threads_;
  Clock::time_point expire_again_;
  Stats stats_;
  WorkClock clock_{stats_, &Stats::plan_ms};
};

}  // namespace sluice
