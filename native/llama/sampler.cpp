#include "llama/sampler.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>

#include "base/fault.h"
#include "grammar/constraint.h"
#include "llama.h"
#include "llama/context.h"
#include "llama/model.h"
#include "sampling/logits.h"

namespace sluice {
namespace {

// What is tried before all tokens are looked at: kDrawsMore further draws; or the likeliest tokens,
// of which so many may be refused, for at most so many allowed ones (half a microsecond each).
constexpr int32_t kDrawsMore = 2;
constexpr int32_t kRefusedMax = 8;
constexpr int32_t kLikeliestMax = 128;

// Of the likeliest token's share: what is below changes no sum of shares, and is 0 a little lower.
constexpr float kShareMin = 1e-30f;

// One for each thread, and not for each sequence's sampler: they take 1 MB at 152k tokens.
struct Buffers {
  Logits logits;
  std::vector<float> masked;
  std::vector<Candidate> allowed;
  std::vector<Candidate> replaced;  // values of a row that were changed, in order
  std::vector<llama_token_data> candidates;
};

Buffers& buffers() {
  thread_local Buffers mine;
  return mine;
}

// The usual order of llama.cpp's common_sampler.
const std::vector<SamplerStep> kUsualOrder = {
    SamplerStep::penalties, SamplerStep::dry,       SamplerStep::top_n_sigma,
    SamplerStep::top_k,     SamplerStep::typical_p, SamplerStep::top_p,
    SamplerStep::min_p,     SamplerStep::xtc,       SamplerStep::temperature};

// Mirostat has no samplers beside it but the temperature.
bool has_step(const SamplingParams& params, SamplerStep step) {
  if (params.mirostat > 0) return step == SamplerStep::temperature;
  const std::vector<SamplerStep>& order = params.order.empty() ? kUsualOrder : params.order;
  return std::find(order.begin(), order.end(), step) != order.end();
}

bool has_penalties(const SamplingParams& params) {
  return has_step(params, SamplerStep::penalties) && params.repeat_last_n != 0 &&
         (params.repeat_penalty != 1.0f || params.frequency_penalty != 0.0f ||
          params.presence_penalty != 0.0f);
}

// Some vocabularies name tokens that must never be sampled.
std::vector<int32_t> forbidden_tokens(const Model& model, const SamplingParams& params) {
  int32_t count = 0;
  const llama_vocab* vocab = llama_model_get_vocab(model.raw());
  const llama_token* suppressed = llama_vocab_get_suppress_tokens(vocab, &count);
  std::vector<int32_t> tokens(suppressed, suppressed + count);
  if (!params.ignore_eos) return tokens;
  for (int32_t token = 0; token < model.vocabulary(); ++token) {
    if (model.ends_generation(token)) tokens.push_back(token);
  }
  return tokens;
}

void check_biases(const std::vector<LogitBias>& biases, int32_t vocabulary) {
  for (const LogitBias& entry : biases) {
    if (entry.token >= 0 && entry.token < vocabulary) continue;
    throw invalid_option("logitBias", "logit bias names token " + std::to_string(entry.token) +
                                          ", which is not in the vocabulary; expected 0 to " +
                                          std::to_string(vocabulary - 1));
  }
}

}  // namespace

void Sampler::SamplerFree::operator()(llama_sampler* sampler) const { llama_sampler_free(sampler); }

bool Sampler::has_dry(const SamplingParams& params) {
  return params.dry_multiplier > 0.0f && has_step(params, SamplerStep::dry);
}

Sampler::Sampler(const Model& model, const SamplingParams& params, int32_t context_tokens,
                 std::shared_ptr<const llama_sampler> dry)
    : Sampler(model.vocabulary(), forbidden_tokens(model, params), params, context_tokens,
              std::move(dry)) {}

Sampler::Sampler(int32_t vocabulary, const std::vector<int32_t>& forbidden,
                 const SamplingParams& params, int32_t context_tokens,
                 std::shared_ptr<const llama_sampler> dry)
    : vocabulary_(vocabulary),
      truncation_(truncation_of(params)),
      sees_prompt_(params.repeat_penalty != 1.0f && params.repeat_last_n != 0),
      top_k_(params.top_k),
      top_p_(params.top_p),
      min_p_(params.min_p),
      temperature_(params.temperature < kTemperatureMin ? 0.0f : params.temperature),
      dry_(std::move(dry)),
      biases_(params.logit_bias),
      seed_(params.seed),
      logprobs_(params.logprobs) {
  check_biases(biases_, vocabulary);
  if (truncation_ == Truncation::chain) whole_ = std::make_unique<const SamplingParams>(params);
  for (int32_t token : forbidden) biases_.push_back({token, -INFINITY});
  // llama.cpp allocates as much as it is told to.
  const bool all = params.repeat_last_n < 0 || params.repeat_last_n > context_tokens;
  recent_max_ = size_t(all ? context_tokens : params.repeat_last_n);
  if (has_penalties(params)) {
    penalties_.reset(llama_sampler_init_penalties(vocabulary, int32_t(recent_max_),
                                                  params.repeat_penalty, params.frequency_penalty,
                                                  params.presence_penalty));
  }
}

Sampler::~Sampler() = default;

void Sampler::constrain(std::unique_ptr<Constraint> constraint) {
  constraint_ = std::move(constraint);
}

void Sampler::suppress_calls(bool are_suppressed) {
  if (constraint_) constraint_->suppress(are_suppressed);
}

FormSpan Sampler::form_span() const { return constraint_ ? constraint_->form_span() : FormSpan(); }

void Sampler::force(const std::vector<int32_t>& tokens) {
  forced_ = tokens;
  next_forced_ = 0;
}

void Sampler::accept_prompt(const std::vector<int32_t>& prompt) {
  // DRY looks at the prompt by itself, as llama.cpp's does.
  if (whole_) {
    for (int32_t token : prompt) llama_sampler_accept(chain(), token);
  }
  if (!sees_prompt_) return;
  for (int32_t token : prompt) penalize(token);
}

void Sampler::accept(int32_t token) {
  if (whole_) llama_sampler_accept(chain(), token);
  penalize(token);
}

void Sampler::penalize(int32_t token) {
  if (!penalties_) return;
  llama_sampler_accept(penalties_.get(), token);
  if (recent_.size() < recent_max_) {
    recent_.push_back(token);
  } else {
    recent_[oldest_] = token;
    oldest_ = (oldest_ + 1) % recent_max_;
  }
}

// A row with a sampler's biases and penalties, as long as it lives. In place: to copy a row takes
// longer than to choose from it, and only a few of its values change.
class Sampler::Changes {
 public:
  Changes(const Sampler& sampler, float* logits) : logits_(logits) {
    replaced_.clear();
    if (!logits) return;
    replaced_.reserve(sampler.biases_.size() + sampler.recent_.size());
    for (const LogitBias& entry : sampler.biases_) {
      replace(entry.token, logits[entry.token] + entry.bias);
    }
    if (!sampler.penalties_) return;
    // Only recent tokens change. One that is there twice is set to the same value twice.
    std::vector<llama_token_data>& candidates = buffers().candidates;
    candidates.clear();
    for (int32_t token : sampler.recent_) candidates.push_back({token, logits[token], 0.0f});
    llama_token_data_array array{candidates.data(), candidates.size(), -1, false};
    llama_sampler_apply(sampler.penalties_.get(), &array);
    for (const llama_token_data& entry : candidates) replace(entry.id, entry.logit);
  }
  ~Changes() {
    // From the last to the first: some may have been changed twice.
    for (; !replaced_.empty(); replaced_.pop_back()) {
      logits_[replaced_.back().token] = replaced_.back().logit;
    }
  }
  Changes(const Changes&) = delete;
  Changes& operator=(const Changes&) = delete;

