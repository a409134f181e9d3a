#pragma once

#include <cstdint>
#include <memory>
#include <variant>

#include "engine/batch/sequence.h"
#include "engine/request/embedding-request.h"
#include "engine/request/request.h"

namespace sluice {

// What the engine's loop is told, and by whom.
struct Prepared {  // by the Preparer: this one may queue for a slot
  std::unique_ptr<Sequence> sequence;
};
struct PreparedEmbedding {  // by the Preparer of an engine that embeds
  std::unique_ptr<EmbeddingJob> job;
};
struct Credit {  // by JavaScript: the reader took so many tokens
  RequestId id;
  int32_t tokens;
};
struct Cancel {};  // by JavaScript: some request's `cancelled` was set

using EngineMessage = std::variant<Prepared, PreparedEmbedding, Credit, Cancel>;

}  // namespace sluice
