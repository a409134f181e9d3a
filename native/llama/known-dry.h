#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "sampling/sampling-params.h"

struct llama_model;
struct llama_sampler;

namespace sluice {

// Remembers the last of llama.cpp's DRY samplers, from which requests begin: those of one client
// mostly ask for the same one. To make it takes up to a second, which nothing interrupts: each
// breaker is looked for in the whole vocabulary.
//
// Owned by one of the Preparer's threads, and used by it alone. What it gives is never changed,
// only cloned, so any number of requests share it, on any thread, also after this has another one.
class KnownDry {
 public:
  // Null where DRY is off. Always of the same model. Only requests of one salt share what is known:
  // else the time that this takes would tell one tenant what another's breakers are.
  std::shared_ptr<const llama_sampler> of(const llama_model* model, const SamplingParams& params,
                                          int32_t context_tokens, const std::string& salt);

 private:
  struct Asked {
    float multiplier, base;
    int32_t allowed_length, last_n;
    std::vector<std::string> breakers;
    std::string salt;

    auto all() const { return std::tie(multiplier, base, allowed_length, last_n, breakers, salt); }
    bool operator==(const Asked& other) const { return all() == other.all(); }
  };

  static std::shared_ptr<const llama_sampler> made(const llama_model* model, const Asked& asked);

  Asked asked_{};
  std::shared_ptr<const llama_sampler> known_;  // null until the first
};

}  // namespace sluice
