#include "llama/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <set>

#include "base/fault.h"
#include "grammar/constraint.h"
#include "llama.h"
#include "sampling/row-scorer.h"
#include "test/check.h"

using sluice::FaultCode;
using sluice::FaultError;
using sluice::Sampler;
using sluice::SamplingParams;

namespace {

constexpr int32_t kContext = 4096;

// llama.cpp's samplers over the whole vocabulary, in the order of its own common_sampler.
class Reference {
 public:
  Reference(int32_t vocabulary, const std::vector<int32_t>& forbidden, const SamplingParams& params)
      : chain_(llama_sampler_chain_init(llama_sampler_chain_default_params()), llama_sampler_free) {
    std::vector<llama_logit_bias> biases;
    for (const auto& entry : params.logit_bias) biases.push_back({entry.token, entry.bias});
    for (int32_t token : forbidden) biases.push_back({token, -INFINITY});
    add(llama_sampler_init_logit_bias(vocabulary, int32_t(biases.size()), biases.data()));
    const int32_t last = params.repeat_last_n < 0 ? kContext : params.repeat_last_n;
    add(llama_sampler_init_penalties(vocabulary, last, params.repeat_penalty,
                                     params.frequency_penalty, params.presence_penalty));
    if (params.mirostat > 0) {
      add(llama_sampler_init_temp(params.temperature));
      add(params.mirostat == 1 ? llama_sampler_init_mirostat(vocabulary, params.seed, 5, 0.1f, 100)
                               : llama_sampler_init_mirostat_v2(params.seed, 5, 0.1f));
      return;
    }
    add(llama_sampler_init_top_n_sigma(params.top_n_sigma));
    if (params.top_k > 0) add(llama_sampler_init_top_k(params.top_k));
    // It makes shares of 0, where llama.cpp's typical_p keeps all tokens.
    if (params.top_n_sigma > 0.0f) add(llama_sampler_init_min_p(1e-30f, 0));
    add(llama_sampler_init_typical(params.typical_p, 0));
    add(llama_sampler_init_top_p(params.top_p, 0));
    add(llama_sampler_init_min_p(params.min_p, 0));
    add(llama_sampler_init_xtc(params.xtc_probability, params.xtc_threshold, 0, params.seed));
    add(llama_sampler_init_temp_ext(params.temperature, params.dynatemp_range,
                                    params.dynatemp_exponent));
    add(llama_sampler_init_dist(params.seed));
  }

  void accept(int32_t token) { llama_sampler_accept(chain_.get(), token); }

  int32_t sample(const std::vector<float>& logits) {
    std::vector<llama_token_data> candidates;
    for (float logit : logits) candidates.push_back({int32_t(candidates.size()), logit, 0.0f});
    llama_token_data_array array{candidates.data(), candidates.size(), -1, false};
    llama_sampler_apply(chain_.get(), &array);
    const int32_t token = array.data[array.selected].id;
    accept(token);
    return token;
  }

 private:
  void add(llama_sampler* sampler) { llama_sampler_chain_add(chain_.get(), sampler); }

  std::unique_ptr<llama_sampler, decltype(&llama_sampler_free)> chain_;
};

// Logits of a normal distribution. At a deviation of 1 a token in three counts, at 3 a handful of
// a small vocabulary, and at 8 nearly always the highest alone.
std::vector<float> random_row(int32_t vocabulary, float deviation, uint32_t seed) {
  std::mt19937 numbers(seed);
  std::normal_distribution<float> normal(0.0f, deviation);
  std::vector<float> row;
  for (int32_t token = 0; token < vocabulary; ++token) row.push_back(normal(numbers));
  return row;
}

void check_equal(const SamplingParams& params, std::vector<float> deviations = {1.0f, 3.0f, 8.0f},
                 const std::vector<int32_t>& forbidden = {2, 17}) {
  for (const int32_t vocabulary : {380, 5000, 32000}) {
    std::vector<int32_t> prompt;
    for (int32_t i = 0; i < 200; ++i) prompt.push_back(i * 7 % vocabulary);
    Sampler sampler(vocabulary, forbidden, params, kContext);
    Reference reference(vocabulary, forbidden, params);
    sampler.accept_prompt(prompt);
    if (params.repeat_penalty != 1.0f) {
      for (int32_t token : prompt) reference.accept(token);
    }
    // Few rows, so that tokens come again and penalties find them.
    std::vector<std::vector<float>> rows;
    for (uint32_t i = 0; i < 12; ++i) {
      rows.push_back(random_row(vocabulary, deviations[i % deviations.size()], i));
    }
    for (size_t step = 0; step < 120; ++step) {
      std::vector<float>& row = rows[step % rows.size()];
      const std::vector<float> before = row;
      CHECK_EQ(sampler.sample(row.data()), reference.sample(before));
      CHECK(row == before);  // biases and penalties are gone again
    }
  }
}

SamplingParams params_of(float temperature) {
  SamplingParams params;
  params.temperature = temperature;
  params.seed = 4711;
  return params;
}

}  // namespace

