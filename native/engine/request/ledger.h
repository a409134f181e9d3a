#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "engine/request/request.h"

namespace sluice {

enum class Outcome { finished, cancelled, failed };

// How far a request had come.
enum class Phase {
  queued,   // with the Preparer, or waiting for its first slot
  prefill,  // it had none of its tokens yet
  decode,
  parked,  // waiting for its reader
};

// Gauges first, then counters since load. NativeStats in src/binding/native.ts says what each is.
struct Stats {
  int64_t queued = 0, running = 0, parked = 0, cells_used = 0, cells_cached = 0, cells_total = 0;
  int64_t cache_bytes = 0, cache_entries = 0;
  double step_ms = 0;  // moving average over the last steps, about 20
  int64_t steps = 0, rows_decoded = 0, rows_prefilled = 0, decode_steps = 0, tokens_generated = 0;
  int64_t prompt_tokens = 0, cached_tokens = 0, preempted = 0, moved = 0;
  int64_t draft_tokens = 0, draft_accepted_tokens = 0;
  int64_t beats = 0, preparer_beats = 0;
  bool busy = false;
  int64_t started = 0, finished = 0, cancelled = 0, failed = 0;
  std::array<int64_t, 4> cancelled_in{};  // of `cancelled`, by Phase
};

// Who is in flight, and the counts. Every request enters once, through admit(), leaves once,
// through retire(), and is told of once, through tell(): so started = finished + cancelled + failed
// by construction.
//
// Who asks for a reply cancels it on one thread while another ends it. How it ended is settled when
// he hears of the end, in tell(), and counted then: whoever cancelled before that hears `cancelled`
// and is counted as such. So no count ever contradicts what a reader was told, or goes down. Who
// was retired as cancelled is that already, and counted at once.
//
// Owned by Engine. Any thread, but for cancel() and tell(): the thread that asks.
class Ledger {
 public:
  // All of them or none. False when more than in_flight_max requests would be in flight: the one
  // place that refuses.
  bool admit(const std::vector<std::shared_ptr<Ticket>>& tickets, size_t in_flight_max);
  // The engine's thread is about to answer who is left, and ends: whoever comes now has failed.
  void close();
  // Null when it is not in flight (any more).
  std::shared_ptr<Ticket> find(RequestId id) const;
  // Of no effect once its end was told. True when it is in flight: whoever works on it must know.
  bool cancel(RequestId id);
  // False when somebody else retired it before; then there is nothing to report. The phase is
  // counted of the cancelled.
  bool retire(RequestId id, Outcome outcome, Phase phase = Phase::queued);
  // How a request ended that was retired as something else than cancelled; it is counted, and
  // forgotten. Nothing for any other id.
  std::optional<Outcome> tell(RequestId id);
  std::vector<std::shared_ptr<Ticket>> in_flight() const;
  // All that are left, and all whose end was not told yet, without telling anybody and without
  // memory for it.
  void retire_all() noexcept;

  // It leaves the Preparer for the engine's loop. False where somebody retired it before; then
  // nobody may hear of it any more.
  bool hand_over(RequestId id);
  // Retires those with the Preparer whom nobody waits for any more: `cancelled`, and `late`, those
  // that were submitted before `time`. The late ones are marked as cancelled from then on, so that
  // no more is done for them.
  struct Gone {
    std::vector<std::shared_ptr<Ticket>> cancelled, late;
  };
  Gone retire_unprepared(Clock::time_point time);
  // When the oldest of those with the Preparer was submitted.
  std::optional<Clock::time_point> oldest_unprepared() const;

  // The engine's thread goes on: at every turn, and within a call wherever the backend asks
  // whether to abandon it. Called for each node of a graph, so it costs a load and a store.
  void beat() {
    beats_.store(beats_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  // One of the Preparer's threads has begun a job, or ended one.
  void preparer_beat() { ++preparer_beats_; }
  // As long as it lives, the engine's thread waits for something to do.
  class Idle {
   public:
    explicit Idle(Ledger& ledger) : ledger_(ledger) { ledger_.busy_ = false; }
    ~Idle() { ledger_.busy_ = true; }
    Idle(const Idle&) = delete;
    Idle& operator=(const Idle&) = delete;

   private:
    Ledger& ledger_;
  };
  // The step loop's side of the numbers, published once a step.
  void publish(const Stats& step);
  Stats stats() const;

 private:
  struct Entry {
    std::shared_ptr<Ticket> ticket;  // null once it was retired, and is to be told
    Outcome outcome = Outcome::finished;
    Phase phase = Phase::queued;
  };

  bool retire_locked(RequestId id, Outcome outcome, Phase phase);
  void count(const Entry& end);

  mutable std::mutex mutex_;
  std::unordered_map<RequestId, Entry> requests_;
  std::map<RequestId, std::shared_ptr<Ticket>> unprepared_;  // of them; ids ascend
  size_t in_flight_ = 0;                                     // of requests_
  bool closed_ = false;
  Stats stats_;
  std::atomic<int64_t> beats_{0};  // the engine's thread writes it
  std::atomic<int64_t> preparer_beats_{0};
  std::atomic<bool> busy_{true};
};

}  // namespace sluice
