#pragma once

#include <cstdint>
#include <vector>

namespace sluice {

// Rows [begin, begin + count) of one sequence's tokens, computed in one decode call.
struct Chunk {
  int32_t slot;
  int32_t begin;
  int32_t count;
};

// What one step computes, in this order: every running sequence's single row in one call, then
// each chunk in a call of its own. Apart, because a mixed batch is slower than the two (measured,
// ARCHITECTURE.md), a running reply never waits for a chunk inside its own call, and an abort
// then drops one prompt's chunk only.
struct StepPlan {
  std::vector<int32_t> singles;  // slots, ascending
  std::vector<Chunk> chunks;

  bool empty() const { return singles.empty() && chunks.empty(); }
};

}  // namespace sluice
