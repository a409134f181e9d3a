#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "llama/chat/reasoning-marks.h"

namespace sluice {

class Model;

// The tokens that end reasoning: a last message of it, which may be empty, and the mark. Nothing
// where the vocabulary cannot write them, one of them ends the reply, or the message has the mark
// in it. `visible_specials` are control tokens whose names are part of the reply's text. Throws as
// Model::tokenize does.
std::optional<std::vector<int32_t>> reasoning_end(const Model& model, const ReasoningMarks& marks,
                                                  const std::vector<int32_t>& visible_specials,
                                                  std::vector<int32_t> message);

}  // namespace sluice
