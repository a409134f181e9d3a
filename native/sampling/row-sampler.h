#pragma once

#include <cstdint>

namespace sluice {

// Picks a token from a row of logits. Used by one thread at a time, whichever it is.
class RowSampler {
 public:
  virtual ~RowSampler() = default;
  // The row is as long as the vocabulary. It may be changed meanwhile, and is as it was afterwards.
  // Throws FaultError.
  virtual int32_t sample(float* logits) = 0;
  // About what a row takes, in nanoseconds: decides whether a second thread is worth waking.
  virtual int64_t row_cost() const = 0;
};

}  // namespace sluice
