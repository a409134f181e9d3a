#include "sampling/row-chances.h"

#include <algorithm>
#include <cmath>

#include "base/fault.h"
#include "sampling/logits.h"

namespace sluice {
namespace {

// Stands for the logarithm of zero, which JSON does not have: of a token that the model excludes,
// and that a bias chose or the prompt has.
constexpr float kLogprobMin = -9999.0f;

// The passes are vectorized.
constexpr int64_t kValuesPerNanosecond = 2;

}  // namespace

Logits& read_row(const float* logits, int32_t vocabulary) {
  thread_local Logits reader;
  if (!logits || !reader.read(logits, vocabulary)) throw unusable_logits();
  return reader;
}

int64_t row_reading_cost(int32_t vocabulary) { return vocabulary / kValuesPerNanosecond; }

float logprob_of(float logit, double whole) {
  return std::max(kLogprobMin, float(double(logit) - whole));
}

void note_chances(Logits& reader, const float* logits, int32_t token, int32_t count,
                  RowChances& chances) {
  const double whole = reader.whole();
  const auto logprob = [&](float logit) { return logprob_of(logit, whole); };
  chances.chosen = logprob(logits[token]);
  chances.top.clear();
  if (count == 0) return;
  for (const Candidate& entry : reader.top(count)) {
    if (entry.logit > -INFINITY) chances.top.push_back({entry.token, logprob(entry.logit)});
  }
}

}  // namespace sluice
