#pragma once

#include <cstdint>
#include <vector>

namespace sluice {

struct LogitBias {
  int32_t token;
  float bias;
};

// Complete and checked in TypeScript: ranges and defaults are in src/api/sampling-options.ts.
struct SamplingParams {
  float temperature = 1.0f;  // 0 is greedy
  int32_t top_k = 0;         // 0 is off
  float top_p = 1.0f;
  float min_p = 0.0f;
  float repeat_penalty = 1.0f;
  int32_t repeat_last_n = 64;  // -1 is the context
  float frequency_penalty = 0.0f;
  float presence_penalty = 0.0f;
  uint32_t seed = 0;
  int32_t logprobs = -1;  // alternatives of each token that are reported; -1 is off
  bool ignore_eos = false;
  std::vector<LogitBias> logit_bias;
};

// Calls `use(name, member)` for each number that TypeScript has a row of, by its name there.
template <typename Use>
void for_each_number(SamplingParams& params, const Use& use) {
  use("temperature", params.temperature);
  use("topK", params.top_k);
  use("topP", params.top_p);
  use("minP", params.min_p);
  use("repeatPenalty", params.repeat_penalty);
  use("repeatLastN", params.repeat_last_n);
  use("frequencyPenalty", params.frequency_penalty);
  use("presencePenalty", params.presence_penalty);
}

// The first sampler in the chain that drops tokens, which decides how many need to be looked at.
enum class Truncation { greedy, top_k, top_p, min_p, none };

inline Truncation truncation_of(const SamplingParams& params) {
  // Dividing logits by less than this gives infinities.
  constexpr float kTemperatureMin = 1e-6f;
  if (params.temperature < kTemperatureMin) return Truncation::greedy;
  if (params.top_k > 0) return Truncation::top_k;
  if (params.top_p < 1.0f) return Truncation::top_p;
  return params.min_p > 0.0f ? Truncation::min_p : Truncation::none;
}

}  // namespace sluice
