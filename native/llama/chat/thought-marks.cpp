#include "llama/chat/thought-marks.h"

#include <algorithm>
#include <exception>

#include "chat-peg-parser.h"
#include "llama/chat/chat-format.h"

namespace sluice {
namespace {

// Whether the last byte of a reply is a thought's. What llama.cpp throws at it means no.
bool ends_in_thought(const ChatFormat& format, const std::string& reply) {
  const std::string text = format.generation_prompt() + reply;
  bool thinks = false;
  try {
    common_peg_parse_context context(text, COMMON_PEG_PARSE_FLAG_LENIENT);
    const common_peg_parse_result result = format.parser().parse(context);
    if (result.fail()) return false;
    context.ast.visit(result, [&](const common_peg_ast_node& node) {
      const bool is_thought = node.tag == common_chat_peg_builder::REASONING;
      thinks = thinks || (is_thought && node.start < node.end && node.end == text.size());
    });
  } catch (const std::exception&) {
    return false;
  }
  return thinks;
}

bool thinks_after(const ChatFormat& format, const std::string& reply) {
  return ends_in_thought(format, reply + "x");
}

// What the prompt has written already of a mark is no longer than this.
std::string tail_of(const std::string& prompt, const std::vector<std::string>& marks) {
  size_t longest = 0;
  for (const std::string& mark : marks) longest = std::max(longest, mark.size());
  return prompt.substr(prompt.size() - std::min(prompt.size(), longest));
}

}  // namespace

std::optional<ThoughtMarks> thought_marks(const ChatFormat& format) {
  ThoughtMarks marks;
  marks.start = format.thinking_start();
  marks.is_open = thinks_after(format, "");
  const std::string begun = marks.is_open ? "" : marks.start;
  if (!marks.is_open && !thinks_after(format, begun)) return std::nullopt;
  // The beginning of a call is named as an end even where there are no tools to call.
  for (const std::string& end : format.thinking_ends()) {
    const bool is_mark = !end.empty() && !ends_in_thought(format, begun + "x" + end);
    if (is_mark) marks.ends.push_back(end);
  }
  if (marks.ends.empty()) return std::nullopt;
  if (marks.is_open) {
    marks.begun = tail_of(format.generation_prompt(), marks.ends);
  } else {
    marks.may_follow_blank = thinks_after(format, "\n" + marks.start);
  }
  const std::string thought = begun + "x" + marks.ends.front();
  // Where each thought is a message of its own, another message begins as the first did.
  marks.may_begin_anywhere =
      thinks_after(format, thought + marks.start) ||
      thinks_after(format, thought + format.generation_prompt() + marks.start);
  return marks;
}

}  // namespace sluice
