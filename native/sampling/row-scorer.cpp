#include "sampling/row-scorer.h"

namespace sluice {

int32_t RowScorer::sample(float* logits) {
  note_chances(read_row(logits, vocabulary_), logits, token_, top_, chances_);
  return token_;
}

int64_t RowScorer::row_cost() const { return row_reading_cost(vocabulary_); }

}  // namespace sluice
