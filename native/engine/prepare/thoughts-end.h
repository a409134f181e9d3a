#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "llama/chat/thought-marks.h"

namespace sluice {

class Model;

// The tokens that end thoughts with a last message in them, which may be empty. Nothing where the
// vocabulary cannot write that, or one of them ends the reply, or the message ends the thoughts.
// `spoken` are control tokens whose names are part of the reply's text. Throws as Model::tokenize
// does.
std::optional<std::vector<int32_t>> thoughts_end(const Model& model, const ThoughtMarks& marks,
                                                 const std::vector<int32_t>& spoken,
                                                 std::vector<int32_t> message);

}  // namespace sluice
