#pragma once

#include <cstdint>

namespace sluice {

// Where in a reply its form stands, which thoughts or marks of the format may come before. In bytes
// of the reply's text.
struct FormSpan {
  static constexpr int64_t kUnknown = -1;

  int64_t begin = kUnknown;
  int64_t end = kUnknown;
  // Of what comes behind this it is not known yet whether it is the form's.
  int64_t settled = 0;
  bool is_unsettled = false;  // there is something behind it
};

}  // namespace sluice
