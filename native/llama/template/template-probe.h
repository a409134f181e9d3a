#pragma once

#include <functional>
#include <optional>
#include <string>

#include "llama/chat/chat-message.h"
#include "llama/template/message-order.h"

namespace sluice {

// Renders a conversation; nothing where the template refuses it.
using RenderChat = std::function<std::optional<std::string>(const ChatPrompt&)>;

// Tries whether a template takes a shape: renders one to six small conversations, and looks for
// their words in the prompts.
bool takes_shape(const RenderChat& render, Shape shape);

// A conversation with reasoning, a call and its answer. It shows whether llama.cpp changes messages
// before the template gets them, as it does for some templates.
ChatPrompt conversation_of_all_kinds();

}  // namespace sluice
