#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "sampling/row-sampler.h"

namespace sluice {

// Computes how likely each of some tokens is after a row, by the model's own distribution. Nothing
// is drawn. Used for one row.
class LabelScorer final : public RowSampler {
 public:
  // `tokens` are of the vocabulary, and must outlive it.
  LabelScorer(int32_t vocabulary, const std::vector<int32_t>& tokens)
      : vocabulary_(vocabulary), tokens_(tokens) {}

  // -1: no token is chosen. Throws FaultError(engine_failed) when the logits are not numbers.
  int32_t sample(float* logits) override;
  int64_t row_cost() const override;
  // Natural logarithms, in the order of the tokens.
  std::vector<float> take() { return std::move(logprobs_); }

 private:
  int32_t vocabulary_;
  const std::vector<int32_t>& tokens_;
  std::vector<float> logprobs_;
};

}  // namespace sluice
