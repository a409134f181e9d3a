#include "grammar/grammar.h"

#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "grammar/constraint.h"
#include "grammar/grammar-matcher.h"
#include "grammar/grammar-vocabulary.h"
#include "llama.h"
#include "llama/runtime/runtime.h"
#include "llama/sampler.h"
#include "test/check.h"

using sluice::Constraint;
using sluice::Grammar;
using sluice::GrammarMatcher;
using sluice::GrammarSpec;
using sluice::GrammarVocabulary;
using sluice::kGivenGrammar;
using sluice::Sampler;
using sluice::SamplingParams;

namespace {

using ModelPtr = std::unique_ptr<llama_model, decltype(&llama_model_free)>;
using SamplerPtr = std::unique_ptr<llama_sampler, decltype(&llama_sampler_free)>;

ModelPtr load_vocabulary(const std::string& name) {
  sluice::start_runtime();
  llama_model_params params = llama_model_default_params();
  params.vocab_only = true;
  const std::string path = "deps/llama.cpp/models/ggml-vocab-" + name + ".gguf";
  ModelPtr model(llama_model_load_from_file(path.c_str(), params), llama_model_free);
  CHECK(model != nullptr);
  return model;
}

std::shared_ptr<const GrammarVocabulary> pieces_of(const llama_vocab* vocab) {
  std::vector<std::string> pieces;
  std::vector<int32_t> ends;
  for (int32_t token = 0; token < llama_vocab_n_tokens(vocab); ++token) {
    char piece[256];
    const int32_t length = llama_token_to_piece(vocab, token, piece, sizeof(piece), 0, false);
    pieces.push_back(std::string(piece, size_t(length)));
    if (llama_vocab_is_eog(vocab, token)) ends.push_back(token);
  }
  return std::make_shared<GrammarVocabulary>(std::move(pieces), ends);
}

// Each token by its text.
std::map<std::string, int32_t> tokens_of(const GrammarVocabulary& vocabulary) {
  std::map<std::string, int32_t> tokens;
  for (int32_t token = 0; token < vocabulary.size(); ++token) {
    tokens[std::string(vocabulary.piece(token))] = token;
  }
  return tokens;
}

// Which tokens llama.cpp's own engine allows.
std::vector<bool> allowed_by(llama_sampler* reference, int32_t vocabulary) {
  std::vector<llama_token_data> candidates;
  for (int32_t token = 0; token < vocabulary; ++token) candidates.push_back({token, 1.0f, 0.0f});
  llama_token_data_array array{candidates.data(), candidates.size(), -1, false};
  llama_sampler_apply(reference, &array);
  std::vector<bool> allowed;
  for (const llama_token_data& entry : candidates) allowed.push_back(entry.logit > 0.0f);
  return allowed;
}

const char* const kGrammars[] = {
    "root ::= \"{\" ws pair (\",\" ws pair)* \"}\"\n"
    "pair ::= string \":\" ws (string | number | root | \"[\" (number (\", \" number)*)? \"]\")\n"
    "string ::= \"\\\"\" ([^\"\\\\\\x00-\\x1f\\x7f] | \"\\\\\" [\"\\\\bfnrt])* \"\\\"\"\n"
    "number ::= \"-\"? (\"0\" | [1-9] [0-9]{0,5}) (\".\" [0-9]{1,3})?\nws ::= [ \\n]{0,3}",
    "root ::= (word (\" \" | \", \"))+ \".\"\nword ::= [a-z\u00e0-\u00ff]{2,8} | [A-Z]{1,3} | "
    "[\u4e00-\u9fff]+ | \"\U0001F98A\"",
    "root ::= (\"ab\"? [a-c]* | (\"(\" root \")\"){1,2} .)* \"!\"",
};

// Random texts of each grammar, token by token; both engines must allow the same at each.
void check_same(const std::string& name) {
  const ModelPtr model = load_vocabulary(name);
  const llama_vocab* vocab = llama_model_get_vocab(model.get());
  const int32_t size = llama_vocab_n_tokens(vocab);
  const auto vocabulary = pieces_of(vocab);
  std::mt19937 numbers(7);
  for (const char* const text : kGrammars) {
    const SamplerPtr reference(llama_sampler_init_grammar(vocab, text, "root"), llama_sampler_free);
    CHECK(reference != nullptr);
    Constraint ours(Grammar::compile(text, kGivenGrammar), vocabulary, GrammarSpec());
    GrammarMatcher any(Grammar::compile("root ::= .*", kGivenGrammar));
    for (int32_t length = 0; length < 25; ++length) {
      const std::vector<bool> expected = allowed_by(reference.get(), size);
      const std::vector<float> logits(size_t(size), 1.0f);
      std::vector<float> masked(size_t(size), -INFINITY);
      ours.copy_allowed(logits.data(), masked.data());
      std::vector<int32_t> choices;
      for (int32_t token = 0; token < size; ++token) {
        const bool is_end = llama_vocab_is_eog(vocab, token);
        // llama.cpp takes control tokens for their names, which the reply's text does not have.
        if (!is_end && vocabulary->piece(token).empty()) continue;
        if (masked[size_t(token)] > 0.0f) CHECK(expected[size_t(token)]);
        // llama.cpp lets bytes through that are no UTF-8.
        const bool is_utf8 = any.walk(any.state(), vocabulary->piece(token)) >= 0;
        if (is_utf8) CHECK_EQ(masked[size_t(token)] > 0.0f, bool(expected[size_t(token)]));
        if (masked[size_t(token)] > 0.0f && !is_end) choices.push_back(token);
      }
      if (choices.empty()) break;
      const int32_t token = choices[numbers() % choices.size()];
      llama_sampler_accept(reference.get(), token);
      ours.accept(token);
      CHECK(any.accept(vocabulary->piece(token)));
    }
  }
}

}  // namespace

