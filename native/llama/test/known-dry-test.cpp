#include "llama/known-dry.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "llama.h"
#include "llama/runtime/runtime.h"
#include "llama/sampler.h"
#include "test/check.h"

using sluice::KnownDry;
using sluice::Sampler;
using sluice::SamplingParams;

namespace {

constexpr int32_t kContext = 4096;

using ModelPtr = std::unique_ptr<llama_model, decltype(&llama_model_free)>;

ModelPtr load_vocabulary() {
  sluice::start_runtime();
  llama_model_params params = llama_model_default_params();
  params.vocab_only = true;
  const char* path = SLUICE_LLAMA_CPP_DIR "/models/ggml-vocab-gpt-2.gguf";
  ModelPtr model(llama_model_load_from_file(path, params), llama_model_free);
  CHECK(model != nullptr);
  return model;
}

SamplingParams dry_params() {
  SamplingParams params;
  params.dry_multiplier = 5.0f;
  params.dry_sequence_breakers = {"\n", ":"};
  return params;
}

int32_t token_of(const llama_model* model, const std::string& text) {
  int32_t token = -1;
  const llama_vocab* vocab = llama_model_get_vocab(model);
  CHECK_EQ(llama_tokenize(vocab, text.data(), int32_t(text.size()), &token, 1, false, false), 1);
  return token;
}

// What a reply says that would write the token again and again.
std::vector<int32_t> said(const llama_model* model, std::shared_ptr<const llama_sampler> dry,
                          const SamplingParams& params, int32_t likely) {
  const int32_t vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(model));
  Sampler sampler(vocabulary, {}, params, kContext, std::move(dry));
  std::vector<float> row(size_t(vocabulary), 0.0f);
  row[size_t(likely)] = 30.0f;
  std::vector<int32_t> tokens;
  for (int32_t i = 0; i < 12; ++i) tokens.push_back(sampler.sample(row.data()));
  return tokens;
}

}  // namespace

TEST("known dry: a request that asks for the same as the last one does not make it again") {
  const ModelPtr model = load_vocabulary();
  KnownDry known;
  const auto first = known.of(model.get(), dry_params(), kContext, "");
  CHECK(first != nullptr);
  SamplingParams params = dry_params();
  params.seed = 7;
  params.temperature = 0.5f;
  CHECK(known.of(model.get(), params, kContext, "") == first);
  params.dry_multiplier = 0.0f;
  CHECK(known.of(model.get(), params, kContext, "") == nullptr);
  CHECK(known.of(model.get(), dry_params(), kContext, "") == first);
}

TEST("known dry: one that asks for another one, or has another salt, makes it") {
  const ModelPtr model = load_vocabulary();
  const std::vector<std::function<void(SamplingParams&)>> changes = {
      [](SamplingParams& params) { params.dry_multiplier = 4.0f; },
      [](SamplingParams& params) { params.dry_base = 2.0f; },
      [](SamplingParams& params) { params.dry_allowed_length = 3; },
      [](SamplingParams& params) { params.dry_penalty_last_n = 65; },
      [](SamplingParams& params) { params.dry_sequence_breakers = {"\n"}; },
      [](SamplingParams& params) { params.dry_sequence_breakers = {}; }};
  for (const auto& change : changes) {
    KnownDry known;
    const auto first = known.of(model.get(), dry_params(), kContext, "");
    SamplingParams params = dry_params();
    change(params);
    const auto other = known.of(model.get(), params, kContext, "");
    CHECK(other != first);
    CHECK(known.of(model.get(), params, kContext, "") == other);
    CHECK(known.of(model.get(), dry_params(), kContext, "") != other);
  }
  KnownDry known;
  const auto first = known.of(model.get(), dry_params(), kContext, "a");
  CHECK(known.of(model.get(), dry_params(), kContext, "b") != first);
}

TEST("known dry: to look back on more than the context is to look back on all of it") {
  const ModelPtr model = load_vocabulary();
  KnownDry known;
  SamplingParams params = dry_params();
  params.dry_penalty_last_n = -1;
  const auto all = known.of(model.get(), params, kContext, "");
  params.dry_penalty_last_n = kContext + 1;
  CHECK(known.of(model.get(), params, kContext, "") == all);
  CHECK(known.of(model.get(), params, kContext + 1, "") != all);
}

TEST("known dry: requests that share it say what each says alone, and its breakers hold") {
  const ModelPtr model = load_vocabulary();
  const SamplingParams params = dry_params();
  const int32_t word = token_of(model.get(), "x"), breaker = token_of(model.get(), ":");
  const std::vector<int32_t> alone =
      said(model.get(), KnownDry().of(model.get(), params, kContext, ""), params, word);
  CHECK(alone != std::vector<int32_t>(12, word));
  KnownDry known;
  for (int32_t request = 0; request < 3; ++request) {
    CHECK(said(model.get(), known.of(model.get(), params, kContext, ""), params, word) == alone);
    CHECK(said(model.get(), known.of(model.get(), params, kContext, ""), params, breaker) ==
          std::vector<int32_t>(12, breaker));
  }
}
