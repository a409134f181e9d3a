#include "engine/embed/embedding-inputs.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "base/fault.h"

namespace sluice {
namespace {

FaultError too_long(const char* how_many, int64_t tokens, int32_t tokens_max) {
  const int32_t count = int32_t(std::min<int64_t>(tokens, std::numeric_limits<int32_t>::max()));
  return FaultError({FaultCode::context_length,
                     std::string("the input has ") + how_many + std::to_string(count) +
                         " tokens, and this engine embeds at most " + std::to_string(tokens_max) +
                         "; shorten or split it, or raise the context as far as the model allows",
                     count, tokens_max});
}

std::vector<int32_t> tokens_of(const Model& model, int32_t tokens_max,
                               const EmbeddingRequest::Input& input) {
  if (const auto* ids = std::get_if<std::vector<int32_t>>(&input)) return *ids;
  // What cannot fit, however it is tokenized, need not be.
  const auto check_bytes = [&](size_t bytes) {
    const int64_t tokens_min = model.tokens_min(bytes);
    if (tokens_min > tokens_max) throw too_long("at least ", tokens_min, tokens_max);
  };
  if (const auto* pair = std::get_if<RankedPair>(&input)) {
    check_bytes(pair->query.size() + pair->document.size());
    return model.ranked_pair(pair->query, pair->document);
  }
  const std::string& text = std::get<std::string>(input);
  check_bytes(text.size());
  return model.tokenize(text, true, true);
}

void check(const Model& model, int32_t tokens_max, const std::vector<int32_t>& tokens) {
  if (tokens.empty()) {
    throw FaultError(FaultCode::invalid_request,
                     "the input has no tokens; expected at least one, so give it some text");
  }
  if (int64_t(tokens.size()) > tokens_max) throw too_long("", int64_t(tokens.size()), tokens_max);
  for (int32_t token : tokens) {
    if (token >= 0 && token < model.vocabulary()) continue;
    throw FaultError(FaultCode::invalid_request, "token " + std::to_string(token) +
                                                     " is not in the vocabulary; expected 0 to " +
                                                     std::to_string(model.vocabulary() - 1));
  }
}

}  // namespace

std::unique_ptr<EmbeddingJob> tokenize_inputs(const Model& model, int32_t tokens_max,
                                              std::shared_ptr<EmbeddingRequest> request) {
  auto job = std::make_unique<EmbeddingJob>();
  for (size_t i = 0; i < request->inputs.size(); ++i) {
    if (request->cancelled) return nullptr;
    try {
      std::vector<int32_t> tokens = tokens_of(model, tokens_max, request->inputs[i]);
      check(model, tokens_max, tokens);
      job->prompt_tokens += int32_t(tokens.size());
      job->inputs.push_back(std::move(tokens));
    } catch (const FaultError& error) {
      Fault fault = error.fault;
      if (request->inputs.size() > 1) fault.input = int32_t(i);
      throw FaultError(std::move(fault));
    }
  }
  job->request = std::move(request);
  return job;
}

}  // namespace sluice
