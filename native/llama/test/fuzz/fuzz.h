// What the fuzz targets share: how they read an input, and how they say what is wrong.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

// Ends the program, which keeps the input: libFuzzer reports it with a stack.
#define MUST(condition)                                                          \
  do {                                                                           \
    if (condition) break;                                                        \
    std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
    std::abort();                                                                \
  } while (false)

namespace fuzz {

// Takes an input apart, from its beginning. Past its end there are zeros and empty texts.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : left_(reinterpret_cast<const char*>(data), size) {}

  bool is_empty() const { return left_.empty(); }
  uint8_t byte() {
    if (left_.empty()) return 0;
    const uint8_t first = uint8_t(left_.front());
    left_.remove_prefix(1);
    return first;
  }
  // From 0 to below `count`.
  uint32_t below(uint32_t count) { return byte() % count; }
  std::string text(size_t bytes) {
    const std::string text(left_.substr(0, bytes));
    left_.remove_prefix(text.size());
    return text;
  }
  // Up to the next zero, which is left out.
  std::string line() {
    const std::string line = text(std::min(left_.find('\0'), left_.size()));
    byte();
    return line;
  }
  std::string rest() { return text(left_.size()); }

 private:
  std::string_view left_;
};

// Where the pieces of a text end, by a number of the input: of 1 to 8 bytes each.
class Cuts {
 public:
  explicit Cuts(uint32_t seed) : state_(seed * 2654435761u + 1) {}

  size_t next(size_t from, size_t size) {
    state_ = state_ * 1103515245u + 12345u;
    return std::min(size, from + 1 + (state_ >> 16) % 8);
  }

 private:
  uint32_t state_;
};

}  // namespace fuzz
