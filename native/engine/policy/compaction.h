#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace sluice {

enum class SlotUse {
  open,     // nobody, or somebody whose rows are not in the batch: it may be moved into
  running,  // gets a single row at every step
  prompt,   // computes its prompt: soon running, and not worth moving for the while
};

struct Swap {
  int32_t from;  // of a running sequence
  int32_t to;    // an open slot
};

// With split KV llama.cpp computes each run of consecutive sequence ids as a graph of its own, so
// a hole among the running doubles a step (39 to 85 ms, measured). Says what to swap to close
// one, until there is none. Pure.
std::optional<Swap> next_swap(const std::vector<SlotUse>& uses);

}  // namespace sluice