TEST("sampler: temperature alone chooses llama.cpp's tokens") {
  check_equal(params_of(1.0f));
  check_equal(params_of(0.7f));
  check_equal(params_of(1.9f));
}

TEST("sampler: top_k chooses llama.cpp's tokens, with and without more samplers") {
  for (const int32_t top_k : {1, 40, 300, 2000, 50000}) {
    SamplingParams params = params_of(0.8f);
    params.top_k = top_k;
    check_equal(params);
    params.top_p = 0.95f;
    params.min_p = 0.02f;
    check_equal(params);
  }
}

TEST("sampler: min_p chooses llama.cpp's tokens") {
  for (const float min_p : {0.0001f, 0.05f, 1.0f}) {
    SamplingParams params = params_of(1.2f);
    params.min_p = min_p;
    check_equal(params);
  }
}

// Without forbidden tokens: they have a share of 0, where llama.cpp's typical_p keeps all tokens.
TEST("sampler: what only llama.cpp's whole chain does chooses its tokens, alone and together") {
  SamplingParams all = params_of(0.9f);
  const auto check_with = [&](auto&& set) {
    SamplingParams alone = params_of(0.9f);
    set(alone);
    check_equal(alone, {1.0f, 3.0f, 8.0f}, {});
    set(all);
    check_equal(all, {1.0f, 3.0f, 8.0f}, {});
  };
  check_with([](SamplingParams& params) { params.typical_p = 0.7f; });
  check_with([](SamplingParams& params) { params.top_n_sigma = 1.5f; });
  check_with([](SamplingParams& params) {
    params.xtc_probability = 0.5f;
    params.xtc_threshold = 0.05f;
  });
  check_with([](SamplingParams& params) { params.dynatemp_range = 0.4f; });
  check_with([](SamplingParams& params) { params.top_k = 40; });
  check_with([](SamplingParams& params) { params.min_p = 0.02f; });
  check_with([](SamplingParams& params) { params.repeat_penalty = 1.3f; });
}

namespace {

// By the definition, in double: those whose surprise is nearest to the expected one, until their
// shares exceed `most`.
std::set<int32_t> typical_tokens(const std::vector<float>& row, double most) {
  const double highest = *std::max_element(row.begin(), row.end());
  double whole = 0.0, entropy = 0.0, sum = 0.0;
  for (float logit : row) whole += std::exp(double(logit) - highest);
  std::vector<std::pair<double, int32_t>> surprises;
  for (size_t token = 0; token < row.size(); ++token) {
    const double surprise = std::log(whole) + highest - double(row[token]);
    if (std::exp(-surprise) == 0.0) continue;
    entropy += std::exp(-surprise) * surprise;
    surprises.push_back({surprise, int32_t(token)});
  }
  std::sort(surprises.begin(), surprises.end(), [&](const auto& a, const auto& b) {
    return std::abs(a.first - entropy) < std::abs(b.first - entropy);
  });
  std::set<int32_t> tokens;
  for (const auto& [surprise, token] : surprises) {
    tokens.insert(token);
    sum += std::exp(-surprise);
    if (sum > most) break;
  }
  return tokens;
}

// Draws from `row` are the typical ones of `changed`, which is what typical_p is given.
void check_typical(Sampler&& sampler, std::vector<float> row, const std::vector<float>& changed,
                   float most) {
  const std::set<int32_t> typical = typical_tokens(changed, double(most));
  CHECK(typical.size() < row.size() / 2);
  for (int32_t draw = 0; draw < 500; ++draw) {
    CHECK_EQ(typical.count(sampler.sample(row.data())), size_t(1));
  }
}

SamplingParams typical_after(sluice::SamplerStep step, float temperature) {
  SamplingParams params = params_of(temperature);
  params.typical_p = 0.5f;
  params.order = {step, sluice::SamplerStep::typical_p};
  return params;
}

}  // namespace

