#pragma once

#include <cstdint>
#include <string>

#include "memory/memory-budget.h"
#include "memory/placement.h"

namespace sluice {

// How long a context is where nobody says it, and whether what is to be made has room in the
// system's memory. Pure: no model, no context, no look at the machine.

struct ContextNeed {
  int32_t most = 0;          // tokens per sequence that are of use
  int32_t sequences = 1;     // each has as many
  uint64_t cell_bytes = 0;   // of a token of one of them
  uint64_t draft_bytes = 0;  // of a token of the draft model's one sequence
};

// Tokens per sequence: as many as a quarter of what is free has room for, 512 at least. Whether
// there is room for those is asked of memory_shortage().
int32_t affordable_context(const ContextNeed& need, uint64_t free_bytes);

// Bytes for kept states where nobody says it: an eighth of what is free, in whole MiB, 2 GiB at
// most.
uint64_t affordable_cache(uint64_t free_bytes);

// What a load takes that was not measured, from above; whether more than that is free for sure, so
// that measuring it would say nothing new.
struct RoughNeed {
  uint64_t weights = 0, kv = 0;
  bool is_known = true;  // false where there are states that `kv` knows nothing of
};
bool is_ample(const RoughNeed& need, uint64_t free_bytes);

// Why a plan of the CPU alone has no room; empty where it has.
std::string memory_shortage(const MemoryPlan& plan, const FreeMemory& free);

// "8192 MiB of memory are free", and what is left out of that.
std::string words_of(const FreeMemory& free);

}  // namespace sluice
