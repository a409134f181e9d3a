#pragma once

#include <cstdint>
#include <vector>

namespace sluice {

class Logits;

struct TokenChance {
  int32_t token;
  float logprob;  // natural logarithm
};

// How likely the token after a row was, and how likely the likeliest ones were, by the model's own
// distribution: the softmax of the logits before biases, penalties and temperature.
struct RowChances {
  float chosen = 0.0f;
  std::vector<TokenChance> top;  // from the likeliest down; none with a chance of 0
};

// What this thread reads a row with from which nothing is drawn; good until it reads another one.
// Throws FaultError(engine_failed) where the logits are not numbers, or there are none.
Logits& read_row(const float* logits, int32_t vocabulary);
// About how many nanoseconds that takes.
int64_t row_reading_cost(int32_t vocabulary);

// Of a logit, where `whole` is the logarithm of all of a row's powers (Logits::whole).
float logprob_of(float logit, double whole);

// Writes the chances of a row that `reader` has read, with `count` of the likeliest, into
// `chances`, whose memory is used again.
void note_chances(Logits& reader, const float* logits, int32_t token, int32_t count,
                  RowChances& chances);

}  // namespace sluice
