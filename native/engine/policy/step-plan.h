#pragma once

#include <cstdint>
#include <vector>

namespace sluice {

// Rows [begin, begin + count) of one sequence's tokens.
struct Chunk {
  int32_t slot;
  int32_t begin;
  int32_t count;
  bool is_scored = false;  // all of its rows may have logits, not the last one alone
};

// What one step computes, in this order: all single rows in one batch, then the prompts' batches.
// Apart, because a mixed batch is slower than the two (measured, ARCHITECTURE.md), a running reply
// never waits for a chunk inside its own batch, and an abort then drops prompts only.
struct StepPlan {
  std::vector<int32_t> singles;              // slots, ascending
  std::vector<std::vector<Chunk>> prefills;  // a batch each; ascending slots

  bool empty() const { return singles.empty() && prefills.empty(); }
};

}  // namespace sluice
