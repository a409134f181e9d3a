#include "llama/sampler.h"

#include <cmath>
#include <limits>
#include <string>

#include "llama.h"
#include "llama/context.h"
#include "llama/fault.h"
#include "llama/model.h"
#include "sampling.h"

namespace sluice {
namespace {

// top_p alone would sort the whole vocabulary at every token (12 ms at 152k): the nucleus is
// looked for among so many of the likeliest.
constexpr int32_t kNucleusMax = 1024;
// Dividing logits by less than this gives infinities.
constexpr float kTemperatureMin = 1e-6f;

bool is_greedy(const SamplingParams& params) { return params.temperature < kTemperatureMin; }

bool has_penalties(const SamplingParams& params) {
  return params.repeat_last_n != 0 &&
         (params.repeat_penalty != 1.0f || params.frequency_penalty != 0.0f ||
          params.presence_penalty != 0.0f);
}

// Only what is on: a sampler that changes nothing still costs a pass over the vocabulary.
std::vector<common_sampler_type> enabled_samplers(const SamplingParams& params) {
  std::vector<common_sampler_type> types;
  if (has_penalties(params)) types.push_back(COMMON_SAMPLER_TYPE_PENALTIES);
  if (params.top_k > 0 || params.top_p < 1.0f) types.push_back(COMMON_SAMPLER_TYPE_TOP_K);
  if (params.top_p < 1.0f) types.push_back(COMMON_SAMPLER_TYPE_TOP_P);
  if (params.min_p > 0.0f) types.push_back(COMMON_SAMPLER_TYPE_MIN_P);
  types.push_back(COMMON_SAMPLER_TYPE_TEMPERATURE);
  return types;
}

void add_biases(const Model& model, const SamplingParams& params, common_params_sampling& out) {
  for (const LogitBias& entry : params.logit_bias) {
    if (entry.token < 0 || entry.token >= model.vocabulary()) {
      throw FaultError(FaultCode::invalid_request,
                       "logit bias names token " + std::to_string(entry.token) +
                           ", which is not in the vocabulary; expected 0 to " +
                           std::to_string(model.vocabulary() - 1));
    }
    out.logit_bias.push_back({entry.token, entry.bias});
  }
  if (!params.ignore_eos) return;
  for (int32_t token = 0; token < model.vocabulary(); ++token) {
    if (model.ends_generation(token)) out.logit_bias.push_back({token, -INFINITY});
  }
}

common_params_sampling chain_params(const Model& model, const SamplingParams& params,
                                    int32_t context_tokens) {
  common_params_sampling out;
  out.seed = params.seed;
  out.temp = is_greedy(params) ? 0.0f : params.temperature;
  out.top_k = params.top_k > 0 ? params.top_k : kNucleusMax;
  out.top_p = params.top_p;
  out.min_p = params.min_p;
  out.penalty_repeat = params.repeat_penalty;
  // llama.cpp allocates as much as it is told to.
  const bool all = params.repeat_last_n < 0 || params.repeat_last_n > context_tokens;
  out.penalty_last_n = all ? context_tokens : params.repeat_last_n;
  out.penalty_freq = params.frequency_penalty;
  out.penalty_present = params.presence_penalty;
  out.no_perf = true;
  out.samplers = enabled_samplers(params);
  add_biases(model, params, out);
  return out;
}

// Some vocabularies name tokens that must never be sampled; the chain knows them.
bool suppresses_tokens(const Model& model) {
  int32_t count = 0;
  llama_vocab_get_suppress_tokens(llama_model_get_vocab(model.raw()), &count);
  return count > 0;
}

// Neither NaN nor positive infinity: samplers sort by them.
bool all_usable(const float* logits, int32_t count) {
  bool usable = true;
  for (int32_t token = 0; token < count; ++token) {
    usable &= logits[token] <= std::numeric_limits<float>::max();
  }
  return usable;
}

int32_t argmax(const float* logits, int32_t count) {
  int32_t best = 0;
  float highest = -std::numeric_limits<float>::infinity();
  for (int32_t token = 0; token < count; ++token) {
    if (logits[token] > highest) {
      highest = logits[token];
      best = token;
    }
  }
  return best;
}

}  // namespace

void Sampler::SamplerFree::operator()(common_sampler* sampler) const {
  common_sampler_free(sampler);
}

Sampler::Sampler(const Model& model, const SamplingParams& params, int32_t context_tokens)
    : sees_prompt_(params.repeat_penalty != 1.0f && params.repeat_last_n != 0),
      vocabulary_(model.vocabulary()) {
  const bool unconstrained = is_greedy(params) && !has_penalties(params) &&
                             params.logit_bias.empty() && !params.ignore_eos &&
                             !suppresses_tokens(model);
  if (unconstrained) return;
  common_params_sampling chain = chain_params(model, params, context_tokens);
  chain_.reset(common_sampler_init(model.raw(), chain));
}

Sampler::~Sampler() = default;

void Sampler::accept_prompt(const std::vector<int32_t>& prompt) {
  if (!chain_ || !sees_prompt_) return;
  for (int32_t token : prompt) common_sampler_accept(chain_.get(), token, false);
}

int32_t Sampler::sample(Context& context, int32_t row) {
  const float* logits = context.logits(row);
  if (!logits || !all_usable(logits, vocabulary_)) {
    throw FaultError(FaultCode::engine_failed,
                     "the model computed no usable logits; its weights may be damaged");
  }
  if (!chain_) {
    return argmax(logits, vocabulary_);
  }
  const int32_t token = common_sampler_sample(chain_.get(), context.raw(), row);
  common_sampler_accept(chain_.get(), token, true);
  return token;
}

}  // namespace sluice
