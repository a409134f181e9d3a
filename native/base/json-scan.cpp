#include "base/json-scan.h"

#include <cctype>

namespace sluice {

void JsonScan::feed(char byte) {
  space_ = std::isspace(static_cast<unsigned char>(byte)) != 0;
  if (escape_ == Escape::begun) {
    escape_ = byte == 'u' ? Escape::four : Escape::none;
  } else if (escape_ != Escape::none) {
    escape_ = static_cast<Escape>(static_cast<int>(escape_) - 1);
  } else if (in_string_) {
    if (byte == '\\') escape_ = Escape::begun;
    if (byte == '"') in_string_ = false;
  } else if (byte == '"') {
    in_string_ = true;
  } else if (byte == '{' || byte == '[') {
    ++depth_;
    begun_ = true;
  } else if (byte == '}' || byte == ']') {
    --depth_;
  }
}

}  // namespace sluice
