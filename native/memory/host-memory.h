#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "memory/memory-budget.h"
#include "memory/placement.h"

namespace sluice {

// How long a context is by default, and whether a load fits into the system's memory. Pure: no
// model, no context, no look at the machine.

struct ContextNeed {
  int32_t most = 0;          // tokens per sequence, at most
  int32_t sequences = 1;     // each has as many
  uint64_t cell_bytes = 0;   // of a token of one of them
  uint64_t draft_bytes = 0;  // of a token of the draft model's one sequence
};

// Tokens per sequence: as many as fit into a quarter of free memory, and at least 512. Whether
// those fit is checked by memory_shortage().
int32_t affordable_context(const ContextNeed& need, uint64_t free_bytes);

// Bytes for kept states where none are asked for: an eighth of free memory in whole MiB, at most 2
// GiB, and no more than the engine leaves of it.
uint64_t affordable_cache(uint64_t free_bytes, uint64_t left_bytes);

// Bytes that other engines leave for kept states that may take `most`: all of that where it is
// free, and else as much as is affordable. A bound beyond all memory would leave them nothing.
uint64_t expected_cache(uint64_t most, uint64_t free_bytes);

// An upper estimate of what a load takes, without measuring it. is_ample(): so much more is free
// that the load fits for certain and need not be measured.
struct RoughNeed {
  uint64_t weights = 0, kv = 0;
  bool is_known = true;  // false where there are states that `kv` knows nothing of
};
bool is_ample(const RoughNeed& need, uint64_t free_bytes);

// Why a plan, for these devices beside the CPU, does not fit into the system's memory; empty where
// it does.
std::string memory_shortage(const std::vector<Device>& devices, const MemoryPlan& plan,
                            const FreeMemory& free);

// "8192 MiB of memory are free", and what is left out of that.
std::string words_of(const FreeMemory& free);

}  // namespace sluice
