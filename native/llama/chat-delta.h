#pragma once

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
  std::string content, reasoning;
  std::vector<ToolCallDelta> tool_calls;

  bool empty() const { return content.empty() && reasoning.empty() && tool_calls.empty(); }
};

}  // namespace sluice
