#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace sluice {

// Of the system's memory, for one engine. Bytes.
struct FreeMemory {
  uint64_t bytes = 0;     // that it may count on, its own weights included
  uint64_t promised = 0;  // to the process's other engines: `bytes` leaves them out
};

// Bytes of weights in the system's memory, by what engines share them by.
struct SharedWeights {
  std::map<std::string, uint64_t> mapped;  // by their file
  std::map<std::string, uint64_t> copied;  // by their file and where they were placed
};

// Bytes of the system's memory that an engine takes, or will take.
struct MemoryNeed {
  SharedWeights weights;
  uint64_t other = 0;  // KV cache, states, buffers, the prefix cache
};

// The system's memory that the engines of a process have been promised. The system knows only the
// memory that was touched: not that of a load that has begun, of a prefix cache that is to fill, or
// of mapped weights, which it could drop. So each engine counts only on what the others leave.
// Knows no machine: its caller says what is free. Safe from any thread.
class MemoryBudget {
 public:
  // The one of this process.
  static MemoryBudget& of_process();

  struct EndTurn {
    void operator()(MemoryBudget* budget) const;
  };
  // While it lives no other engine has one.
  using Turn = std::unique_ptr<MemoryBudget, EndTurn>;

  // The memory that one engine was promised. Owned by that engine; its end gives it back.
  class Share {
   public:
    // `system_free_bytes`: what is free at the beginning of its load, as the system says.
    Share(MemoryBudget& budget, uint64_t system_free_bytes);
    ~Share();
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // The memory that this engine may take in all: as much as the system says is free, and no more
    // than the others leave of what was free before any of them. `own`: the weights that it has or
    // will have, at most; where others have them too, they do not count for the others.
    FreeMemory free(const SharedWeights& own) const;
    // Replaces what it was promised before.
    void promise(MemoryNeed need) const;
    // For the time from free() to promise(). Null once `is_abandoned` says so: it is asked at once
    // and every 20 ms while another engine has the turn, and may not call the budget.
    Turn turn(const std::function<bool()>& is_abandoned) const;

   private:
    MemoryBudget& budget_;
    const uint64_t system_free_bytes_;
    uint64_t free_at_first_;  // what was free before any engine that lived when this one began
  };

 private:
  bool is_unused() const;
  // Of a file that several have, as much as the one that has the most.
  MemoryNeed promised_beside(const Share& share) const;

  std::mutex mutex_;  // guards what follows
  std::condition_variable turn_ended_;
  bool is_turn_taken_ = false;
  std::map<const Share*, MemoryNeed> shares_;
  uint64_t free_at_first_ = 0;  // of the system's memory, before anything was promised
};

}  // namespace sluice
