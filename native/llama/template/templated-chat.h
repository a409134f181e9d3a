#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "grammar/constraint.h"
#include "llama/chat/chat-message.h"
#include "llama/chat/thought-marks.h"
#include "llama/tokens/prompt-text.h"

struct common_chat_params;

namespace sluice {

class ChatFormat;
class Model;

// A conversation as the model reads it, and how its reply is to be made and read.
struct TemplatedChat {
  PromptText prompt;
  // What the reply must follow, where its format has calls.
  std::optional<GrammarSpec> grammar;
  bool has_form = false;               // the grammar has a place for the request's: its rule `form`
  bool must_call = false;              // whatever form is asked for
  std::string said;                    // of what the grammar is about, what the prompt ends with
  std::vector<int32_t> spoken_tokens;  // control tokens whose names are part of the text
  std::vector<std::string> stops;
  std::shared_ptr<const ChatFormat> format;  // null: the text is the reply, as it stands
  std::optional<ThoughtMarks> thoughts;      // where it tells them apart
};

// All of it but the prompt, of what llama.cpp made of the conversation. Throws where the format of
// the replies cannot be read.
TemplatedChat templated(const common_chat_params& params, const ChatPrompt& chat,
                        const Model& model);

}  // namespace sluice
