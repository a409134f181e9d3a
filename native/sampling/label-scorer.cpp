#include "sampling/label-scorer.h"

#include "sampling/logits.h"
#include "sampling/row-chances.h"

namespace sluice {

int32_t LabelScorer::sample(float* logits) {
  const double whole = read_row(logits, vocabulary_).whole();
  logprobs_.clear();
  for (int32_t token : tokens_) logprobs_.push_back(logprob_of(logits[token], whole));
  return -1;
}

int64_t LabelScorer::row_cost() const { return row_reading_cost(vocabulary_); }

}  // namespace sluice
