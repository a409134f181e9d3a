#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/string-matcher.h"
#include "llama/chat/reasoning-marks.h"

namespace sluice {

// Finds where a reply's reasoning begins and ends, counts its tokens, and says when its budget is
// used up. Linear in the reply's length. Owned by Sequence. Engine thread only.
class ReasoningTracker {
 public:
  static constexpr int32_t kUnlimited = -1;

  // `budget`: tokens of all reasoning in the reply together.
  ReasoningTracker(const ReasoningMarks& marks, int32_t budget);

  // One token's bytes.
  void append(std::string_view piece);
  // It is open and its budget is used up. First a character that has begun is finished; so is what
  // may be the end's mark, whose tokens are counted once they are known to be something else.
  bool must_end() const;
  bool is_open() const { return is_open_; }
  // Between the marks, which are not counted.
  int32_t tokens() const { return tokens_ + int32_t(unsettled_.size()); }

 private:
  void read(char byte);
  void open();
  void close(size_t mark_begin);
  // Bytes at the reply's end that may be the beginning of the end's mark.
  size_t mark_begun() const;
  // Counts the unsettled tokens that begin before byte `end`.
  void settle(size_t end);

  const int32_t budget_;
  const bool may_begin_anywhere_, may_follow_blank_;
  StringMatcher start_;
  std::vector<StringMatcher> ends_;
  bool is_open_, may_begin_;
  bool is_blank_ = true;   // the reply so far, up to where the start's mark may begin
  size_t bytes_ = 0;       // of the reply
  int32_t tokens_ = 0;     // that are reasoning for certain
  int32_t char_left_ = 0;  // bytes that the last character lacks
  // Where tokens begin that are either reasoning or the end's mark; as many as a mark has at most.
  std::vector<size_t> unsettled_;
};

}  // namespace sluice
