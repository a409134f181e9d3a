#pragma once

#include <string>

#include "chat.h"
#include "llama/chat/chat-message.h"

namespace sluice {

// Tools for models whose chat template knows none: how such a model is told to call them, and how
// its calls are read. llama.cpp has no format for that any more.

// What stands behind the tools' descriptions in the system message.
std::string fallback_instructions(bool parallel_calls);

// A call as the model is told to write it; its arguments are an object's JSON.
std::string fallback_call(const std::string& name, const std::string& arguments);

// What llama.cpp made of the conversation without its tools, and with a parser of replies that may
// call `chat`'s tools, or their stand-ins (CallSites).
common_chat_params with_fallback_calls(common_chat_params params, const ChatPrompt& chat);

}  // namespace sluice