TEST("grammar: allows the very tokens that llama.cpp's engine allows, GPT-2's and Llama's") {
  check_same("gpt-2");
  check_same("llama-spm");
}

TEST("grammar: a constrained sampler writes what the grammar allows, however it chooses") {
  const ModelPtr model = load_vocabulary("gpt-2");
  const llama_vocab* vocab = llama_model_get_vocab(model.get());
  const auto vocabulary = pieces_of(vocab);
  std::mt19937 numbers(11);
  std::normal_distribution<float> normal(0.0f, 3.0f);
  for (const auto& [temperature, top_k, top_p, min_p] :
       {std::tuple{0.0f, 0, 1.0f, 0.0f}, std::tuple{1.5f, 0, 1.0f, 0.0f},
        std::tuple{1.0f, 40, 0.9f, 0.05f}, std::tuple{1.0f, 0, 0.8f, 0.0f},
        std::tuple{1.0f, 0, 1.0f, 0.2f}}) {
    SamplingParams params;
    params.temperature = temperature;
    params.top_k = top_k;
    params.top_p = top_p;
    params.min_p = min_p;
    params.seed = 3;
    Sampler sampler(vocabulary->size(), {}, params, 4096);
    const auto grammar =
        Grammar::compile("root ::= [0-9]{4} \"-\" [a-f]{3,9} \"!\"", kGivenGrammar);
    sampler.constrain(std::make_unique<Constraint>(grammar, vocabulary, GrammarSpec()));
    std::string text;
    bool has_ended = false;
    for (int32_t length = 0; length < 40 && !has_ended; ++length) {
      std::vector<float> row;
      for (int32_t i = 0; i < vocabulary->size(); ++i) row.push_back(normal(numbers));
      const int32_t token = sampler.sample(row.data());
      has_ended = vocabulary->ends_generation(token);
      text += vocabulary->piece(token);
    }
    CHECK(has_ended);
    GrammarMatcher whole(grammar);
    CHECK(whole.accept(text) && whole.can_end());
  }
}

TEST("grammar: forced tokens that are refused are dropped, and the others stand") {
  const ModelPtr model = load_vocabulary("gpt-2");
  const llama_vocab* vocab = llama_model_get_vocab(model.get());
  const auto vocabulary = pieces_of(vocab);
  const std::map<std::string, int32_t> token_of = tokens_of(*vocabulary);
  SamplingParams params;
  params.temperature = 0.0f;
  Sampler sampler(vocabulary->size(), {}, params, 4096);
  const auto grammar = Grammar::compile("root ::= \"ab\" \"c\"* \"!\"", kGivenGrammar);
  sampler.constrain(std::make_unique<Constraint>(grammar, vocabulary, GrammarSpec()));
  std::vector<float> row(size_t(vocabulary->size()), 0.0f);
  row[size_t(token_of.at("c"))] = 1.0f;
  sampler.force({token_of.at("a"), token_of.at("b"), token_of.at("x"), token_of.at("!")});
  CHECK_EQ(sampler.sample(row.data()), token_of.at("a"));
  CHECK_EQ(sampler.sample(row.data()), token_of.at("b"));
  CHECK(sampler.is_forcing());
  CHECK_EQ(sampler.sample(row.data()), token_of.at("c"));
  CHECK(!sampler.is_forcing());
  sampler.force({token_of.at("!")});
  CHECK_EQ(sampler.sample(row.data()), token_of.at("!"));
}

