#pragma once

#include <vector>

#include "llama/chat/chat-message.h"

struct common_chat_msg;
struct common_chat_templates_inputs;
struct llama_vocab;

namespace sluice {

// What llama.cpp is told of a conversation before it renders it.

common_chat_msg message_of(const ChatMessage& message);

common_chat_templates_inputs inputs_of(const ChatPrompt& chat,
                                       const std::vector<ChatMessage>& messages,
                                       const llama_vocab* vocab);

// Tells the model of its tools at the end of the system message, where the template leaves that to
// whoever writes the prompt.
void describe_tools(common_chat_templates_inputs& inputs, const std::vector<ChatTool>& tools);

}  // namespace sluice
