#include "llama/thought-marks.h"

#include <exception>

#include "chat-peg-parser.h"
#include "llama/chat-format.h"

namespace sluice {
namespace {

// Whether the next word of a reply would be a thought. What llama.cpp throws at it means no.
bool thinks_after(const ChatFormat& format, const std::string& reply) {
  const std::string text = format.generation_prompt() + reply + "x";
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

}  // namespace

std::optional<ThoughtMarks> thought_marks(const ChatFormat& format) {
  ThoughtMarks marks;
  marks.start = format.thinking_start();
  for (const std::string& end : format.thinking_ends()) {
    if (!end.empty()) marks.ends.push_back(end);
  }
  if (marks.ends.empty()) return std::nullopt;
  marks.is_open = thinks_after(format, "");
  const std::string begun = marks.is_open ? "" : marks.start;
  if (!thinks_after(format, begun)) return std::nullopt;
  const std::string thought = begun + "x" + marks.ends.front();
  // Where each thought is a message of its own, another message begins as the first did.
  marks.may_begin_anywhere =
      thinks_after(format, thought + marks.start) ||
      thinks_after(format, thought + format.generation_prompt() + marks.start);
  return marks;
}

}  // namespace sluice