// The token that is right: the first choice if it is allowed, else the choice among what is.
void check_choices(SamplingParams params) {
  const ModelPtr model = load_vocabulary("gpt-2");
  const auto vocabulary = pieces_of(llama_model_get_vocab(model.get()));
  const auto grammar = Grammar::compile("root ::= ([a-z ]{0,40} [0-9])*", kGivenGrammar);
  std::mt19937 numbers(7);
  std::normal_distribution<float> logit(0.0f, 4.0f);
  Sampler constrained(vocabulary->size(), {}, params, 4096);
  Sampler free(vocabulary->size(), {}, params, 4096);
  constrained.constrain(std::make_unique<Constraint>(grammar, vocabulary, GrammarSpec()));
  Constraint rules(grammar, vocabulary, GrammarSpec());
  int32_t nearby = 0;
  for (int32_t row = 0; row < 200; ++row) {
    std::vector<float> logits(size_t(vocabulary->size()));
    for (float& value : logits) value = logit(numbers);
    std::vector<float> masked(logits.size(), -INFINITY);
    int32_t first = free.sample(logits.data());
    if (!rules.allows(first)) {
      nearby += !rules.knows_allowed();
      rules.copy_allowed(logits.data(), masked.data());
      first = free.sample(masked.data());
    }
    CHECK_EQ(constrained.sample(logits.data()), first);
    rules.accept(first);
  }
  CHECK(nearby > 20);
}

TEST("grammar: the token found among the likeliest is the likeliest of the allowed") {
  SamplingParams params;
  params.seed = 3;
  for (float temperature : {0.0f, 1.5f}) {
    for (int32_t top_k : {1, 5, 40, 200}) {
      params.temperature = temperature;
      params.top_k = top_k;
      check_choices(params);
    }
  }
}

TEST("grammar: tokens that are drawn again keep their shares") {
  const ModelPtr model = load_vocabulary("gpt-2");
  const auto vocabulary = pieces_of(llama_model_get_vocab(model.get()));
  std::vector<float> logits(size_t(vocabulary->size()), -100.0f);
  int32_t likely = -1, rare = -1;
  for (int32_t token = 0; token < vocabulary->size(); ++token) {
    const std::string piece(vocabulary->piece(token));
    if (piece == "a") logits[size_t(likely = token)] = 2.0f;
    if (piece == "b") logits[size_t(rare = token)] = 1.0f;
    if (piece == "!") logits[size_t(token)] = 2.5f;
  }
  const auto grammar = Grammar::compile("root ::= [ab] \"!\"", kGivenGrammar);
  std::map<int32_t, int32_t> times;
  SamplingParams params;
  for (params.seed = 0; params.seed < 4000; ++params.seed) {
    Sampler sampler(vocabulary->size(), {}, params, 64);
    sampler.constrain(std::make_unique<Constraint>(grammar, vocabulary, GrammarSpec()));
    ++times[sampler.sample(logits.data())];
  }
  CHECK_EQ(times[likely] + times[rare], 4000);
  CHECK(std::abs(times[likely] / 4000.0 - 1.0 / (1.0 + std::exp(-1.0))) < 0.03);
}

TEST("grammar: no token begins a lazy grammar while calls are held, forced or chosen") {
  const ModelPtr model = load_vocabulary("gpt-2");
  const auto vocabulary = pieces_of(llama_model_get_vocab(model.get()));
  const std::map<std::string, int32_t> token_of = tokens_of(*vocabulary);
  SamplingParams params;
  params.temperature = 0.0f;
  Sampler sampler(vocabulary->size(), {}, params, 4096);
  GrammarSpec spec;
  spec.is_lazy = true;
  spec.triggers = {"ab"};
  const auto grammar = Grammar::compile("root ::= \"ab\" \"!\"", kGivenGrammar);
  sampler.constrain(std::make_unique<Constraint>(grammar, vocabulary, spec));
  const auto sample = [&](const char* likeliest) {
    std::vector<float> row(size_t(vocabulary->size()), 0.0f);
    row[size_t(token_of.at(likeliest))] = 1.0f;
    return sampler.sample(row.data());
  };
  sampler.suppress_calls(true);
  sampler.force({token_of.at("a"), token_of.at("b"), token_of.at("x")});
  for (const char* forced : {"a", "b", "x"}) CHECK_EQ(sample("c"), token_of.at(forced));
  for (const char* chosen : {"a", "b", "c"}) CHECK_EQ(sample(chosen), token_of.at(chosen));
  sampler.suppress_calls(false);
  for (const char* chosen : {"c", "a", "b"}) CHECK_EQ(sample(chosen), token_of.at(chosen));
  CHECK_EQ(sample("c"), token_of.at("!"));
}
