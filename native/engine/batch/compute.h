#pragma once

#include <algorithm>
#include <string>

#include "base/clock.h"
#include "base/fault.h"
#include "base/thread-time.h"
#include "engine/policy/thread-tuner.h"
#include "llama/context.h"

namespace sluice {

// What became of a batch.
struct Computed {
  DecodeStatus status;
  BatchTime time;  // zero unless `status` is ok
};

// Computes the rows that were added to the context, on the number of threads with which batches of
// so many rows are fastest. Engine thread only.
inline Computed compute(Context& context, ThreadTuner& tuner, const AbortCheck& abort) {
  const auto start = Clock::now();
  const double cpu_start = thread_cpu_ms();
  const int32_t rows = context.rows();
  const int32_t threads = tuner.choose(rows, start);
  context.use_threads(threads);
  const DecodeStatus status = context.decode(abort);
  if (status != DecodeStatus::ok) return {status, {0}};
  BatchTime time{ms_since(start)};
  // Beside a GPU the thread waits for that, and no stall is told from it. Nor where the system's
  // count is too coarse.
  if (context.model().is_on_cpu_alone() && time.ms > 16 * kThreadCpuStepMs) {
    time.stalled = std::clamp(1 - (thread_cpu_ms() - cpu_start) / time.ms, 0.0, 1.0);
  }
  tuner.learn(rows, threads, time, Clock::now());
  return {status, time};
}

// The fault of the requests in a batch that was neither computed nor aborted.
inline Fault refusal(DecodeStatus status) {
  const char* why = status == DecodeStatus::no_room   ? "there were no free cells"
                    : status == DecodeStatus::invalid ? "the batch was refused"
                                                      : "the backend failed";
  return {FaultCode::engine_failed, std::string("llama.cpp could not compute this request: ") + why,
          0, 0};
}

}  // namespace sluice
