#pragma once

#include <functional>
#include <optional>
#include <string>

#include "llama/chat-message.h"
#include "llama/message-order.h"

namespace sluice {

// Renders a conversation; nothing where the template refuses it.
using RenderChat = std::function<std::optional<std::string>(const ChatPrompt&)>;

// Finds out what a template takes: each shape of conversation is tried, with words in it that are
// looked for in what comes of it. Some 40 small conversations.
TemplateTakes what_it_takes(const RenderChat& render);

// With thoughts, a call and its answer. llama.cpp changes the messages of some templates on its
// way, which shows here.
ChatPrompt conversation_of_all_shapes();

}  // namespace sluice
