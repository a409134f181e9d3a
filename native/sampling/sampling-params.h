#pragma once

#include <cstdint>
#include <vector>

namespace sluice {

struct LogitBias {
  int32_t token;
  float bias;
};

// Complete and checked in TypeScript (src/options); see SamplingOptions there for the ranges.
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
  int32_t logprobs = -1;  // how many alternatives are told of each token; -1 tells nothing
  bool ignore_eos = false;
  std::vector<LogitBias> logit_bias;
};

}  // namespace sluice
