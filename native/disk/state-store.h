#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "disk/file-digest.h"
#include "disk/state-index.h"
#include "memory/prefix-cache.h"

namespace sluice {

// What all states of an engine depend on beside their tokens: they may be used only where all of it
// is the same. Digested on the store's thread, which reads samples of the files.
struct StateOrigin {
  std::string settings;
  // As they were when they were loaded.
  std::vector<FileStamp> files;     // that say what is computed, by samples of them and their time
  std::vector<FileStamp> programs;  // that compute it, by what is in them
};
// Throws std::runtime_error where one is no longer what was loaded.
Digest digest_of(const StateOrigin& origin);

struct StateStoreOptions {
  std::string folder;
  uint64_t bytes_max;          // of all states in the folder, whoever wrote them
  uint64_t waiting_bytes_max;  // of states that wait to be written; one may be larger alone
  bool whole_only;             // as PrefixCache's
  int32_t tokens_max;          // of a sequence
};

// Counters since it was opened, but for the first two.
struct StateStoreCounts {
  int64_t bytes = 0, entries = 0;  // in the folder, and of them this model's
  int64_t reads = 0, read_bytes = 0, writes = 0, written_bytes = 0;
  int64_t dropped = 0;  // states that were worth it and were not written
  int64_t errors = 0;   // of the disk, and damaged files
};

// A state that is being read. Whoever wants it holds it; where nobody does, it is not read on.
struct DiskRead {
  std::string name;
  std::shared_ptr<const StateHead> head;
  std::string salt;
  std::atomic<bool> is_done{false};
  std::shared_ptr<SavedState> state;  // once it is done; null: it could not be read
};

// Computed states in a folder, which other processes may use too: a state is a file that appears
// whole, by a rename, and goes whole. Nothing is locked but files that are being written, so that
// what a killed process left of them is found and removed. Files that are no states stay as they
// are. Reads and writes on two threads of its own; nobody waits for the disk but who closes it.
//
// A disk that does not answer at all would hold its threads for ever: then they are left alone,
// with what they need, which nothing else uses (Core).
//
// Owned by Engine. Its public methods are the engine's thread's.
class StateStore {
 public:
  struct Callbacks {
    std::function<void()> wake;  // a read is done, or the counts have moved
    std::function<void(const std::string& message)> warn;  // something went wrong, and it goes on
  };
  // Returns at once: the folder is made and looked at by the store's thread.
  StateStore(const StateStoreOptions& options, StateOrigin origin, Callbacks callbacks);
  // close(), for a moment.
  ~StateStore();
  StateStore(const StateStore&) = delete;
  StateStore& operator=(const StateStore&) = delete;

  // Whether it knows what is there. Until then it finds nothing.
  bool is_ready() const;
  // Begins to read the state that spares most time; null where none is worth it. `there`: tokens of
  // the prompt that are in memory; `limit`: those that may be shared; `token_ms`: what computing
  // one takes, 0 where that is not known.
  std::shared_ptr<DiskRead> read(const std::string& salt, const std::vector<int32_t>& tokens,
                                 int32_t limit, int32_t there, double token_ms);
  int32_t longest_common(const std::string& salt, const std::vector<int32_t>& tokens,
                         int32_t limit) const;

  // Whether a state of these tokens and so many bytes is worth it, and there is room for it among
  // those that wait. Counts what is worth it and has no room as dropped, where `is_last_chance`.
  enum class Wish { no, not_now, yes };
  Wish wish(const std::string& salt, const std::vector<int32_t>& tokens, uint64_t bytes,
            double token_ms, bool is_last) const;
  // Writes it when it can. Whoever has no other chance to write it says so, and it is counted where
  // there is no room for it.
  void write(std::shared_ptr<const SavedState> state);
  void count_dropped();
  // The sequence's cells may be bad, and so those of each state that it may have begun with: all
  // that share so much with it are removed, those that wait to be written too.
  void erase_states_of(const std::string& salt, const std::vector<int32_t>& tokens);
  // Waits until it knows what is there, or until then.
  void wait_until_ready(Clock::time_point until);
  // Waits until there is room for so many bytes among those that wait, and what it writes can be
  // named. False once it is too late, and at once where the disk is left alone for longer.
  bool wait_for_room(uint64_t bytes, Clock::time_point until);
  StateStoreCounts counts() const;

  // Writes what waits until then, and ends. No later than kCloseGrace after that.
  void close(Clock::time_point until);

  static constexpr auto kCloseGrace = std::chrono::seconds(1);

 private:
  struct Core;
  void wait_until_ended(Clock::time_point until);

  const std::shared_ptr<Core> core_;
  std::thread reader_, writer_;
};

}  // namespace sluice
