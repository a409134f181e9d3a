#include "disk/xxhash64.h"

#include <algorithm>
#include <cstring>

namespace sluice {
namespace {

constexpr uint64_t kPrime1 = 0x9e3779b185ebca87, kPrime2 = 0xc2b2ae3d27d4eb4f;
constexpr uint64_t kPrime3 = 0x165667b19e3779f9, kPrime4 = 0x85ebca77c2b2ae63;
constexpr uint64_t kPrime5 = 0x27d4eb2f165667c5;

uint64_t turned(uint64_t value, int bits) { return value << bits | value >> (64 - bits); }

// Where the machine has its bytes in the other order, another value comes out, which no file has.
template <typename Word>
Word word_at(const uint8_t* bytes) {
  Word word;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

uint64_t round_of(uint64_t lane, uint64_t word) {
  return turned(lane + word * kPrime2, 31) * kPrime1;
}

}  // namespace

void XxHash64::mix(const uint8_t* stripe) {
  for (size_t i = 0; i < lanes_.size(); ++i) {
    lanes_[i] = round_of(lanes_[i], word_at<uint64_t>(stripe + 8 * i));
  }
}

void XxHash64::add(const void* data, size_t count) {
  if (count == 0) return;
  const auto* bytes = static_cast<const uint8_t*>(data);
  total_bytes_ += count;
  if (rest_bytes_ > 0) {
    const size_t taken = std::min(count, kStripeBytes - rest_bytes_);
    std::memcpy(rest_.data() + rest_bytes_, bytes, taken);
    rest_bytes_ += taken;
    bytes += taken;
    count -= taken;
    if (rest_bytes_ < kStripeBytes) return;
    mix(rest_.data());
  }
  for (; count >= kStripeBytes; count -= kStripeBytes, bytes += kStripeBytes) mix(bytes);
  std::memcpy(rest_.data(), bytes, count);
  rest_bytes_ = count;
}

uint64_t XxHash64::value() const {
  uint64_t hash = kPrime5;
  if (total_bytes_ >= kStripeBytes) {
    hash =
        turned(lanes_[0], 1) + turned(lanes_[1], 7) + turned(lanes_[2], 12) + turned(lanes_[3], 18);
    for (const uint64_t lane : lanes_) hash = (hash ^ round_of(0, lane)) * kPrime1 + kPrime4;
  }
  hash += total_bytes_;
  size_t at = 0;
  for (; at + 8 <= rest_bytes_; at += 8) {
    hash ^= round_of(0, word_at<uint64_t>(rest_.data() + at));
    hash = turned(hash, 27) * kPrime1 + kPrime4;
  }
  if (at + 4 <= rest_bytes_) {
    hash ^= word_at<uint32_t>(rest_.data() + at) * kPrime1;
    hash = turned(hash, 23) * kPrime2 + kPrime3;
    at += 4;
  }
  for (; at < rest_bytes_; ++at) hash = turned(hash ^ rest_[at] * kPrime5, 11) * kPrime1;
  hash = (hash ^ hash >> 33) * kPrime2;
  hash = (hash ^ hash >> 29) * kPrime3;
  return hash ^ hash >> 32;
}

uint64_t xxhash64(const void* bytes, size_t count) {
  XxHash64 hash;
  hash.add(bytes, count);
  return hash.value();
}

}  // namespace sluice
