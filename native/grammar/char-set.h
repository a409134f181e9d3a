#pragma once

#include <cstdint>
#include <vector>

namespace sluice {

constexpr uint32_t kCodePointMax = 0x10FFFF;

struct CharRange {
  uint32_t first, last;
};

// The characters that one element of a grammar takes: code points, never surrogates. Immutable.
class CharSet {
 public:
  // In any order, and overlapping where they will.
  explicit CharSet(std::vector<CharRange> ranges);

  CharSet inverse() const;
  bool has(uint32_t code_point) const;
  bool has_any(uint32_t first, uint32_t last) const;
  const std::vector<CharRange>& ranges() const { return ranges_; }

 private:
  std::vector<CharRange> ranges_;  // ascending, with a gap between each two
};

}  // namespace sluice
