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
  std::string reasoning;                 // of an assistant, before its content
  std::string name;                      // of the tool whose answer it is
  std::string tool_call_id;              // the call that a tool answers
  std::vector<ChatToolCall> tool_calls;  // an assistant's
};

// An argument of a tool, where a template writes each by itself.
struct ChatToolProperty {
  std::string name;
  bool is_required = false;
  std::string kind;        // a JSON schema of the value's types alone
  std::string json, text;  // rules of a value in JSON, and of one that is bare text; empty is any
};

struct ChatTool {
  std::string name, description;
  std::string parameters;  // a JSON schema, for the template
  std::string rules;       // GBNF of what its calls must be
  std::string root;        // the rule of all arguments; empty is none
  std::vector<ChatToolProperty> properties;
  std::string place{};      // in the request, for errors
  bool is_callable = true;  // if false it is shown to the model but cannot be called
};

// How a template writes calls: their arguments as one JSON object, each between tags of its own, in
// Gemma 4's form, in a form that cannot follow a schema, or not at all.
enum class CallFormat { none, other, json, tagged, gemma };

enum class ToolChoice { none, automatic, required };

// A variable that a template gets beside the conversation.
struct TemplateArgument {
  std::string name;
  std::string value;  // JSON
};

// What the next reply of a conversation may be.
struct ChatOptions {
  ToolChoice tool_choice = ToolChoice::automatic;
  bool parallel_tool_calls = true;
  bool wants_reasoning = true;    // for templates that have a switch
  std::string reasoning_effort;   // for templates that know it; empty is the template's own
  int32_t reasoning_budget = -1;  // tokens of reasoning; -1 is no limit
  std::vector<TemplateArgument> arguments;
  std::string reasoning_budget_message;  // the end of reasoning that has used up its budget
  bool has_form = false;                 // the reply's content keeps to the request's grammar
  bool continues = false;                // the reply goes on with the last message, an assistant's
};

struct ChatPrompt : ChatOptions {
  std::vector<ChatMessage> messages;
  std::vector<ChatTool> tools;

  bool may_call() const { return !tools.empty() && tool_choice != ToolChoice::none; }
};

}  // namespace sluice
