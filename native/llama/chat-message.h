#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

struct ChatToolCall {
  std::string id, name;
  std::string arguments;  // JSON
};

struct ChatMessage {
  std::string role, content;
  std::string reasoning;                 // an assistant's thoughts before it spoke
  std::string name;                      // of the tool that speaks
  std::string tool_call_id;              // the call that a tool answers
  std::vector<ChatToolCall> tool_calls;  // an assistant's
};

struct ChatTool {
  std::string name, description;
  std::string parameters;  // a JSON schema
};

enum class ToolChoice { none, automatic, required };

// A conversation, and what its next reply may be.
struct ChatPrompt {
  std::vector<ChatMessage> messages;
  std::vector<ChatTool> tools;
  ToolChoice tool_choice = ToolChoice::automatic;
  bool parallel_tool_calls = true;
  bool thinking = true;                  // where the template lets one choose
  std::string reasoning_effort;          // for templates that know it; empty is the template's own
  int32_t reasoning_budget = -1;         // tokens that it may think; -1 is as many as it likes
  std::string reasoning_budget_message;  // what thoughts are ended with that have had them
  bool continues = false;                // the reply goes on with the last message, an assistant's
};

}  // namespace sluice
