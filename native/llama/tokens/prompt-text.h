#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sluice {

// A tokenization cannot be interrupted, and takes up to 2 s a MiB.
constexpr size_t kTextBytesMax = size_t(8) << 20;

// Bytes of a text, without the last.
struct TextRange {
  size_t begin, end;
};

// A prompt that a chat template made, and the ranges of it that are content: what came from the
// request and not from the template. In content, the name of a control token is text.
struct PromptText {
  std::string text;
  std::vector<TextRange> content;  // in order, none of them empty, none touching another

  void append(const std::string& more, bool is_content);
  void append(const PromptText& more);
  // These bytes of it, and which of them are content.
  PromptText part(size_t begin, size_t end) const;
  // Whether some byte of a range is content.
  bool has_content_in(size_t begin, size_t end) const;
};

}  // namespace sluice
