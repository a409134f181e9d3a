#include "base/string-matcher.h"

#include <utility>

namespace sluice {

StringMatcher::StringMatcher(std::string text) : text_(std::move(text)), fallback_(text_.size()) {
  for (size_t i = 1, length = 0; i < text_.size();) {
    if (text_[i] == text_[length]) {
      fallback_[i++] = ++length;
    } else if (length > 0) {
      length = fallback_[length - 1];
    } else {
      fallback_[i++] = 0;
    }
  }
}

bool StringMatcher::feed(char byte) {
  while (matched_ > 0 && text_[matched_] != byte) matched_ = fallback_[matched_ - 1];
  if (text_[matched_] == byte) ++matched_;
  return matched_ == text_.size();
}

}  // namespace sluice
