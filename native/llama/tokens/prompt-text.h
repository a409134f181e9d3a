#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sluice {

// Bytes of a text, without the last.
struct TextRange {
  size_t begin, end;
};

// A prompt that a chat template made, and the places in it that are what somebody said: there the
// name of a control token is text.
struct PromptText {
  std::string text;
  std::vector<TextRange> said;  // in order, none of them empty, none touching another

  void append(const std::string& more, bool is_said);
  void append(const PromptText& more);
  // Whether some byte of a range is what somebody said.
  bool is_said_in(size_t begin, size_t end) const;
};

}  // namespace sluice
