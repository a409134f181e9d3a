#pragma once

#include <cstdint>

namespace sluice {

// Where in a reply its form stands; reasoning, and marks of the format, may come before it. In
// bytes of the reply's text.
struct FormSpan {
  static constexpr int64_t kUnknown = -1;

  int64_t begin = kUnknown;
  int64_t end = kUnknown;
  // It is not known yet whether the text behind this belongs to the form.
  int64_t settled = 0;
  bool is_unsettled = false;  // there is something behind it
};

}  // namespace sluice
