#include "engine/text-stream.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

}  // namespace

TextStream::TextStream(const std::vector<std::string>& stop_strings) {
  for (const std::string& stop : stop_strings) {
    if (!stop.empty()) matchers_.emplace_back(stop);
  }
}

void TextStream::append(std::string_view bytes) {
  if (stopped()) return;
  for (char byte : bytes) {
    held_.push_back(byte);
    // Of two that end here the longer one began first, and wins.
    for (size_t i = 0; i < matchers_.size(); ++i) {
      if (!matchers_[i].feed(byte)) continue;
      const bool longer =
          !stopped() || matchers_[i].text().size() > matchers_[size_t(stop_index_)].text().size();
      if (longer) stop_index_ = static_cast<int>(i);
    }
    if (!stopped()) continue;
    release(matchers_[size_t(stop_index_)].text().size());
    held_.clear();
    return;
  }
  size_t held_back = 0;
  for (const StringMatcher& matcher : matchers_) held_back = std::max(held_back, matcher.matched());
  release(held_back);
}

void TextStream::finish() {
  release(0);
  if (!partial_.empty()) ready_.append(kReplacement);
  partial_.clear();
}

std::string TextStream::take() {
  std::string text;
  text.swap(ready_);
  return text;
}

std::string TextStream::stop_string() const {
  return stopped() ? matchers_[size_t(stop_index_)].text() : std::string();
}

void TextStream::release(size_t held_back) {
  const size_t free = held_.size() - held_back;
  for (size_t i = 0; i < free; ++i) decode(static_cast<unsigned char>(held_[i]));
  held_.erase(0, free);
  released_ += free;
}

// The WHATWG decoder: the longest beginning of a valid character counts as one U+FFFD.
void TextStream::decode(unsigned char byte) {
  if (!partial_.empty()) {
    if (byte >= next_low_ && byte <= next_high_) {
      partial_.push_back(static_cast<char>(byte));
      next_low_ = 0x80, next_high_ = 0xBF;
      if (partial_.size() < partial_length_) return;
      ready_.append(partial_);
      partial_.clear();
      return;
    }
    ready_.append(kReplacement);
    partial_.clear();
  }
  next_low_ = 0x80, next_high_ = 0xBF;
  if (byte < 0x80) {
    ready_.push_back(static_cast<char>(byte));
    return;
  }
  if (byte < 0xC2 || byte > 0xF4) {
    ready_.append(kReplacement);
    return;
  }
  partial_length_ = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
  // Overlong forms, surrogates and what lies beyond U+10FFFF show in the second byte.
  if (byte == 0xE0) next_low_ = 0xA0;
  if (byte == 0xED) next_high_ = 0x9F;
  if (byte == 0xF0) next_low_ = 0x90;
  if (byte == 0xF4) next_high_ = 0x8F;
  partial_.push_back(static_cast<char>(byte));
}

}  // namespace sluice
