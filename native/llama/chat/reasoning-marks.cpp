#include "llama/chat/reasoning-marks.h"

#include <algorithm>
#include <exception>

#include "chat-peg-parser.h"
#include "llama/chat/chat-format.h"

namespace sluice {
namespace {

// Whether the last byte of a reply is reasoning. Where llama.cpp throws, it is not.
bool ends_in_reasoning(const ChatFormat& format, const std::string& reply) {
  const std::string text = format.generation_prompt() + reply;
  bool is_reasoning = false;
  try {
    common_peg_parse_context context(text, COMMON_PEG_PARSE_FLAG_LENIENT);
    const common_peg_parse_result result = format.parser().parse(context);
    if (result.fail()) return false;
    context.ast.visit(result, [&](const common_peg_ast_node& node) {
      const bool has_tag = node.tag == common_chat_peg_builder::REASONING;
      is_reasoning = is_reasoning || (has_tag && node.start < node.end && node.end == text.size());
    });
  } catch (const std::exception&) {
    return false;
  }
  return is_reasoning;
}

bool reasons_after(const ChatFormat& format, const std::string& reply) {
  return ends_in_reasoning(format, reply + "x");
}

// The prompt's end, as long as the longest mark: the beginning of a mark in the prompt is in it.
std::string tail_of(const std::string& prompt, const std::vector<std::string>& marks) {
  size_t longest = 0;
  for (const std::string& mark : marks) longest = std::max(longest, mark.size());
  return prompt.substr(prompt.size() - std::min(prompt.size(), longest));
}

}  // namespace

std::optional<ReasoningMarks> reasoning_marks(const ChatFormat& format) {
  ReasoningMarks marks;
  marks.start = format.reasoning_start();
  marks.is_open = reasons_after(format, "");
  const std::string begun = marks.is_open ? "" : marks.start;
  if (!marks.is_open && !reasons_after(format, begun)) return std::nullopt;
  // llama.cpp lists the beginning of a call as an end even where there are no tools to call.
  for (const std::string& end : format.reasoning_ends()) {
    const bool is_mark = !end.empty() && !ends_in_reasoning(format, begun + "x" + end);
    if (is_mark) marks.ends.push_back(end);
  }
  if (marks.ends.empty()) return std::nullopt;
  if (marks.is_open) {
    marks.begun = tail_of(format.generation_prompt(), marks.ends);
  } else {
    marks.may_follow_blank = reasons_after(format, "\n" + marks.start);
  }
  const std::string reasoning = begun + "x" + marks.ends.front();
  // Where each piece of reasoning is a message of its own, the next one begins as the first did.
  marks.may_begin_anywhere =
      reasons_after(format, reasoning + marks.start) ||
      reasons_after(format, reasoning + format.generation_prompt() + marks.start);
  return marks;
}

}  // namespace sluice
