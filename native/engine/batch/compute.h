#pragma once

#include <string>

#include "base/clock.h"
#include "base/fault.h"
#include "engine/policy/thread-tuner.h"
#include "llama/context.h"

namespace sluice {

// Computes the rows that were added to the context, on the number of threads with which batches of
// so many rows are fastest. Engine thread only.
inline DecodeStatus compute(Context& context, ThreadTuner& tuner, const AbortCheck& abort) {
  const auto start = Clock::now();
  const int32_t rows = context.rows();
  const int32_t threads = tuner.choose(rows, start);
  context.use_threads(threads);
  const DecodeStatus status = context.decode(abort);
  if (status == DecodeStatus::ok) tuner.learn(rows, threads, ms_since(start));
  return status;
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
