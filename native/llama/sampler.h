#pragma once

#include <cstdint>
#include <memory>
#include <vector>

struct common_sampler;

namespace sluice {

class Context;
class Model;

struct LogitBias {
  int32_t token;
  float bias;
};

// Complete and checked in TypeScript (src/config); see SamplingOptions there for the ranges.
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
  bool ignore_eos = false;
  std::vector<LogitBias> logit_bias;
};

// Picks the next token of one sequence. Made by the Preparer, then owned by its Sequence and
// used on the engine thread only.
class Sampler {
 public:
  // Throws FaultError(invalid_request) for a bias on a token outside the vocabulary.
  Sampler(const Model& model, const SamplingParams& params, int32_t context_tokens);
  ~Sampler();
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  // Lets the repetition penalty see the prompt. Nothing to do when it is off.
  void accept_prompt(const std::vector<int32_t>& prompt);
  // Samples from a row's logits and remembers the token. Throws FaultError(engine_failed) when
  // the logits are not numbers.
  int32_t sample(Context& context, int32_t row);

 private:
  struct SamplerFree {
    void operator()(common_sampler* sampler) const;
  };

  bool sees_prompt_;
  int32_t vocabulary_;
  // Null when greedy and unconstrained: one pass over the logits finds the token.
  std::unique_ptr<common_sampler, SamplerFree> chain_;
};

}  // namespace sluice
