#pragma once

#include <cstdint>
#include <memory>
#include <variant>

#include "engine/batch/sequence.h"
#include "engine/request/embedding-request.h"
#include "engine/request/request.h"

namespace sluice {

// The messages to the engine's loop, and who sends them.
struct Prepared {  // the Preparer: this one may queue for a slot
  std::unique_ptr<Sequence> sequence;
};
struct PreparedEmbedding {  // the Preparer of an engine that embeds
  std::unique_ptr<EmbeddingJob> job;
};
struct Credit {  // JavaScript: the reader took so many tokens
  RequestId id;
  int32_t tokens;
};
struct Cancel {};  // JavaScript: some request's `cancelled` was set

using EngineMessage = std::variant<Prepared, PreparedEmbedding, Credit, Cancel>;

}  // namespace sluice
