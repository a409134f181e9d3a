#include "sampling/row-scorer.h"

#include "base/fault.h"
#include "sampling/logits.h"

namespace sluice {
namespace {

// Nanoseconds for two values of a row, roughly: the passes are vectorized.
constexpr int64_t kValuesPerNanosecond = 2;

}  // namespace

int32_t RowScorer::sample(float* logits) {
  thread_local Logits reader;
  if (!logits || !reader.read(logits, vocabulary_)) throw unusable_logits();
  note_chances(reader, logits, token_, top_, chances_);
  return token_;
}

int64_t RowScorer::row_cost() const { return vocabulary_ / kValuesPerNanosecond; }

}  // namespace sluice
