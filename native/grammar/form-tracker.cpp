#include "grammar/form-tracker.h"

namespace sluice {

void FormTracker::follow(GrammarMatcher& matcher, std::string_view bytes) {
  int32_t state = matcher.state();
  for (const char one : bytes) {
    const auto byte = static_cast<unsigned char>(one);
    if (missing_ == 0) {
      character_begin_ = position_;
      missing_ = byte < 0x80 ? 0 : byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
      character_ = missing_ == 0 ? byte : byte & (0x3Fu >> missing_);
    } else {
      --missing_;
      character_ = character_ << 6 | (byte & 0x3Fu);
    }
    ++position_;
    if (missing_ == 0) take(matcher.takers(state, character_), character_begin_);
    state = matcher.step(state, byte);
    if (state == GrammarMatcher::kDead) return;
  }
}

void FormTracker::take(GrammarMatcher::Takers takers, int64_t begin) {
  if (span_.end != FormSpan::kUnknown) return;
  const bool is_begun = span_.begin != FormSpan::kUnknown;
  const bool is_either = takers.form && takers.other;
  if (is_either && maybe_ == kNowhere) maybe_ = begin;
  if (!is_either) {
    const int64_t from = maybe_ == kNowhere ? begin : maybe_;
    if (!is_begun && takers.form) span_.begin = from < 0 ? 0 : from;
    if (is_begun && takers.other) span_.end = from;
    maybe_ = kNowhere;
  }
  span_.is_unsettled = maybe_ != kNowhere;
  span_.settled = span_.is_unsettled ? maybe_ : position_;
}

void FormTracker::begin_reply() {
  if (span_.begin != FormSpan::kUnknown) span_.begin = 0;
  span_.settled = 0;
  if (maybe_ != kNowhere) maybe_ = 0;
  position_ = 0;
}

}  // namespace sluice
