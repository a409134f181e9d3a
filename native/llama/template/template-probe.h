#pragma once

#include <functional>
#include <optional>
#include <string>

#include "llama/chat/chat-message.h"
#include "llama/template/message-order.h"

namespace sluice {

// Renders a conversation; nothing where the template refuses it.
using RenderChat = std::function<std::optional<std::string>(const ChatPrompt&)>;

// Tries a template with a shape, in one to six small conversations, with words in them that are
// looked for in what comes of it.
bool takes_shape(const RenderChat& render, Shape shape);

// With thoughts, a call and its answer. llama.cpp changes the messages of some templates on its
// way, which shows here.
ChatPrompt conversation_of_all_kinds();

}  // namespace sluice
