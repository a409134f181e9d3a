#include "engine/policy/text-index.h"

#include <algorithm>
#include <functional>

namespace sluice {
namespace {

uint64_t hash_of(const int32_t* tokens, int32_t count, uint64_t hash = 0) {
  for (int32_t i = 0; i < count; ++i) {
    hash = (hash ^ uint64_t(uint32_t(tokens[i]))) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 29;
  }
  return hash;
}

}  // namespace

TextIndex::Segment::Segment(const int32_t* tokens, const std::string& salt) : salt_(salt) {
  std::copy(tokens, tokens + kTokens, tokens_.begin());
  for (int32_t i = 0; i < kSegment; ++i) places_[place_of(&tokens_[size_t(i)])] = uint16_t(i + 1);
}

bool TextIndex::Segment::is_of(const int32_t* tokens, const std::string& salt) const {
  return salt == salt_ && std::equal(tokens_.begin(), tokens_.end(), tokens);
}

size_t TextIndex::Segment::place_of(const int32_t* key) const {
  size_t place = size_t(hash_of(key, kKey)) % kPlaces;
  const auto is_other = [&](uint16_t noted) {
    return noted > 0 && !std::equal(key, key + kKey, &tokens_[noted - 1u]);
  };
  while (is_other(places_[place])) place = (place + 1) % kPlaces;
  return place;
}

int32_t TextIndex::Segment::find(const int32_t* key) const {
  return int32_t(places_[place_of(key)]) - 1;
}

std::shared_ptr<const TextIndex::Segment> TextIndex::Store::get(const int32_t* tokens,
                                                                const std::string& salt) {
  const uint64_t hash = hash_of(tokens, Segment::kTokens, std::hash<std::string>()(salt));
  const auto [begin, end] = segments_.equal_range(hash);
  for (auto entry = begin; entry != end; ++entry) {
    auto segment = entry->second.lock();
    if (segment && segment->is_of(tokens, salt)) return segment;
  }
  if (segments_.size() >= sweep_at_) drop_unused();
  auto segment = std::make_shared<const Segment>(tokens, salt);
  segments_.emplace(hash, segment);
  return segment;
}

void TextIndex::Store::drop_unused() {
  for (auto entry = segments_.begin(); entry != segments_.end();) {
    entry = entry->second.expired() ? segments_.erase(entry) : std::next(entry);
  }
  sweep_at_ = std::max(size_t(64), 2 * segments_.size());
}

int32_t TextIndex::find(const std::vector<int32_t>& tokens) {
  const int32_t last = int32_t(tokens.size()) - kKey;  // where the key begins
  const auto indexed = [&] { return int32_t(segments_.size()) * kSegment; };
  // The key itself is never in a segment.
  while (indexed() + kSegment <= last) {
    segments_.push_back(store_.get(tokens.data() + indexed(), salt_));
  }
  if (last <= 0) return -1;
  const int32_t* key = tokens.data() + last;
  for (int32_t at = last - 1; at >= indexed(); --at) {
    if (std::equal(key, key + kKey, tokens.data() + at)) return at + kKey;
  }
  for (size_t i = segments_.size(); i-- > 0;) {
    const int32_t at = segments_[i]->find(key);
    if (at >= 0) return int32_t(i) * kSegment + at + kKey;
  }
  return -1;
}

}  // namespace sluice
