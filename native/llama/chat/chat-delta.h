#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

// What was added to one tool call. Id and name come once, whole, with its first delta.
struct ToolCallDelta {
  int32_t index;
  std::string id, name;
  std::string arguments;
};

// What was added to a reply.
struct ChatDelta {
  static constexpr size_t kNone = size_t(-1);

  std::string content, reasoning;
  std::vector<ToolCallDelta> tool_calls;
  // Where in `content` its last piece begins, if that is a new one: thoughts or calls stand before.
  size_t piece_begin = kNone;
  // Bytes of the reply's text behind all of its content so far.
  size_t text_behind = 0;
  // That text is no thought and no call, as far as is known: it may be content yet.
  bool content_is_last = false;

  bool empty() const { return content.empty() && reasoning.empty() && tool_calls.empty(); }
};

}  // namespace sluice
