#include "engine/request/reasoning-tracker.h"

#include <algorithm>

namespace sluice {
namespace {

// A character that is cut lacks at most so many tokens. Without this limit, bytes that are no UTF-8
// could look like a cut character for ever.
constexpr int32_t kCharacterTokens = 3;

int32_t bytes_after(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0xC0 ? 0 : byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
}

bool continues_character(char byte) { return (byte & 0xC0) == 0x80; }

bool is_space(char byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }

}  // namespace

ReasoningTracker::ReasoningTracker(const ReasoningMarks& marks, int32_t budget)
    : budget_(budget),
      may_begin_anywhere_(marks.may_begin_anywhere),
      may_follow_blank_(marks.may_follow_blank),
      start_(marks.start),
      ends_(marks.ends.begin(), marks.ends.end()),
      is_open_(marks.is_open),
      may_begin_(!marks.start.empty() && (!marks.is_open || marks.may_begin_anywhere)) {
  size_t longest = 0;
  for (StringMatcher& end : ends_) {
    longest = std::max(longest, end.text().size());
    for (char byte : marks.begun) {
      if (end.feed(byte)) end.reset();
    }
  }
  unsettled_.reserve(longest + 1);
}

void ReasoningTracker::append(std::string_view piece) {
  // A token without text is no part of a mark.
  if (is_open_ && piece.empty()) ++tokens_;
  if (is_open_ && !piece.empty()) unsettled_.push_back(bytes_);
  for (size_t i = 0; i < piece.size(); ++i) {
    const bool was_open = is_open_;
    read(piece[i]);
    const bool has_more = i + 1 < piece.size();
    if (is_open_ && !was_open && has_more) unsettled_.push_back(bytes_);
  }
  if (is_open_) settle(bytes_ - std::min(bytes_, mark_begun()));
}

size_t ReasoningTracker::mark_begun() const {
  size_t longest = 0;
  for (const StringMatcher& end : ends_) longest = std::max(longest, end.matched());
  return longest;
}

void ReasoningTracker::read(char byte) {
  ++bytes_;
  char_left_ = continues_character(byte) ? std::max(0, char_left_ - 1) : bytes_after(byte);
  if (is_open_) {
    size_t mark = 0;
    for (StringMatcher& end : ends_) {
      if (end.feed(byte)) mark = std::max(mark, end.text().size());
    }
    if (mark > 0) close(bytes_ - std::min(bytes_, mark));
  } else if (may_begin_) {
    const size_t begun = start_.matched();
    if (start_.feed(byte)) return open();
    const bool goes_on = start_.matched() == begun + 1;
    is_blank_ = is_blank_ && (goes_on || (may_follow_blank_ && begun == 0 && is_space(byte)));
    may_begin_ = is_blank_ || may_begin_anywhere_;
  }
}

void ReasoningTracker::open() {
  is_open_ = true;
  start_.reset();
}

void ReasoningTracker::close(size_t mark_begin) {
  settle(mark_begin);
  unsettled_.clear();
  is_open_ = is_blank_ = false;
  may_begin_ = may_begin_anywhere_ && !start_.text().empty();
  for (StringMatcher& end : ends_) end.reset();
}

void ReasoningTracker::settle(size_t end) {
  const auto first = std::lower_bound(unsettled_.begin(), unsettled_.end(), end);
  tokens_ += int32_t(first - unsettled_.begin());
  unsettled_.erase(unsettled_.begin(), first);
}

bool ReasoningTracker::must_end() const {
  if (!is_open_ || budget_ == kUnlimited || tokens_ < budget_) return false;
  // A mark that began in the prompt is not waited for: it may never come.
  if (tokens_ == budget_ && bytes_ > 0 && mark_begun() > 0) return false;
  return char_left_ == 0 || tokens_ >= budget_ + kCharacterTokens;
}

}  // namespace sluice
