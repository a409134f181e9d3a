#include "engine/request/text-stream.h"

namespace sluice {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

}  // namespace

TextStream::TextStream(const std::vector<std::string>& stop_strings) : stops_(stop_strings) {}

void TextStream::append(std::string_view bytes) {
  if (stops_.is_idle()) return release(bytes);
  stops_.append(bytes);
  release(stops_.take());
}

void TextStream::go_on() {
  stops_.go_on();
  release(stops_.take());
}

void TextStream::finish() {
  stops_.let_go();
  release(stops_.take());
  if (!partial_.empty()) ready_.append(kReplacement);
  partial_.clear();
}

std::string TextStream::take() {
  std::string text;
  text.swap(ready_);
  return text;
}

void TextStream::release(std::string_view bytes) {
  for (const char byte : bytes) decode(static_cast<unsigned char>(byte));
  released_ += bytes.size();
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
