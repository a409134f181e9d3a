#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "engine/batch/loop.h"
#include "engine/policy/embedding-plan.h"
#include "engine/policy/thread-tuner.h"
#include "engine/request/embedding-request.h"
#include "engine/request/event-sink.h"
#include "engine/request/ledger.h"
#include "llama/context.h"

namespace sluice {

struct EmbedderOptions {
  int32_t size = 0;  // numbers of an embedding
  EmbeddingLimits limits{};
  int32_t threads = 1;         // compute threads at most
  bool fixed_threads = false;  // always all of them
  std::chrono::milliseconds queue_deadline{60000};
};

// What StepLoop is to an engine that generates: receive, retire the cancelled, plan a call, run it.
// Each call holds inputs of several requests and leaves nothing behind.
// Owned by Engine. Engine thread only.
class Embedder : public Loop {
 public:
  // `context` embeds. All must outlive it.
  Embedder(Context& context, const EmbedderOptions& options, const Wiring& wiring);

  void run() override;

 private:
  using Job = std::unique_ptr<EmbeddingJob>;

  void receive();
  void retire_cancelled();
  // Of those that wait for their turn, who has waited too long; also during a call.
  void expire_queue();
  void expire_during(const std::vector<EmbeddingShare>& shares);
  bool is_late(const EmbeddingJob& job) const;
  Fault late() const;

  std::vector<EmbeddingShare> plan() const;
  void run_call(const std::vector<EmbeddingShare>& shares);
  void add_rows(const std::vector<EmbeddingShare>& shares);
  // Takes the call's vectors to their jobs, in the order of add_rows().
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

  std::vector<Job> jobs_;  // the first is the one whose turn it is
  ThreadTuner threads_;
  Clock::time_point expire_again_;
  Stats stats_;
};

}  // namespace sluice
