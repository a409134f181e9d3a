#pragma once

#include <vector>

#include "llama/chat/chat-message.h"

struct common_chat_msg;
struct common_chat_templates_inputs;
struct llama_vocab;

namespace sluice {

// The inputs that llama.cpp renders a conversation from.

common_chat_msg message_of(const ChatMessage& message);

common_chat_templates_inputs inputs_of(const ChatPrompt& chat,
                                       const std::vector<ChatMessage>& messages,
                                       const llama_vocab* vocab);

// Describes the tools at the end of the leading system messages, for templates that do not print
// them.
void describe_tools(common_chat_templates_inputs& inputs, const std::vector<ChatTool>& tools);

// The conversation for a template that knows no tools: they are described in the system message,
// with how to call them, and calls are text. Also where none may be called: a system message that
// changed between the turns of a conversation would lose what is cached of it.
ChatPrompt with_tools_as_text(const ChatPrompt& chat);

}  // namespace sluice
