#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

struct LogitBias {
  int32_t token;
  float bias;
};

// What can be put in order; each only where it is on.
enum class SamplerStep {
  penalties,
  dry,
  top_n_sigma,
  top_k,
  typical_p,
  top_p,
  min_p,
  xtc,
  temperature
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
  float typical_p = 1.0f;
  float top_n_sigma = -1.0f;
  float xtc_probability = 0.0f;
  float xtc_threshold = 0.1f;
  float dry_multiplier = 0.0f;
  float dry_base = 1.75f;
  int32_t dry_allowed_length = 2;
  int32_t dry_penalty_last_n = 64;
  int32_t mirostat = 0;  // its version, 1 or 2; 0 is off
  float mirostat_tau = 5.0f;
  float mirostat_eta = 0.1f;
  float dynatemp_range = 0.0f;
  float dynatemp_exponent = 1.0f;
  std::vector<SamplerStep> order;  // empty is the usual one
  std::vector<std::string> dry_sequence_breakers;
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
  use("typicalP", params.typical_p);
  use("topNSigma", params.top_n_sigma);
  use("xtcProbability", params.xtc_probability);
  use("xtcThreshold", params.xtc_threshold);
  use("dryMultiplier", params.dry_multiplier);
  use("dryBase", params.dry_base);
  use("dryAllowedLength", params.dry_allowed_length);
  use("dryPenaltyLastN", params.dry_penalty_last_n);
  use("mirostat", params.mirostat);
  use("mirostatTau", params.mirostat_tau);
  use("mirostatEta", params.mirostat_eta);
  use("dynatempRange", params.dynatemp_range);
  use("dynatempExponent", params.dynatemp_exponent);
}

// The first sampler in the chain that drops tokens, which decides how many need to be looked at.
// `chain`: llama.cpp's samplers get all tokens.
enum class Truncation { greedy, top_k, top_p, min_p, none, chain };

// Whether something is asked for that only llama.cpp's own chain of samplers does.
inline bool needs_whole_chain(const SamplingParams& params) {
  return !params.order.empty() || params.typical_p < 1.0f || params.top_n_sigma > 0.0f ||
         params.xtc_probability > 0.0f || params.dry_multiplier > 0.0f || params.mirostat > 0 ||
         params.dynatemp_range > 0.0f;
}

// Below this a temperature is 0: logits divided by less would be infinite.
constexpr float kTemperatureMin = 1e-6f;

inline Truncation truncation_of(const SamplingParams& params) {
  if (needs_whole_chain(params)) return Truncation::chain;
  if (params.temperature < kTemperatureMin) return Truncation::greedy;
  if (params.top_k > 0) return Truncation::top_k;
  if (params.top_p < 1.0f) return Truncation::top_p;
  return params.min_p > 0.0f ? Truncation::min_p : Truncation::none;
}

}  // namespace sluice
