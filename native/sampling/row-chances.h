#pragma once

#include <cstdint>
#include <vector>

namespace sluice {

class Logits;

struct TokenChance {
  int32_t token;
  float logprob;  // natural logarithm
};

// How likely the token was that follows a row, and the likeliest there were, by the model's own
// distribution: the softmax of the logits as they came, before biases, penalties and temperature.
struct RowChances {
  float chosen = 0.0f;
  std::vector<TokenChance> top;  // from the likeliest down; none that could not be at all
};

// Of a row that `reader` has read; `count` of the likeliest. Into `chances`, whose memory is kept.
void note_chances(Logits& reader, const float* logits, int32_t token, int32_t count,
                  RowChances& chances);

}  // namespace sluice
