#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "llama/state-buffer.h"

namespace sluice {

// What a model computed for a sequence of tokens, in host memory.
struct SavedState {
  std::string salt;
  std::vector<int32_t> tokens;
  StateBuffer bytes;
  uint64_t owner = 0;  // the request that was set aside with it and comes back; 0 is nobody
};

// States of finished, shared and set-aside sequences, the most recently used first. A new prompt
// starts from the one it shares the longest beginning with. Pure: it copies no cell.
// Owned by Places. Engine thread only.
//
// A list that is searched from end to end: the number of entries is bounded, and comparing with
// all of them (a mismatch ends each) takes microseconds, where computing one row takes more.
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
  // The longest common beginning with any entry, whether its state can serve it or not.
  int32_t longest_common(const std::string& salt, const std::vector<int32_t>& tokens,
                         int32_t limit) const;
  // Whether an entry serves all of these tokens.
  bool serves(const std::string& salt, const std::vector<int32_t>& tokens) const;

  // Makes room for it by dropping the least recently used, those that nobody comes back for
  // first. One that is larger than all the room is not kept.
  void insert(std::shared_ptr<SavedState> state);
  // The owner is back, or never comes.
  void erase_owned_by(uint64_t owner);
  void disown(uint64_t owner);

  // A dropped entry's memory, to be used again.
  StateBuffer spare() { return std::move(spare_); }

  uint64_t bytes() const { return bytes_; }
  uint64_t bytes_max() const { return bytes_max_; }
  size_t size() const { return entries_.size(); }

 private:
  using Entry = std::shared_ptr<SavedState>;
  using Entries = std::list<Entry>;

  bool drop_one(bool owned);
  void drop(Entries::iterator entry);

  const uint64_t bytes_max_;
  const bool whole_only_;
  Entries entries_;  // most recently used first
  uint64_t bytes_ = 0;
  StateBuffer spare_;
};

}  // namespace sluice