 private:
  void replace(int32_t token, float logit) {
    replaced_.push_back({token, logits_[token]});
    logits_[token] = logit;
  }

  float* const logits_;
  std::vector<Candidate>& replaced_ = buffers().replaced;
};

int32_t Sampler::sample(float* logits) {
  const auto begin = std::chrono::steady_clock::now();
  Logits& reader = buffers().logits;
  std::optional<Changes> changes(std::in_place, *this, logits);
  read(reader, logits);
  const std::optional<int32_t> forced = take_forced();
  const int32_t token = forced ? *forced : choose_freely(logits, reader);
  changes.reset();
  if (constraint_) constraint_->accept(token);
  if (logprobs_ >= 0) {
    if (changes_logits() || constraint_) read(reader, logits);
    note_chances(reader, logits, token, logprobs_, chances_);
  }
  accept(token);
  const std::chrono::nanoseconds taken = std::chrono::steady_clock::now() - begin;
  row_cost_ = taken.count();
  return token;
}

std::optional<int32_t> Sampler::take_forced() {
  if (!is_forcing()) return std::nullopt;
  const int32_t token = forced_[next_forced_++];
  if (!constraint_ || constraint_->is_waiting() || constraint_->allows(token)) return token;
  next_forced_ = forced_.size();
  return std::nullopt;
}

int32_t Sampler::choose_freely(const float* logits, Logits& reader) {
  const int32_t token = choose(reader);
  // Mostly the grammar allows the first token, and the others need not be looked at. Drawing again
  // among the allowed ones keeps their shares.
  if (!constraint_ || constraint_->allows(token)) return token;
  const std::optional<int32_t> nearby = choose_nearby(reader);
  return nearby ? *nearby : choose_allowed(logits, reader);
}

// Where most tokens are allowed, as within a string, an allowed one is found soon.
std::optional<int32_t> Sampler::choose_nearby(Logits& reader) {
  if (constraint_->knows_allowed()) return std::nullopt;
  switch (truncation_) {
    case Truncation::greedy: return choose_likeliest(1, reader);
    case Truncation::top_k: return choose_likeliest(top_k_, reader);
    case Truncation::top_p:  // these two depend on the shares of all allowed tokens
    case Truncation::min_p:
    case Truncation::chain:  // and some of its samplers remember each draw
      return std::nullopt;
    case Truncation::none: break;
  }
  for (int32_t draw = 0; draw < kDrawsMore; ++draw) {
    const int32_t token = choose(reader);
    if (constraint_->allows(token)) return token;
  }
  return std::nullopt;
}

// Chooses among the `count` likeliest allowed tokens. Nothing where those are not among the first
// few.
std::optional<int32_t> Sampler::choose_likeliest(int32_t count, Logits& reader) {
  if (count > kLikeliestMax) return std::nullopt;
  std::vector<Candidate>& allowed = buffers().allowed;
  allowed.clear();
  int32_t refused = 0;
  for (const Candidate& entry : reader.top(2 * count + kRefusedMax)) {
    if (entry.logit == -INFINITY) return std::nullopt;  // it must not be sampled
    if (constraint_->allows(entry.token)) {
      allowed.push_back(entry);
    } else if (++refused > kRefusedMax + int32_t(allowed.size())) {
      return std::nullopt;
    }
    if (int32_t(allowed.size()) < count) continue;
    return truncation_ == Truncation::greedy ? entry.token : choose_by_chain(allowed, true);
  }
  return std::nullopt;
}

int32_t Sampler::choose_allowed(const float* logits, Logits& reader) {
  std::vector<float>& masked = buffers().masked;
  masked.assign(size_t(vocabulary_), -INFINITY);
  constraint_->copy_allowed(logits, masked.data());
  if (!reader.read(masked.data(), vocabulary_)) {
    const bool is_forbidden =
        std::any_of(biases_.begin(), biases_.end(), [this](const LogitBias& entry) {
          return entry.bias == -INFINITY && constraint_->allows(entry.token);
        });
    throw constraint_->dead_end(is_forbidden);
  }
  const int32_t token = choose(reader);
  // Where fewer than top_k are allowed, refused ones are among the candidates with a share of 0,
  // and rounding may choose one.
  return masked[size_t(token)] > -INFINITY ? token : reader.likeliest();
}

void Sampler::read(Logits& reader, const float* logits) const {
  if (logits && reader.read(logits, vocabulary_)) return;
  throw unusable_logits();
}

int32_t Sampler::choose(Logits& logits) {
  switch (truncation_) {
    case Truncation::greedy: return logits.likeliest();
    case Truncation::top_k: return choose_by_chain(logits.top(top_k_), true);
    case Truncation::top_p: return choose_by_chain(logits.nucleus(top_p_), true);
    // As llama.cpp's min_p bounds them.
    case Truncation::min_p:
      return choose_by_chain(logits.from(logits.highest() + std::log(min_p_)), false);
    case Truncation::chain:
      return choose_by_chain(logits.from(std::numeric_limits<float>::lowest()), false);
    case Truncation::none: break;
  }
  if (!numbers_) numbers_ = std::make_unique<std::mt19937>(seed_);
  return logits.draw(temperature_, std::uniform_real_distribution<double>(0.0, 1.0)(*numbers_));
}

Sampler::SamplerPtr Sampler::new_chain() const {
  llama_sampler_chain_params params = llama_sampler_chain_default_params();
  params.no_perf = true;
  SamplerPtr chain(llama_sampler_chain_init(params));
  if (whole_) {
    add_whole_chain(chain.get());
    return chain;
  }
  // Without those that are off: they change nothing, but each costs a pass.
  const auto add = [&](llama_sampler* sampler) { llama_sampler_chain_add(chain.get(), sampler); };
  if (top_p_ < 1.0f && truncation_ == Truncation::top_k) add(llama_sampler_init_top_p(top_p_, 0));
  if (min_p_ > 0.0f) add(llama_sampler_init_min_p(min_p_, 0));
  add(llama_sampler_init_temp(temperature_));
  add(llama_sampler_init_dist(seed_));
  return chain;
}

void Sampler::add_whole_chain(llama_sampler* chain) const {
  const SamplingParams& params = *whole_;
  if (params.mirostat > 0) {
    constexpr int32_t kMirostatTokens = 100;  // llama.cpp's
    llama_sampler_chain_add(chain, llama_sampler_init_temp(temperature_));
    llama_sampler_chain_add(
        chain,
        params.mirostat == 1
            ? llama_sampler_init_mirostat(vocabulary_, seed_, params.mirostat_tau,
                                          params.mirostat_eta, kMirostatTokens)
            : llama_sampler_init_mirostat_v2(seed_, params.mirostat_tau, params.mirostat_eta));
    return;
  }
  for (const SamplerStep step : params.order.empty() ? kUsualOrder : params.order) {
    add_step(step, chain);
  }
  llama_sampler_chain_add(chain, llama_sampler_init_dist(seed_));
}

// Without those that are off, which change nothing.
void Sampler::add_step(SamplerStep step, llama_sampler* chain) const {
  const SamplingParams& params = *whole_;
  const auto add = [&](bool is_on, auto&& make) {
    if (is_on) llama_sampler_chain_add(chain, make());
  };
  switch (step) {
    case SamplerStep::penalties: return;  // they come first, wherever they stand: see Changes
    case SamplerStep::dry:
      return add(dry_ != nullptr, [&] { return llama_sampler_clone(dry_.get()); });
    case SamplerStep::top_n_sigma:
      return add(params.top_n_sigma > 0.0f,
                 [&] { return llama_sampler_init_top_n_sigma(params.top_n_sigma); });
    case SamplerStep::top_k:
      return add(top_k_ > 0, [&] { return llama_sampler_init_top_k(top_k_); });
    case SamplerStep::typical_p:
      // llama.cpp's keeps all tokens where one has a share of 0, whose logarithm it takes.
      add(params.typical_p < 1.0f, [&] { return llama_sampler_init_min_p(kShareMin, 0); });
      return add(params.typical_p < 1.0f,
                 [&] { return llama_sampler_init_typical(params.typical_p, 0); });
    case SamplerStep::top_p:
      return add(top_p_ < 1.0f, [&] { return llama_sampler_init_top_p(top_p_, 0); });
    case SamplerStep::min_p:
      return add(min_p_ > 0.0f, [&] { return llama_sampler_init_min_p(min_p_, 0); });
    case SamplerStep::xtc:
      return add(params.xtc_probability > 0.0f, [&] {
        return llama_sampler_init_xtc(params.xtc_probability, params.xtc_threshold, 0, seed_);
      });
    case SamplerStep::temperature:
      return add(true, [&] {
        return llama_sampler_init_temp_ext(temperature_, params.dynatemp_range,
                                           params.dynatemp_exponent);
      });
  }
}

llama_sampler* Sampler::chain() {
  if (!chain_) {
    chain_ = new_chain();
    dry_.reset();
  }
  return chain_.get();
}

int32_t Sampler::choose_by_chain(const std::vector<Candidate>& choice, bool sorted) {
  std::vector<llama_token_data>& candidates = buffers().candidates;
  candidates.clear();
  for (const Candidate& entry : choice) candidates.push_back({entry.token, entry.logit, 0.0f});
  llama_token_data_array array{candidates.data(), candidates.size(), -1, sorted};
  llama_sampler_apply(chain(), &array);
  const llama_token_data& chosen = array.data[array.selected];
  if (chosen.p > 0.0f) return chosen.id;
  // None could be drawn: a dynamic temperature near 0, for one, leaves infinite logits.
  const auto is_less = [](const auto& a, const auto& b) { return a.logit < b.logit; };
  return std::max_element(array.data, array.data + array.size, is_less)->id;
}

}  // namespace sluice
