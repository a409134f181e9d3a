#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace sluice {

enum class SlotUse {
  open,     // free, or its sequence is parked and has no rows in the batch: may be moved into
  running,  // its sequence has a single row in each step
  prompt,   // its sequence computes its prompt: soon running, and not worth moving before
};

struct Swap {
  int32_t from;  // of a running sequence
  int32_t to;    // an open slot
};

// With split KV llama.cpp computes each run of consecutive sequence ids as a graph of its own, so a
// slot without a row between running ones doubles the time of a step (39 to 85 ms, measured).
// Returns the next swap that closes such a gap; none where there is no gap. Pure.
std::optional<Swap> next_swap(const std::vector<SlotUse>& uses);

}  // namespace sluice
