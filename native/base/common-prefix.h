#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace sluice {

// How many tokens two texts begin with in common, `limit` at most.
inline int32_t common_prefix(const std::vector<int32_t>& a, const std::vector<int32_t>& b,
                             int32_t limit) {
  const size_t length = std::min({a.size(), b.size(), size_t(std::max(0, limit))});
  const auto end = a.begin() + ptrdiff_t(length);
  return int32_t(std::mismatch(a.begin(), end, b.begin()).first - a.begin());
}

}  // namespace sluice
