#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace sluice {

// Of the system's memory, for one engine. Bytes.
struct FreeMemory {
  uint64_t bytes = 0;     // that it may count on
  uint64_t promised = 0;  // to the process's other engines: `bytes` leaves them out
};

// Bytes of the system's memory that an engine takes, or will take.
struct MemoryNeed {
  std::map<std::string, uint64_t> weights;  // by their file, which several engines share
  uint64_t other = 0;                       // KV cache, states, buffers, the prefix cache's bound
};

// The system's memory that the engines of a process have been promised. The system knows only the
// memory that was touched: not that of a load that has begun, of a prefix cache that is to fill, or
// of mapped weights, which it could drop. So each engine counts only on what the others leave.
// Knows no machine: its caller says what is free. Safe from any thread.
class MemoryBudget {
 public:
  // The one of this process.
  static MemoryBudget& of_process();

  // The memory that one engine was promised. Owned by that engine; its end gives it back.
  class Share {
   public:
    // `system_free_bytes`: what is free at the beginning of its load, as the system says.
    Share(MemoryBudget& budget, uint64_t system_free_bytes);
    ~Share();
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // The memory that this engine may take in all: as much as the system says is free, and no more
    // than the others leave of what was free before any of them. Weights of a file that this engine
    // has too do not count for the others.
    FreeMemory free() const;
    // Replaces what it was promised before.
    void promise(MemoryNeed need) const;
    // While it lives no other engine has one: for the time from free() to promise().
    std::unique_lock<std::mutex> turn() const;

   private:
    MemoryBudget& budget_;
    const uint64_t system_free_bytes_;
  };

 private:
  bool is_unused() const;
  uint64_t promised_beside(const Share& share) const;

  std::mutex turn_;
  std::mutex mutex_;  // guards what follows
  std::map<const Share*, MemoryNeed> shares_;
  uint64_t free_at_first_ = 0;  // of the system's memory, before anything was promised
};

}  // namespace sluice
