#include "sampling/label-scorer.h"

#include "base/fault.h"
#include "sampling/logits.h"
#include "sampling/row-chances.h"

namespace sluice {
namespace {

// Nanoseconds for two values of a row, roughly: the passes are vectorized.
constexpr int64_t kValuesPerNanosecond = 2;

}  // namespace

int32_t LabelScorer::sample(float* logits) {
  thread_local Logits reader;
  if (!logits || !reader.read(logits, vocabulary_)) throw unusable_logits();
  const double whole = reader.whole();
  logprobs_.clear();
  for (int32_t token : tokens_) logprobs_.push_back(logprob_of(logits[token], whole));
  return -1;
}

int64_t LabelScorer::row_cost() const { return vocabulary_ / kValuesPerNanosecond; }

}  // namespace sluice
