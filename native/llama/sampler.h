#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "grammar/form-span.h"
#include "sampling/row-chances.h"
#include "sampling/row-sampler.h"
#include "sampling/sampling-params.h"

struct llama_sampler;

namespace sluice {

class Constraint;
class Logits;
class Model;
struct Candidate;

// Picks the next token of one sequence with llama.cpp's samplers. Tokens that the first of them
// would drop are not given to them, so they choose among a few tokens and not among the vocabulary.
// Made by the Preparer, then owned by its Sequence and used by one thread at a time: the engine's
// or a sampling thread that it waits for. Touches no llama_context.
class Sampler final : public RowSampler {
 public:
  static bool has_dry(const SamplingParams& params);
  // `dry` is KnownDry's: null where it is off. Throws FaultError(invalid_request) for a bias on a
  // token outside the vocabulary.
  Sampler(const Model& model, const SamplingParams& params, int32_t context_tokens,
          std::shared_ptr<const llama_sampler> dry);
  // Without a model: `forbidden` are the tokens that are never sampled.
  Sampler(int32_t vocabulary, const std::vector<int32_t>& forbidden, const SamplingParams& params,
          int32_t context_tokens, std::shared_ptr<const llama_sampler> dry = nullptr);
  ~Sampler() override;
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  // Keeps the reply to a grammar from here on.
  void constrain(std::unique_ptr<Constraint> constraint);
  // While suppressed, no text begins the calls that a waiting grammar is of.
  void suppress_calls(bool are_suppressed);
  // Where in the reply so far its form stands.
  FormSpan form_span() const;
  // Lets the repetition penalty see the prompt. Nothing to do when it is off.
  void accept_prompt(const std::vector<int32_t>& prompt);
  // The next rows' tokens are these, whatever the logits are. If the grammar refuses one, it and
  // the rest are dropped.
  void force(const std::vector<int32_t>& tokens);
  bool is_forcing() const { return next_forced_ < forced_.size(); }
  // Samples from a row's logits and remembers the token. Throws FaultError: engine_failed when the
  // logits are not numbers, or Constraint's when no token can follow.
  int32_t sample(float* logits) override;
  // Of the last row; only where params.logprobs asks for them.
  const RowChances& chances() const { return chances_; }
  // What the last row took.
  int64_t row_cost() const override { return row_cost_; }

 private:
  struct SamplerFree {
    void operator()(llama_sampler* sampler) const;
  };
  using SamplerPtr = std::unique_ptr<llama_sampler, SamplerFree>;

  class Changes;

  bool changes_logits() const { return !biases_.empty() || penalties_; }
  // The next token of those that are forced.
  std::optional<int32_t> take_forced();
  // By sampling and the grammar, where no token is forced.
  int32_t choose_freely(const float* logits, Logits& reader);
  int32_t choose(Logits& logits);
  // The token that choose_allowed() would choose, where it is found without looking at all tokens.
  std::optional<int32_t> choose_nearby(Logits& reader);
  std::optional<int32_t> choose_likeliest(int32_t count, Logits& reader);
  // Among the tokens that the grammar allows; `logits` with biases and penalties.
  int32_t choose_allowed(const float* logits, Logits& reader);
  SamplerPtr new_chain() const;
  // Of llama.cpp's samplers in the order that was asked for, or the usual one.
  void add_whole_chain(llama_sampler* chain) const;
  void add_step(SamplerStep step, llama_sampler* chain) const;
  llama_sampler* chain();
  int32_t choose_by_chain(const std::vector<Candidate>& choice, bool sorted);
  void accept(int32_t token);
  // Lets the penalties remember it.
  void penalize(int32_t token);
  // Throws FaultError(engine_failed).
  void read(Logits& reader, const float* logits) const;

  int32_t vocabulary_;
  Truncation truncation_;
  bool sees_prompt_;
  int32_t top_k_;
  float top_p_, min_p_, temperature_;
  std::unique_ptr<const SamplingParams> whole_;  // null but for Truncation::chain
  std::shared_ptr<const llama_sampler> dry_;     // until the chain has its own
  std::vector<LogitBias> biases_;                // forbidden tokens among them
  SamplerPtr penalties_;                         // null when there are none
  // What llama.cpp's penalties look at, in any order: only these tokens' logits change.
  std::vector<int32_t> recent_;
  size_t recent_max_, oldest_ = 0;
  // A generator takes 5 KB, and a chain has two: they are made for the first token and not for a
  // request that waits for a slot.
  uint32_t seed_;
  SamplerPtr chain_;  // null until the first token, and for `greedy` and `none`
  std::unique_ptr<std::mt19937> numbers_;   // for `none`, drawn as the chain's last sampler does
  std::unique_ptr<Constraint> constraint_;  // null when the reply is free
  std::vector<int32_t> forced_;
  size_t next_forced_ = 0;
  int32_t logprobs_;
  RowChances chances_;
  int64_t row_cost_ = 0;
};

}  // namespace sluice
