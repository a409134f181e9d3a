#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice {

// XXH64 with seed 0, over bytes that come in parts: a checksum of large data, at some 10 GB a
// second. No protection against who wants two texts to have the same one.
class XxHash64 {
 public:
  void add(const void* bytes, size_t count);
  uint64_t value() const;

 private:
  void mix(const uint8_t* stripe);

  static constexpr size_t kStripeBytes = 32;
  std::array<uint64_t, 4> lanes_{0x60ea27eeadc0b5d6, 0xc2b2ae3d27d4eb4f, 0, 0x61c8864e7a143579};
  std::array<uint8_t, kStripeBytes> rest_{};  // what makes no whole stripe yet
  size_t rest_bytes_ = 0;
  uint64_t total_bytes_ = 0;
};

uint64_t xxhash64(const void* bytes, size_t count);

}  // namespace sluice
