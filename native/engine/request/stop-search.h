#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/string-matcher.h"

namespace sluice {

// Looks for the first of some stop strings in a text that comes in pieces, and withholds what may
// be the beginning of one. Linear in the text's length. Owned by Sequence. Engine thread only.
class StopSearch {
 public:
  // Empty stop strings are ignored.
  explicit StopSearch(const std::vector<std::string>& stop_strings);

  // There are no stop strings.
  bool is_idle() const { return matchers_.empty(); }
  // More of the text. Nothing more is taken in once a stop string is complete.
  void append(std::string_view text);
  // The stop string that was found does not count: it and what was cut off behind it are text.
  void go_on();
  // What was withheld is text: the text ends here, or another text follows.
  void let_go();
  // The text that may be sent now.
  std::string take();

  bool stopped() const { return stop_index_ >= 0; }
  // The stop string that was found, or an empty one.
  std::string stop_string() const;
  // Bytes at the text's end that were not taken: a stop string may begin there, or did.
  size_t withheld() const { return pending_.size() + cut_off_.size(); }

 private:
  std::vector<StringMatcher> matchers_;
  int stop_index_ = -1;
  std::string pending_;  // bytes that may be the beginning of a stop string
  std::string ready_;    // bytes that are not
  std::string cut_off_;  // the stop string, and what came behind it
};

}  // namespace sluice