TEST("sampler: typical_p drops what is not typical, also where some token's share is 0") {
  using sluice::SamplerStep;
  const std::vector<float> row = random_row(1000, 1.0f, 3);
  const int32_t likeliest = int32_t(std::max_element(row.begin(), row.end()) - row.begin());

  std::vector<float> changed = row;
  changed[7] = -INFINITY;
  const SamplingParams alone = typical_after(SamplerStep::temperature, 1.0f);
  check_typical(Sampler(1000, {7}, alone, kContext), row, changed, alone.typical_p);

  changed[7] = row[7] - 100.0f;
  SamplingParams biased = alone;
  biased.logit_bias = {{7, -100.0f}};
  check_typical(Sampler(1000, {}, biased, kContext), row, changed, alone.typical_p);

  changed = row;
  for (float& logit : changed) logit /= 0.02f;
  const SamplingParams cold = typical_after(SamplerStep::temperature, 0.02f);
  check_typical(Sampler(1000, {}, cold, kContext), row, changed, alone.typical_p);

  double sum = 0.0, squares = 0.0;
  for (float logit : row) sum += double(logit);
  for (float logit : row) squares += std::pow(double(logit) - sum / 1000.0, 2.0);
  const double lowest = double(row[size_t(likeliest)]) - 3.0 * std::sqrt(squares / 1000.0);
  changed = row;
  for (float& logit : changed) logit = double(logit) < lowest ? -INFINITY : logit;
  SamplingParams cut = typical_after(SamplerStep::top_n_sigma, 1.0f);
  cut.top_n_sigma = 3.0f;
  check_typical(Sampler(1000, {}, cut, kContext), row, changed, alone.typical_p);
}

// DRY takes 100 from the token that would repeat the sequence once more.
TEST("sampler: typical_p after DRY as well, whose beginning is shared and stays as it was") {
  const std::vector<float> row = random_row(1000, 1.0f, 3);
  SamplingParams params = typical_after(sluice::SamplerStep::dry, 1.0f);
  params.dry_multiplier = 100.0f;
  const std::shared_ptr<const llama_sampler> dry(
      llama_sampler_init_dry(nullptr, 100.0f, 1.75f, 2, 64, nullptr, 0),
      [](const llama_sampler* one) { llama_sampler_free(const_cast<llama_sampler*>(one)); });
  const std::set<int32_t> plain = typical_tokens(row, 0.5);
  const int32_t repeated = *std::max_element(plain.begin(), plain.end(), [&](int32_t a, int32_t b) {
    return row[size_t(a)] < row[size_t(b)];
  });
  std::vector<float> changed = row;
  changed[size_t(repeated)] -= 100.0f;
  const std::set<int32_t> typical = typical_tokens(changed, 0.5);
  std::vector<float> logits = row;
  std::set<int32_t> drawn;
  for (uint32_t draw = 0; draw < 500; ++draw) {
    params.seed = draw;
    Sampler repeating(1000, {}, params, kContext, dry), other(1000, {}, params, kContext, dry);
    repeating.accept_prompt({1, 2, repeated, 1, 2});
    CHECK_EQ(typical.count(repeating.sample(logits.data())), size_t(1));
    const int32_t token = other.sample(logits.data());
    CHECK_EQ(plain.count(token), size_t(1));
    drawn.insert(token);
  }
  CHECK_EQ(drawn.count(repeated), size_t(1));
}

TEST("sampler: a temperature too small to divide by is 0, in an order of one's own as well") {
  for (const float temperature : {0.0f, 1e-40f, 1e-38f, 1e-30f}) {
    SamplingParams params = params_of(temperature);
    params.order = {sluice::SamplerStep::temperature};
    Sampler sampler(1000, {}, params, kContext);
    for (const float deviation : {1.0f, 8.0f}) {
      std::vector<float> row = random_row(1000, deviation, 5);
      const int32_t likeliest = int32_t(std::max_element(row.begin(), row.end()) - row.begin());
      for (int32_t draw = 0; draw < 20; ++draw) CHECK_EQ(sampler.sample(row.data()), likeliest);
    }
  }
}

