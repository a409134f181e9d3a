#include "grammar/char-set.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr CharRange kSurrogates{0xD800, 0xDFFF};

// The first range that ends at `code_point` or beyond.
auto reaching(const std::vector<CharRange>& ranges, uint32_t code_point) {
  return std::lower_bound(ranges.begin(), ranges.end(), code_point,
                          [](const CharRange& range, uint32_t at) { return range.last < at; });
}

// What lies between the ranges, from 0 to the last code point.
std::vector<CharRange> gaps(const std::vector<CharRange>& ranges) {
  std::vector<CharRange> result;
  uint32_t next = 0;
  for (const CharRange& range : ranges) {
    if (range.first > next) result.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kCodePointMax) result.push_back({next, kCodePointMax});
  return result;
}

std::vector<CharRange> without_surrogates(const std::vector<CharRange>& ranges) {
  std::vector<CharRange> result;
  for (const CharRange& range : ranges) {
    if (range.first < kSurrogates.first) {
      result.push_back({range.first, std::min(range.last, kSurrogates.first - 1)});
    }
    if (range.last > kSurrogates.last) {
      result.push_back({std::max(range.first, kSurrogates.last + 1), range.last});
    }
  }
  return result;
}

}  // namespace

CharSet::CharSet(std::vector<CharRange> ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const CharRange& a, const CharRange& b) { return a.first < b.first; });
  std::vector<CharRange> merged;
  for (const CharRange& range : ranges) {
    if (!merged.empty() && range.first <= merged.back().last + 1) {
      merged.back().last = std::max(merged.back().last, range.last);
    } else {
      merged.push_back(range);
    }
  }
  ranges_ = without_surrogates(merged);
}

CharSet CharSet::inverse() const { return CharSet(gaps(ranges_)); }

bool CharSet::has(uint32_t code_point) const { return has_any(code_point, code_point); }

bool CharSet::has_any(uint32_t first, uint32_t last) const {
  const auto range = reaching(ranges_, first);
  return range != ranges_.end() && range->first <= last;
}

}  // namespace sluice
