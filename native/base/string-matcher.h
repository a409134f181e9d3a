#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sluice {

// A text that is looked for byte by byte (Knuth, Morris and Pratt), and how much of it the last
// bytes match.
class StringMatcher {
 public:
  // A text of one byte or more.
  explicit StringMatcher(std::string text);

  // True where the byte completes the text. Then it is over, unless it is reset.
  bool feed(char byte);
  void reset() { matched_ = 0; }
  const std::string& text() const { return text_; }
  size_t matched() const { return matched_; }

 private:
  std::string text_;
  std::vector<size_t> fallback_;
  size_t matched_ = 0;
};

}  // namespace sluice
