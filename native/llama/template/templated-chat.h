#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "grammar/constraint.h"
#include "llama/chat/chat-message.h"
#include "llama/chat/reasoning-marks.h"
#include "llama/tokens/prompt-text.h"

struct common_chat_params;

namespace sluice {

class ChatFormat;
class Model;

// A conversation as a prompt, and how its reply is to be generated and read.
struct TemplatedChat {
  PromptText prompt;
  // The grammar of calls, and of what stands around a form; nothing where there is neither.
  std::optional<GrammarSpec> grammar;
  bool has_form = false;       // the grammar has a place for the request's: its rule `form`
  bool must_call = false;      // a call is required, even where a form is asked for
  std::string prefilled_text;  // the end of the prompt that the grammar covers
  std::vector<int32_t> visible_specials;  // control tokens whose names are part of the text
  std::vector<std::string> stops;
  std::shared_ptr<const ChatFormat> format;  // null: the text is the reply, as it stands
  std::optional<ReasoningMarks> reasoning;   // where the format has reasoning
};

// All of it but the prompt, from what llama.cpp made of the conversation. Throws where the format
// of the replies cannot be read.
TemplatedChat templated(const common_chat_params& params, const ChatPrompt& chat,
                        const Model& model);

}  // namespace sluice
