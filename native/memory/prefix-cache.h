#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "memory/state-buffer.h"

namespace sluice {

// What a model computed for a sequence of tokens, in host memory.
struct SavedState {
  std::string salt;
  std::vector<int32_t> tokens;
  StateBuffer bytes;
  bool is_shared = false;  // another thread may read it, so that its memory is not used again
  uint64_t owner = 0;      // the request that was preempted with it and comes back; 0 is none
};

// States of finished, shared and preempted sequences. A new prompt starts from the one with which
// it shares the longest prefix. Pure: it copies no cell. Owned by Slots. Engine thread only.
//
// Simpler than a radix tree and as fast: the entries are sorted by their tokens, so the one that
// shares the longest prefix with a prompt is next to where the prompt would stand, before or
// behind.
class PrefixCache {
 public:
  static constexpr size_t kEntriesMax = 1024;

  struct Match {
    std::shared_ptr<SavedState> state;  // null when nothing is shared
    int32_t shared = 0;                 // tokens
  };

  // whole_only: states serve only prompts that begin with all of their tokens.
  PrefixCache(uint64_t bytes_max, bool whole_only)
      : bytes_max_(bytes_max), whole_only_(whole_only) {}

  // The entry that serves most of these tokens, `limit` at most. It counts as used.
  Match find(const std::string& salt, const std::vector<int32_t>& tokens, int32_t limit);
  // The longest prefix shared with any entry, whether its state can serve it or not.
  int32_t longest_common(const std::string& salt, const std::vector<int32_t>& tokens,
                         int32_t limit);
  // Whether an entry serves all of these tokens. It counts as used.
  bool serves(const std::string& salt, const std::vector<int32_t>& tokens);

  // Replaces those that it serves as well. Makes room by dropping the least recently used: first
  // those without an owner. A state that is larger than the whole cache is not kept.
  void insert(std::shared_ptr<SavedState> state);
  // The owner has come back, or never will.
  void erase_owned_by(uint64_t owner);
  void disown(uint64_t owner);
  // The states of a sequence's prefixes: those kept while it ran, and the one it started from.
  void erase_prefixes_of(const std::string& salt, const std::vector<int32_t>& tokens);

  // Makes room for a state of so many bytes before it is there, so that the old and the new one are
  // never more than bytes_max together. Returns a dropped entry's memory to be used again, or an
  // empty buffer when that is too small, or so much too large that the cache would waste its
  // memory.
  StateBuffer room_for(size_t bytes);

  // All that it holds, a dropped entry's memory too. Never more than bytes_max.
  uint64_t bytes() const { return bytes_ + spare_.capacity(); }
  uint64_t bytes_max() const { return bytes_max_; }
  size_t size() const { return entries_.size(); }

 private:
  struct Key {
    const std::string* salt;
    const std::vector<int32_t>* tokens;
    bool operator<(const Key& other) const;
  };
  struct Entry {
    std::shared_ptr<SavedState> state;
    uint64_t used_at;
  };
  using Entries = std::map<Key, Entry>;  // a key points into its entry's state

  static bool is_of(const Entries::value_type& entry, const std::string& salt);
  // The prefix shared with the entry; 0 for another salt's.
  static int32_t shared_with(const Entries::value_type& entry, const std::string& salt,
                             const std::vector<int32_t>& tokens, int32_t limit);
  Entries::iterator longest(const std::string& salt, const std::vector<int32_t>& tokens,
                            int32_t limit);
  Entries::iterator longest_whole(const std::string& salt, std::vector<int32_t> tokens);
  void drop_served_by(const SavedState& state);
  void make_room(uint64_t bytes);
  void drop_least_recent();
  void drop(Entries::iterator entry);

  const uint64_t bytes_max_;
  const bool whole_only_;
  Entries entries_;
  uint64_t uses_ = 0;
  uint64_t bytes_ = 0;  // of entries
  StateBuffer spare_;
};

}  // namespace sluice
