#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "engine/request/request.h"

namespace sluice {

// What a reranker scores: how well the document answers the query.
struct RankedPair {
  std::string query, document;
};

// Texts that become a vector each. Made on the caller's thread and immutable from then on, as
// Request is. Shared by the Ledger, the Preparer and the EmbeddingJob.
struct EmbeddingRequest : Ticket {
  // A text as it stands, to which the model's special tokens are added; token ids, to which
  // nothing is; or two texts, with the marks that a reranker wants around them.
  using Input = std::variant<std::string, std::vector<int32_t>, RankedPair>;
  std::vector<Input> inputs;
};

// A request on its way through the Embedder. Made by the Preparer, then the engine's thread only.
struct EmbeddingJob {
  std::shared_ptr<EmbeddingRequest> request;
  std::vector<std::vector<int32_t>> inputs;
  int32_t prompt_tokens = 0;  // of all inputs
  int32_t computed = 0;       // inputs, from the first on
  std::vector<float> values;  // of those, one after the other
};

}  // namespace sluice
