#pragma once

#include <cstdint>
#include <memory>

#include "engine/request/embedding-request.h"
#include "llama/model.h"

namespace sluice {

// The tokens of a request's inputs. Null when it was cancelled meanwhile: thousands of inputs take
// a while. Throws FaultError, with the input's index where there are several: context_length for
// one of more than `tokens_max` tokens, invalid_request for one that has none or is not of this
// vocabulary.
std::unique_ptr<EmbeddingJob> tokenize_inputs(const Model& model, int32_t tokens_max,
                                              std::shared_ptr<EmbeddingRequest> request);

}  // namespace sluice
