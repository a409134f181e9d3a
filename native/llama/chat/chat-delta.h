#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

// What was added to one tool call. Id and name come once, whole, with its first delta.
struct ToolCallDelta {
  int32_t index;
  std::string id, name;
  std::string arguments;
};

// A piece of a reply, of one kind: text, reasoning, or tool calls. Only one of them is filled, so
// the order of the pieces is the order in which the model wrote them.
struct ReplyPiece {
  enum class Kind { none, text, reasoning, tool_calls };

  std::string text;
  std::string reasoning;
  std::vector<ToolCallDelta> tool_calls;

  Kind kind() const {
    if (!text.empty()) return Kind::text;
    if (!reasoning.empty()) return Kind::reasoning;
    return tool_calls.empty() ? Kind::none : Kind::tool_calls;
  }

  // Whether both can be one piece.
  bool joins(const ReplyPiece& next) const {
    return kind() == Kind::none || next.kind() == Kind::none || kind() == next.kind();
  }

  // Only where joins().
  void append(ReplyPiece&& next) {
    text.append(next.text);
    reasoning.append(next.reasoning);
    for (ToolCallDelta& delta : next.tool_calls) {
      const bool goes_on = !tool_calls.empty() && tool_calls.back().index == delta.index;
      if (goes_on) {
        tool_calls.back().arguments.append(delta.arguments);
      } else {
        tool_calls.push_back(std::move(delta));
      }
    }
  }
};

// What was added to a reply, in order.
struct ChatDelta {
  struct Piece : ReplyPiece {
    // Text that does not continue the text before it: no stop string spans both.
    bool is_apart = false;
  };

  std::vector<Piece> pieces;
  // Bytes of the reply's text behind all of its content so far.
  size_t text_behind = 0;
  // That text is no reasoning and no call, as far as is known: it may become content.
  bool content_is_last = false;
};

}  // namespace sluice
