#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/request/stop-search.h"

namespace sluice {

// Turns a token's bytes into text that may be sent: whole UTF-8 characters only, invalid bytes as
// U+FFFD, and nothing that may yet turn out to be a stop string. Linear in the reply's length.
// Owned by Sequence. Engine thread only.
class TextStream {
 public:
  // Empty stop strings are ignored.
  explicit TextStream(const std::vector<std::string>& stop_strings);

  // One token's bytes. Nothing more is taken in once a stop string is complete.
  void append(std::string_view bytes);
  // The reply is over: what was withheld is text, and half a character is U+FFFD.
  void finish();
  // The text that may be sent now.
  std::string take();
  // How many of the reply's bytes are in whole characters of text that may be sent, or was. A
  // stop string and what follows it never are.
  size_t released() const { return released_ - partial_.size(); }

  bool stopped() const { return stops_.stopped(); }
  // The stop string that ended the reply, or an empty one.
  std::string stop_string() const { return stops_.stop_string(); }
  // That stop string does not count where it stands.
  void go_on();

 private:
  void release(std::string_view bytes);
  void decode(unsigned char byte);

  StopSearch stops_;
  std::string ready_;    // valid UTF-8
  size_t released_ = 0;  // bytes that are no part of a stop string
  // The character under way: its bytes so far, and what its next byte may be.
  std::string partial_;
  size_t partial_length_ = 0;
  unsigned char next_low_ = 0x80, next_high_ = 0xBF;
};

}  // namespace sluice
