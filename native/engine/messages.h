#pragma once

#include <cstdint>
#include <memory>
#include <variant>

#include "engine/request.h"
#include "engine/sequence.h"

namespace sluice {

// What the step loop is told, and by whom.
struct Prepared {  // by the Preparer: this one may queue for a place
  std::unique_ptr<Sequence> sequence;
};
struct Credit {  // by JavaScript: the reader took so many tokens
  RequestId id;
  int32_t tokens;
};
struct Cancel {};  // by JavaScript: some request's `cancelled` was set
struct Close {};   // by JavaScript: end the thread

using EngineMessage = std::variant<Prepared, Credit, Cancel, Close>;

}  // namespace sluice