// Some of these exponents make a temperature that is not 0 and by which logits become infinite.
TEST("sampler: a dynamic temperature near 0 takes the likeliest") {
  for (const float offset : {0.0f, -100.0f}) {
    std::vector<float> row = random_row(1000, 8.0f, 5);
    for (float& logit : row) logit += offset;
    const int32_t likeliest = int32_t(std::max_element(row.begin(), row.end()) - row.begin());
    for (int32_t exponent = 20; exponent <= 100; ++exponent) {
      SamplingParams params = params_of(0.5f);
      params.dynatemp_range = 0.5f;
      params.dynatemp_exponent = float(exponent);
      CHECK_EQ(Sampler(1000, {}, params, kContext).sample(row.data()), likeliest);
    }
  }
}

TEST("sampler: mirostat chooses llama.cpp's tokens, with no other sampler beside it") {
  for (const int32_t version : {1, 2}) {
    SamplingParams params = params_of(0.9f);
    params.mirostat = version;
    check_equal(params);
    params.top_k = 1;
    check_equal(params);
  }
}

TEST("sampler: an order has the samplers that it names, in that order") {
  const std::vector<float> row = random_row(1000, 3.0f, 1);
  SamplingParams params = params_of(5.0f);
  params.top_k = 1;
  params.order = {sluice::SamplerStep::top_k, sluice::SamplerStep::temperature};
  std::vector<float> logits = row;
  const int32_t likeliest = int32_t(std::max_element(row.begin(), row.end()) - row.begin());
  CHECK_EQ(Sampler(1000, {}, params, kContext).sample(logits.data()), likeliest);
  params.order = {sluice::SamplerStep::temperature};
  bool has_others = false;
  Sampler free(1000, {}, params, kContext);
  for (int32_t i = 0; i < 20; ++i) has_others |= free.sample(logits.data()) != likeliest;
  CHECK(has_others);
}

// Not from a flat row: llama.cpp sums the vocabulary's shares in float, and its nucleus has then a
// few tokens more or less than 0.9 of them.
TEST("sampler: top_p alone chooses llama.cpp's tokens where its nucleus is exact") {
  for (const float top_p : {0.3f, 0.9f}) {
    SamplingParams params = params_of(0.9f);
    params.top_p = top_p;
    check_equal(params, {8.0f, 12.0f});
  }
}

TEST("sampler: penalties change the tokens that llama.cpp changes, window and prompt included") {
  for (const int32_t last : {1, 64, -1}) {
    SamplingParams params = params_of(1.0f);
    params.repeat_last_n = last;
    params.frequency_penalty = 0.4f;
    params.presence_penalty = -0.3f;
    check_equal(params);
    params.repeat_penalty = 1.3f;
    check_equal(params);
    params.top_k = 40;
    check_equal(params);
    params.temperature = 0.0f;
    check_equal(params);
  }
}

TEST("sampler: biases are llama.cpp's, also two on one token") {
  SamplingParams params = params_of(1.0f);
  params.logit_bias = {{5, 4.0f}, {5, 2.5f}, {9, -100.0f}, {379, 8.0f}};
  check_equal(params);
  params.top_k = 20;
  check_equal(params);
  params.temperature = 0.0f;
  check_equal(params);
}

TEST("sampler: greedy takes the first of equals, and never a forbidden token") {
  std::vector<float> row(1000, 0.5f);
  row[300] = row[700] = 2.0f;
  CHECK_EQ(Sampler(1000, {}, params_of(0.0f), kContext).sample(row.data()), 300);
  CHECK_EQ(Sampler(1000, {300}, params_of(0.0f), kContext).sample(row.data()), 700);
}

TEST("sampler: a row that holds no numbers is a fault of the engine") {
  const float infinity = std::numeric_limits<float>::infinity();
  SamplingParams biased = params_of(1.0f);
  biased.logit_bias = {{1, 1.0f}};
  for (const SamplingParams& params : {params_of(0.0f), params_of(1.0f), biased}) {
    Sampler sampler(1000, {}, params, kContext);
    for (const float bad : {infinity, std::numeric_limits<float>::quiet_NaN()}) {
      std::vector<float> row(1000, 0.5f);
      row[999] = bad;
      bool refused = false;
      try {
        sampler.sample(row.data());
      } catch (const FaultError& error) {
        refused = error.fault.code == FaultCode::engine_failed;
      }
      CHECK(refused);
    }
  }
}

