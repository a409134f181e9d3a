#include "llama/template/templated-chats.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr size_t kBytesMax = size_t(64) << 20;
// A parser takes about so many bytes for each character of its text.
constexpr size_t kParserBytes = 6;

}  // namespace

std::string TemplatedChats::key_of(const ChatPrompt& chat, const std::string& generation_prompt) {
  std::string key = std::to_string(int(chat.tool_choice)) + (chat.parallel_tool_calls ? "p" : "") +
                    (chat.wants_reasoning ? "t" : "") + (chat.continues ? "c" : "") +
                    (chat.has_form ? "f" : "");
  const auto add = [&key](const std::string& text) {
    key += std::to_string(text.size()) + ":" + text;
  };
  add(chat.reasoning_effort);
  add(generation_prompt);
  for (const TemplateArgument& argument : chat.arguments) {
    add(argument.name);
    add(argument.value);
  }
  for (const ChatTool& tool : chat.tools) {
    add(tool.name);
    add(tool.root);
    key += std::to_string(tool.rules.size());
    for (const ChatToolProperty& one : tool.properties) {
      for (const std::string* text : {&one.name, &one.kind, &one.json, &one.text}) add(*text);
      key += one.is_required ? "!" : "?";
    }
  }
  return key;
}

std::optional<TemplatedChat> TemplatedChats::find(const std::string& key) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto known = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& one) { return one.key == key; });
  if (known == entries_.end()) return std::nullopt;
  entries_.splice(entries_.begin(), entries_, known);
  return entries_.front().chat;
}

void TemplatedChats::add(std::string key, TemplatedChat chat, size_t parser_characters) {
  const size_t bytes = key.size() + parser_characters * kParserBytes +
                       (chat.grammar ? chat.grammar->text.size() : 0);
  const std::lock_guard<std::mutex> lock(mutex_);
  entries_.push_front({std::move(key), std::move(chat), bytes});
  bytes_ += bytes;
  while (bytes_ > kBytesMax && entries_.size() > 1) {
    bytes_ -= entries_.back().bytes;
    entries_.pop_back();
  }
}

}  // namespace sluice
