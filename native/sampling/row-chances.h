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

// Of a logit, where `whole` is the logarithm of all of a row's powers (Logits::whole).
float logprob_of(float logit, double whole);

// Writes the chances of a row that `reader` has read, with `count` of the likeliest, into
// `chances`, whose memory is used again.
void note_chances(Logits& reader, const float* logits, int32_t token, int32_t count,
                  RowChances& chances);

}  // namespace sluice
