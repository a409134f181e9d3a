#include "llama/template/template-inputs.h"

#include <algorithm>
#include <iterator>

#include "chat.h"
#include "llama.h"
#include "llama/chat/tools-fallback.h"
#include "llama/template/message-order.h"

namespace sluice {
namespace {

common_chat_tool_choice choice_of(ToolChoice choice) {
  switch (choice) {
    case ToolChoice::none: return COMMON_CHAT_TOOL_CHOICE_NONE;
    case ToolChoice::required: return COMMON_CHAT_TOOL_CHOICE_REQUIRED;
    case ToolChoice::automatic: break;
  }
  return COMMON_CHAT_TOOL_CHOICE_AUTO;
}

// The text that describes the tools to the model, for templates that do not print them.
std::string description_of(const std::vector<ChatTool>& tools) {
  std::string text = "You can call these functions; each line is one:";
  for (const ChatTool& tool : tools) {
    common_json entry = {{"name", tool.name}};
    if (!tool.description.empty()) entry["description"] = tool.description;
    entry["parameters"] = common_json::parse(tool.parameters);
    text += "\n" + entry.dump();
  }
  return text;
}

// Appends a paragraph to the last of the system messages that the conversation begins with; makes
// one where there is none.
template <typename Message>
void append_to_system(std::vector<Message>& messages, const std::string& text) {
  const auto is_other = [](const Message& message) { return message.role != "system"; };
  auto behind = std::find_if(messages.begin(), messages.end(), is_other);
  if (behind == messages.begin()) {
    Message system{};
    system.role = "system";
    behind = messages.insert(behind, std::move(system)) + 1;
  }
  std::string& content = std::prev(behind)->content;
  content += (content.empty() ? "" : "\n\n") + text;
}

}  // namespace

common_chat_msg message_of(const ChatMessage& message) {
  common_chat_msg entry;
  entry.role = message.role;
  entry.content = message.content;
  entry.reasoning_content = message.reasoning;
  entry.tool_name = message.name;
  entry.tool_call_id = message.tool_call_id;
  for (const ChatToolCall& call : message.tool_calls) {
    entry.tool_calls.push_back({call.name, call.arguments, call.id});
  }
  return entry;
}

common_chat_templates_inputs inputs_of(const ChatPrompt& chat,
                                       const std::vector<ChatMessage>& messages,
                                       const llama_vocab* vocab) {
  common_chat_templates_inputs inputs;
  for (const ChatMessage& message : messages) inputs.messages.push_back(message_of(message));
  for (const ChatTool& tool : chat.tools) {
    inputs.tools.push_back({tool.name, tool.description, tool.parameters});
  }
  inputs.tool_choice = choice_of(chat.tool_choice);
  inputs.parallel_tool_calls = chat.parallel_tool_calls;
  inputs.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
  inputs.enable_thinking = chat.wants_reasoning;
  for (const TemplateArgument& argument : chat.arguments) {
    inputs.chat_template_kwargs[argument.name] = argument.value;
  }
  if (!chat.reasoning_effort.empty()) {
    inputs.chat_template_kwargs["reasoning_effort"] = common_json(chat.reasoning_effort).dump();
  }
  if (chat.continues) {
    inputs.continue_final_message = COMMON_CHAT_CONTINUATION_AUTO;
    inputs.add_generation_prompt = false;
  }
  inputs.add_bos = llama_vocab_get_add_bos(vocab);
  inputs.add_eos = llama_vocab_get_add_eos(vocab);
  return inputs;
}

void describe_tools(common_chat_templates_inputs& inputs, const std::vector<ChatTool>& tools) {
  append_to_system(inputs.messages, description_of(tools));
}

ChatPrompt with_tools_as_text(const ChatPrompt& chat) {
  ChatPrompt told;  // without the tools, whose grammars may be large
  static_cast<ChatOptions&>(told) = chat;
  told.messages = with_calls_as_text(chat.messages);
  if (!chat.tools.empty()) {
    append_to_system(told.messages, description_of(chat.tools) + "\n\n" +
                                        fallback_instructions(chat.parallel_tool_calls));
  }
  // Replies that may call have it in their own format.
  if (chat.may_call()) told.has_form = false;
  return told;
}

}  // namespace sluice
