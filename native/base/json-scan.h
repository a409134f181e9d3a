#pragma once

#include <cstdint>

namespace sluice {

// Follows one JSON value byte by byte, to know where it ends and where it may be cut. Does not
// check that it is valid. A value; any thread.
class JsonScan {
 public:
  void feed(char byte);
  // The brackets that were opened are closed: the next byte is not the value's.
  bool closed() const { return begun_ && depth_ == 0; }
  // Not inside an escape, nor behind a space that may turn out to be outside of the value.
  bool may_be_cut() const { return escape_ == Escape::none && !space_; }

 private:
  // What is missing of an escape: the byte after the backslash, or so many hexadecimal digits.
  enum class Escape { none, one, two, three, four, begun };

  int32_t depth_ = 0;
  bool begun_ = false, in_string_ = false, space_ = false;
  Escape escape_ = Escape::none;
};

}  // namespace sluice
