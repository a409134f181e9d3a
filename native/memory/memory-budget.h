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

// What an engine takes of the system's memory, or will. Bytes.
struct MemoryNeed {
  std::map<std::string, uint64_t> weights;  // by their file, which several engines share
  uint64_t other = 0;                       // KV cache, states, buffers, the prefix cache's bound
};

// What the engines of a process have been promised of the system's memory. The system knows only
// what they have touched: not a load that has begun, not a prefix cache that is to fill, not mapped
// weights, which it could drop. So each engine counts on what the others leave. Knows no machine:
// whoever asks says what is free. Safe from any thread.
class MemoryBudget {
 public:
  // The one of this process.
  static MemoryBudget& of_process();

  // What one engine has been promised. Owned by that engine; its end gives it back.
  class Share {
   public:
    // `system_free_bytes`: what is free at the beginning of its load, as the system says.
    Share(MemoryBudget& budget, uint64_t system_free_bytes);
    ~Share();
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    // What this engine may count on, for all that it takes: as much as the system says is free, and
    // no more than the others leave of what was free before any of them. Weights of a file that
    // this engine has too are not left out.
    FreeMemory free() const;
    // In the place of what it was promised before.
    void promise(MemoryNeed need) const;
    // As long as it is held no other engine has one: for the time from free() to promise().
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
