#pragma once

#include <cstdint>

#include "sampling/row-chances.h"
#include "sampling/row-sampler.h"

namespace sluice {

// Computes how likely a token of a prompt was after those before it. Nothing is drawn: the token is
// known. Used for one row.
class RowScorer final : public RowSampler {
 public:
  // `top`: how many of the likeliest tokens are reported as well.
  RowScorer(int32_t vocabulary, int32_t token, int32_t top)
      : vocabulary_(vocabulary), token_(token), top_(top) {}

  // The prompt's token. Throws FaultError(engine_failed) when the logits are not numbers.
  int32_t sample(float* logits) override;
  int64_t row_cost() const override;
  int32_t token() const { return token_; }
  const RowChances& chances() const { return chances_; }

 private:
  int32_t vocabulary_, token_, top_;
  RowChances chances_;
};

}  // namespace sluice
