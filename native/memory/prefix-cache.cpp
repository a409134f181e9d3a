#include "memory/prefix-cache.h"

#include <algorithm>
#include <tuple>

#include "base/common-prefix.h"

namespace sluice {

bool PrefixCache::Key::operator<(const Key& other) const {
  return std::tie(*salt, *tokens) < std::tie(*other.salt, *other.tokens);
}

bool PrefixCache::is_of(const Entries::value_type& entry, const std::string& salt) {
  return *entry.first.salt == salt;
}

int32_t PrefixCache::shared_with(const Entries::value_type& entry, const std::string& salt,
                                 const std::vector<int32_t>& tokens, int32_t limit) {
  return is_of(entry, salt) ? common_prefix(*entry.first.tokens, tokens, limit) : 0;
}

PrefixCache::Entries::iterator PrefixCache::longest(const std::string& salt,
                                                    const std::vector<int32_t>& tokens,
                                                    int32_t limit) {
  auto best = entries_.end();
  int32_t most = 0;
  const auto consider = [&](Entries::iterator entry) {
    const int32_t shared = shared_with(*entry, salt, tokens, limit);
    if (shared <= most) return;
    most = shared;
    best = entry;
  };
  const auto after = entries_.lower_bound({&salt, &tokens});
  if (after != entries_.end()) consider(after);
  if (after != entries_.begin()) consider(std::prev(after));
  return best;
}

// Entries that are prefixes of `tokens` are sorted before them. If the entry right before is not a
// prefix, a prefix can be no longer than what that entry shares with `tokens`: look again from
// there.
PrefixCache::Entries::iterator PrefixCache::longest_whole(const std::string& salt,
                                                          std::vector<int32_t> tokens) {
  while (!tokens.empty()) {
    const auto after = entries_.upper_bound({&salt, &tokens});
    if (after == entries_.begin()) break;
    const auto entry = std::prev(after);
    const int32_t shared = shared_with(*entry, salt, tokens, int32_t(tokens.size()));
    if (is_of(*entry, salt) && size_t(shared) == entry->first.tokens->size()) return entry;
    tokens.resize(size_t(shared));
  }
  return entries_.end();
}

PrefixCache::Match PrefixCache::find(const std::string& salt, const std::vector<int32_t>& tokens,
                                     int32_t limit) {
  const auto until = tokens.begin() + std::clamp(limit, 0, int32_t(tokens.size()));
  const auto entry =
      whole_only_ ? longest_whole(salt, {tokens.begin(), until}) : longest(salt, tokens, limit);
  if (entry == entries_.end()) return {};
  entry->second.used_at = ++uses_;
  return {entry->second.state, shared_with(*entry, salt, tokens, limit)};
}

int32_t PrefixCache::longest_common(const std::string& salt, const std::vector<int32_t>& tokens,
                                    int32_t limit) {
  const auto entry = longest(salt, tokens, limit);
  return entry == entries_.end() ? 0 : shared_with(*entry, salt, tokens, limit);
}

bool PrefixCache::serves(const std::string& salt, const std::vector<int32_t>& tokens) {
  // Entries that begin with these tokens are sorted behind them.
  const auto entry = entries_.lower_bound({&salt, &tokens});
  if (entry == entries_.end()) return false;
  const int32_t count = int32_t(tokens.size());
  const bool begins_with = is_of(*entry, salt) && shared_with(*entry, salt, tokens, count) == count;
  if (!begins_with || (whole_only_ && entry->first.tokens->size() != tokens.size())) return false;
  entry->second.used_at = ++uses_;
  return true;
}

void PrefixCache::insert(std::shared_ptr<SavedState> state) {
  const uint64_t bytes = state->bytes.capacity();
  if (bytes > bytes_max_) return;
  drop_served_by(*state);
  make_room(bytes);
  if (bytes_ + bytes + spare_.capacity() > bytes_max_) spare_ = StateBuffer();
  bytes_ += bytes;
  const Key key{&state->salt, &state->tokens};
  entries_.insert({key, {std::move(state), ++uses_}});
}

// The entries that are prefixes of it stand right before it, one after the other.
void PrefixCache::drop_served_by(const SavedState& state) {
  const Key key{&state.salt, &state.tokens};
  const auto same = entries_.find(key);
  if (same != entries_.end()) drop(same);
  auto entry = entries_.lower_bound(key);
  while (!whole_only_ && entry != entries_.begin()) {
    --entry;
    const int32_t length = int32_t(entry->first.tokens->size());
    if (!is_of(*entry, state.salt)) return;
    if (shared_with(*entry, state.salt, state.tokens, length) < length) return;
    if (entry->second.state->owner != 0) continue;
    const auto next = std::next(entry);
    drop(entry);
    entry = next;
  }
}

void PrefixCache::make_room(uint64_t bytes) {
  while (!entries_.empty() && (bytes_ + bytes > bytes_max_ || entries_.size() >= kEntriesMax)) {
    drop_least_recent();
  }
}

StateBuffer PrefixCache::room_for(size_t bytes) {
  // A state that is too large to be kept drops no other.
  if (bytes <= bytes_max_) make_room(bytes);
  StateBuffer spare = std::move(spare_);
  return spare.capacity() >= bytes && spare.capacity() <= bytes * 3 / 2 ? std::move(spare)
                                                                        : StateBuffer();
}

void PrefixCache::erase_owned_by(uint64_t owner) {
  const auto entry = std::find_if(entries_.begin(), entries_.end(), [&](const auto& one) {
    return one.second.state->owner == owner;
  });
  if (entry != entries_.end()) drop(entry);
}

void PrefixCache::erase_prefixes_of(const std::string& salt, const std::vector<int32_t>& tokens) {
  for (auto entry = longest_whole(salt, tokens); entry != entries_.end();
       entry = longest_whole(salt, tokens)) {
    drop(entry);
  }
}

void PrefixCache::disown(uint64_t owner) {
  for (auto& entry : entries_) {
    if (entry.second.state->owner == owner) entry.second.state->owner = 0;
  }
}

void PrefixCache::drop_least_recent() {
  drop(std::min_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
    const bool a_owned = a.second.state->owner != 0, b_owned = b.second.state->owner != 0;
    return a_owned != b_owned ? b_owned : a.second.used_at < b.second.used_at;
  }));
}

void PrefixCache::drop(Entries::iterator entry) {
  const std::shared_ptr<SavedState> state = std::move(entry->second.state);
  entries_.erase(entry);
  bytes_ -= state->bytes.capacity();
  const bool is_last_reference = state.use_count() == 1 && !state->is_shared;
  if (is_last_reference) spare_ = std::move(state->bytes);
}

}  // namespace sluice
