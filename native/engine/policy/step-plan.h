#pragma once

#include <cstdint>
#include <vector>

namespace sluice {

// One sequence as the scheduler sees it. There is no prefill phase: n_computed chases n_tokens.
struct SequenceView {
  int32_t slot;
  int32_t n_tokens;
  int32_t n_computed;
  int32_t boundary;  // where its next chunk must end at the latest, n_tokens at most
  uint64_t arrival;  // the lower the earlier
  bool parked;
  bool is_scored = false;      // all of its prompt's rows may have logits
  bool is_generating = false;  // it has had its first token
  int32_t adapters = 0;        // a number of its set of adapters: rows of two share no batch
};

// Rows [begin, begin + count) of one sequence's tokens.
struct Chunk {
  int32_t slot;
  int32_t begin;
  int32_t count;
  bool is_scored = false;  // all of its rows may have logits, not the last one alone
  int32_t adapters = 0;    // as SequenceView's
};

// What one step computes, in this order: all single rows in one batch for each set of adapters, so
// that none waits for another one's step; then the prompts' batches.
// Apart, because a mixed batch is slower than the two (measured, ARCHITECTURE.md), a running reply
// never waits for a chunk inside its own batch, and an abort then drops prompts only.
struct StepPlan {
  std::vector<std::vector<int32_t>> singles;  // slots, ascending; a batch each
  std::vector<std::vector<Chunk>> prefills;   // a batch each

  bool empty() const { return singles.empty() && prefills.empty(); }
};

}  // namespace sluice
