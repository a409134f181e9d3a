#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/string-matcher.h"
#include "llama/chat/thought-marks.h"

namespace sluice {

// Where a reply's thoughts begin and end: how many tokens they are, and whether they have become
// as many as they may. Linear in the reply's length.
// Owned by Sequence. Engine thread only.
class Thoughts {
 public:
  static constexpr int32_t kUnlimited = -1;

  // `budget`: tokens of all the reply's thoughts together.
  Thoughts(const ThoughtMarks& marks, int32_t budget);

  // One token's bytes.
  void append(std::string_view piece);
  // They are under way and have had their tokens. A character that is not whole yet is waited for;
  // so is what may be their end: its tokens are counted once they are known to be something else.
  bool must_end() const;
  bool is_open() const { return is_open_; }
  // Between the marks, which are not counted.
  int32_t tokens() const { return tokens_ + int32_t(unsettled_.size()); }

 private:
  void read(char byte);
  void open();
  void close(size_t mark_begin);
  // Bytes of what may be their end, as far as it goes.
  size_t mark_begun() const;
  // Counts those that begin before this.
  void settle(size_t end);

  const int32_t budget_;
  const bool may_begin_anywhere_, may_follow_blank_;
  StringMatcher start_;
  std::vector<StringMatcher> ends_;
  bool is_open_, may_begin_;
  bool is_blank_ = true;   // the reply, up to where the start may begin
  size_t bytes_ = 0;       // of the reply
  int32_t tokens_ = 0;     // that are thoughts for certain
  int32_t char_left_ = 0;  // bytes that the character under way lacks
  // Where the tokens begin that are of thoughts, or of their end; as many as a mark has at most.
  std::vector<size_t> unsettled_;
};

}  // namespace sluice