TEST("sampler: a bias on a token outside the vocabulary is an invalid request") {
  for (const int32_t token : {-1, 1000}) {
    SamplingParams params = params_of(1.0f);
    params.logit_bias = {{token, 1.0f}};
    bool refused = false;
    try {
      Sampler sampler(1000, {}, params, kContext);
    } catch (const FaultError& error) {
      refused = error.fault.code == FaultCode::invalid_request;
    }
    CHECK(refused);
  }
}

// By the definition, in double and without a look at any maximum.
double naive_logprob(const std::vector<float>& row, int32_t token) {
  double whole = 0.0;
  for (float logit : row) whole += std::exp(double(logit));
  return double(row[size_t(token)]) - std::log(whole);
}

TEST("sampler: chances are those of the logits as they came, whatever was done to choose") {
  SamplingParams greedy = params_of(0.0f), cold = params_of(0.3f), biased = params_of(1.0f);
  cold.top_k = 5;
  biased.logit_bias = {{7, 90.0f}};
  biased.frequency_penalty = 1.5f;
  for (SamplingParams params : {greedy, cold, biased}) {
    for (const int32_t vocabulary : {380, 32000}) {
      params.logprobs = 20;
      Sampler sampler(vocabulary, {3}, params, kContext);
      for (uint32_t i = 0; i < 30; ++i) {
        std::vector<float> row = random_row(vocabulary, 3.0f, i);
        const int32_t token = sampler.sample(row.data());
        const sluice::RowChances& chances = sampler.chances();
        CHECK(std::abs(double(chances.chosen) - naive_logprob(row, token)) < 1e-5);
        CHECK_EQ(chances.top.size(), size_t(20));
        std::vector<float> descending = row;
        std::sort(descending.rbegin(), descending.rend());
        for (size_t k = 0; k < 20; ++k) {
          const sluice::TokenChance& chance = chances.top[k];
          CHECK_EQ(row[size_t(chance.token)], descending[k]);
          CHECK(std::abs(double(chance.logprob) - naive_logprob(row, chance.token)) < 1e-5);
        }
      }
    }
  }
}

TEST("scorer: a prompt's token is told as a sampled one would be, and damaged rows are refused") {
  for (const int32_t vocabulary : {380, 32000}) {
    for (uint32_t i = 0; i < 20; ++i) {
      std::vector<float> row = random_row(vocabulary, 3.0f, i);
      const int32_t token = int32_t(i) * 17 % vocabulary;
      sluice::RowScorer scorer(vocabulary, token, 3);
      CHECK_EQ(scorer.sample(row.data()), token);
      CHECK(std::abs(double(scorer.chances().chosen) - naive_logprob(row, token)) < 1e-5);
      CHECK_EQ(scorer.chances().top.size(), size_t(3));
      CHECK_EQ(row[size_t(scorer.chances().top[0].token)],
               *std::max_element(row.begin(), row.end()));
    }
  }
  std::vector<float> damaged(100, NAN);
  sluice::RowScorer scorer(100, 1, 0);
  bool refused = false;
  try {
    scorer.sample(damaged.data());
  } catch (const sluice::FaultError&) {
    refused = true;
  }
  CHECK(refused);
}

TEST("sampler: asking for chances changes no token") {
  for (const float temperature : {0.0f, 1.0f}) {
    SamplingParams params = params_of(temperature);
    params.presence_penalty = 0.5f;
    Sampler without(5000, {2}, params, kContext);
    params.logprobs = 3;
    Sampler with(5000, {2}, params, kContext);
    for (uint32_t i = 0; i < 60; ++i) {
      std::vector<float> row = random_row(5000, 3.0f, i % 7);
      CHECK_EQ(with.sample(row.data()), without.sample(row.data()));
    }
  }
}

