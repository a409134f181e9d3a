#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "llama/chat/reasoning-marks.h"

namespace sluice {

class ChatTemplate;
class Model;

// The tokens that end reasoning: a last message of it, which may be empty, and the mark. Nothing
// where the vocabulary cannot write them, one of them ends the reply, or the message has the mark
// in it. `visible_specials` are control tokens whose names are part of the reply's text. Throws as
// Model::tokenize does.
std::optional<std::vector<int32_t>> reasoning_end(const Model& model, const ReasoningMarks& marks,
                                                  const std::vector<int32_t>& visible_specials,
                                                  std::vector<int32_t> message);

// What the reasoning of a chat ends with, the usual end first; empty where the template has none
// that the vocabulary can write. `given_up` ends the look.
std::vector<std::string> reasoning_ends(const Model& model, const ChatTemplate& chat_template,
                                        const std::function<bool()>& given_up);

}  // namespace sluice
