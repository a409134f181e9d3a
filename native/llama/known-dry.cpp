#include "llama/known-dry.h"

#include <algorithm>
#include <utility>

#include "llama.h"
#include "llama/sampler.h"

namespace sluice {

std::shared_ptr<const llama_sampler> KnownDry::of(const llama_model* model,
                                                  const SamplingParams& params,
                                                  int32_t context_tokens, const std::string& salt) {
  if (!Sampler::has_dry(params)) return nullptr;
  // llama.cpp allocates as much as it is told to.
  const int32_t last = params.dry_penalty_last_n;
  Asked asked{
      params.dry_multiplier,        params.dry_base,
      params.dry_allowed_length,    last < 0 ? context_tokens : std::min(last, context_tokens),
      params.dry_sequence_breakers, salt};
  if (known_ && asked == asked_) return known_;
  known_ = made(model, asked);
  asked_ = std::move(asked);
  return known_;
}

std::shared_ptr<const llama_sampler> KnownDry::made(const llama_model* model, const Asked& asked) {
  std::vector<const char*> breakers;
  for (const std::string& text : asked.breakers) breakers.push_back(text.c_str());
  return {
      llama_sampler_init_dry(llama_model_get_vocab(model), asked.multiplier, asked.base,
                             asked.allowed_length, asked.last_n, breakers.data(), breakers.size()),
      llama_sampler_free};
}

}  // namespace sluice
