#include "engine/prefix-cache.h"

#include <algorithm>

#include "engine/common-prefix.h"

namespace sluice {

PrefixCache::Match PrefixCache::find(const std::string& salt, const std::vector<int32_t>& tokens,
                                     int32_t limit) {
  auto best = entries_.end();
  int32_t shared = 0;
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    const SavedState& state = **entry;
    if (state.salt != salt) continue;
    const int32_t common = common_prefix(state.tokens, tokens, limit);
    if (common <= shared || (whole_only_ && common < int32_t(state.tokens.size()))) continue;
    best = entry;
    shared = common;
  }
  if (best == entries_.end()) return {};
  entries_.splice(entries_.begin(), entries_, best);
  return {entries_.front(), shared};
}

int32_t PrefixCache::longest_common(const std::string& salt, const std::vector<int32_t>& tokens,
                                    int32_t limit) const {
  int32_t longest = 0;
  for (const Entry& entry : entries_) {
    if (entry->salt != salt) continue;
    longest = std::max(longest, common_prefix(entry->tokens, tokens, limit));
  }
  return longest;
}

bool PrefixCache::serves(const std::string& salt, const std::vector<int32_t>& tokens) const {
  const int32_t count = int32_t(tokens.size());
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    const bool is_long_enough =
        whole_only_ ? entry->tokens.size() == tokens.size() : entry->tokens.size() >= tokens.size();
    return is_long_enough && entry->salt == salt &&
           common_prefix(entry->tokens, tokens, count) == count;
  });
}

void PrefixCache::insert(std::shared_ptr<SavedState> state) {
  const uint64_t bytes = state->bytes.capacity();
  if (bytes > bytes_max_) return;
  while (bytes_ + bytes > bytes_max_ || entries_.size() >= kEntriesMax) {
    if (!drop_one(false)) drop_one(true);
  }
  bytes_ += bytes;
  entries_.push_front(std::move(state));
}

void PrefixCache::erase_owned_by(uint64_t owner) {
  const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& state) { return state->owner == owner; });
  if (entry != entries_.end()) drop(entry);
}

void PrefixCache::disown(uint64_t owner) {
  for (Entry& entry : entries_) {
    if (entry->owner == owner) entry->owner = 0;
  }
}

bool PrefixCache::drop_one(bool owned) {
  const auto last = std::find_if(entries_.rbegin(), entries_.rend(),
                                 [&](const Entry& entry) { return (entry->owner != 0) == owned; });
  if (last == entries_.rend()) return false;
  drop(std::prev(last.base()));
  return true;
}

void PrefixCache::drop(Entries::iterator entry) {
  bytes_ -= (*entry)->bytes.capacity();
  const bool is_last_reference = entry->use_count() == 1;
  if (is_last_reference) spare_ = std::move((*entry)->bytes);
  entries_.erase(entry);
}

}  // namespace sluice