TEST("sampler: tokens that cannot be are no alternatives, and every chance is a number") {
  std::vector<float> row(1000, -INFINITY);
  row[4] = 2.0f;
  row[9] = 1.0f;
  SamplingParams params = params_of(0.0f);
  params.logprobs = 20;
  Sampler sampler(1000, {}, params, kContext);
  CHECK_EQ(sampler.sample(row.data()), 4);
  CHECK_EQ(sampler.chances().top.size(), size_t(2));
  CHECK_EQ(sampler.chances().top[1].token, 9);
  params.logprobs = 0;
  Sampler alone(1000, {}, params, kContext);
  alone.sample(row.data());
  CHECK(alone.chances().top.empty());
  CHECK(std::isfinite(alone.chances().chosen));
}

TEST("sampler: forced tokens come first, whatever the logits, and the drawing goes on as before") {
  SamplingParams params;
  params.seed = 5;
  params.logprobs = 2;
  Sampler forced(380, {}, params, kContext), free(380, {}, params, kContext);
  std::vector<std::vector<float>> rows;
  for (uint32_t seed = 0; seed < 8; ++seed) rows.push_back(random_row(380, 3.0f, seed));
  const std::vector<int32_t> tokens{7, 300, 7};
  forced.force(tokens);
  for (int32_t token : tokens) {
    CHECK(forced.is_forcing());
    CHECK_EQ(forced.sample(rows[size_t(token) % 3].data()), token);
    // How likely it was by the model itself.
    const std::vector<float>& row = rows[size_t(token) % 3];
    double sum = 0;
    for (float logit : row) sum += std::exp(double(logit));
    const double expected = double(row[size_t(token)]) - std::log(sum);
    CHECK(std::fabs(double(forced.chances().chosen) - expected) < 1e-4);
    CHECK_EQ(forced.chances().top.size(), size_t(2));
  }
  CHECK(!forced.is_forcing());
  for (std::vector<float>& row : rows) {
    CHECK_EQ(forced.sample(row.data()), free.sample(row.data()));
  }
}

TEST("sampler: a forced row must hold numbers as well") {
  Sampler sampler(380, {}, SamplingParams(), kContext);
  sampler.force({3});
  std::vector<float> row(380, std::numeric_limits<float>::quiet_NaN());
  bool refused = false;
  try {
    sampler.sample(row.data());
  } catch (const FaultError& error) {
    refused = error.fault.code == FaultCode::engine_failed;
  }
  CHECK(refused);
}

namespace {

// What a reply of the letters a and b ends with where its grammar leads to no token.
FaultCode dead_end(const std::string& grammar, sluice::GrammarOrigin origin, bool ignores_end) {
  const auto vocabulary = std::make_shared<const sluice::GrammarVocabulary>(
      std::vector<std::string>{"a", "b", "</s>"}, std::vector<int32_t>{2});
  sluice::GrammarSpec spec;
  spec.origin = origin;
  std::vector<int32_t> forbidden;
  if (ignores_end) forbidden.push_back(2);
  Sampler sampler(3, forbidden, params_of(0.0f), kContext);
  sampler.constrain(std::make_unique<sluice::Constraint>(
      sluice::Grammar::compile(grammar, sluice::kGivenGrammar), vocabulary, spec));
  std::vector<float> row{1.0f, 2.0f, 3.0f};
  CHECK_EQ(sampler.sample(row.data()), 0);
  try {
    sampler.sample(row.data());
  } catch (const FaultError& error) {
    return error.fault.code;
  }
  return FaultCode::closed;
}

}  // namespace

TEST("sampler: where no token goes on, it is the fault of who gave the grammar") {
  using sluice::GrammarOrigin;
  const std::string no_token = "root ::= \"ac\"", whole = "root ::= \"a\"";
  CHECK(dead_end(no_token, GrammarOrigin::request, false) == FaultCode::invalid_grammar);
  CHECK(dead_end(no_token, GrammarOrigin::schema, false) == FaultCode::engine_failed);
  CHECK(dead_end(no_token, GrammarOrigin::tools, true) == FaultCode::engine_failed);
  CHECK(dead_end(whole, GrammarOrigin::request, true) == FaultCode::invalid_grammar);
  CHECK(dead_end(whole, GrammarOrigin::schema, true) == FaultCode::invalid_schema);
  CHECK(dead_end(whole, GrammarOrigin::tools, true) == FaultCode::invalid_request);
  CHECK(dead_end(whole, GrammarOrigin::request, false) == FaultCode::closed);
}
