#pragma once

#include <string>
#include <string_view>

namespace sluice {

// Whether the text may differ from its Unicode normalization form C. False is certain, and is the
// answer for nearly all texts. Takes a nanosecond a byte.
bool may_lack_nfc(std::string_view text);

// A text of UTF-8 in normalization form C (`e` and U+0301 are U+00E9). Bytes that are no UTF-8 stay
// as they are.
std::string nfc(std::string_view text);

}  // namespace sluice
