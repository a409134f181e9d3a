#pragma once

#include <cstdint>
#include <memory>

struct ggml_threadpool;
struct llama_context;

namespace sluice {

// As ggml has them. On Linux `low` is SCHED_BATCH; above `normal` is SCHED_FIFO, which needs
// rights.
enum class ThreadPriority { low, normal, medium, high, realtime };

// The threads that ggml computes on, beside the calling one. Two pools, because every thread of a
// pool is woken for each graph, whether it takes part or not. Shared by contexts that never compute
// at once; must outlive them. Engine thread only.
class ComputeThreads {
 public:
  // poll: how long a thread spins for the next graph before it sleeps, 0 to 100 (ggml's measure).
  // Throws FaultError(engine_failed) when they cannot be started.
  ComputeThreads(int32_t count, int32_t poll, ThreadPriority priority);

  int32_t count() const { return count_; }
  // From its next batch on the context computes on so many threads, the calling one among them.
  void attach(llama_context* context, int32_t threads) const;

 private:
  struct PoolFree {
    void operator()(ggml_threadpool* pool) const;
  };
  using Pool = std::unique_ptr<ggml_threadpool, PoolFree>;

  static Pool start(int32_t count, int32_t poll, ThreadPriority priority);

  const int32_t count_;
  Pool single_;
  Pool all_;  // null when there is one thread only
};

}  // namespace sluice
