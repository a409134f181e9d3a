#include "memory/host-memory.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr int32_t kContextMin = 512;
constexpr uint64_t kContextStep = 256;  // llama.cpp rounds up to it
// More than the tensors of a batch take where `rows_max` is kRowsMax.
constexpr uint64_t kComputeBytesMax = uint64_t(1) << 30;
// Layers may differ in their heads, and the first one is asked.
constexpr uint64_t kKvMargin = 2;

std::string mib(uint64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

}  // namespace

int32_t affordable_context(const ContextNeed& need, uint64_t free_bytes) {
  const uint64_t token_bytes = need.cell_bytes * uint64_t(need.sequences) + need.draft_bytes;
  const uint64_t affordable = free_bytes / 4 / std::max<uint64_t>(1, token_bytes);
  if (affordable >= uint64_t(need.most)) return need.most;
  return std::min(need.most,
                  std::max(kContextMin, int32_t(affordable / kContextStep * kContextStep)));
}

bool is_ample(const RoughNeed& need, uint64_t free_bytes) {
  return need.is_known && need.weights + kKvMargin * need.kv + kComputeBytesMax <= free_bytes;
}

// KV caches and states are written when they are made, so that the system would end the process.
std::string memory_shortage(const MemoryPlan& plan, uint64_t free_bytes) {
  const uint64_t bytes = host_bytes({}, {}, plan);
  if (bytes <= free_bytes) return "";
  const std::string copied =
      plan.host.copied == 0 ? "" : ", weights that are copied " + mib(plan.host.copied);
  return "KV cache and states need " + mib(plan.host.kv) + copied + " and computing " +
         mib(plan.host.compute) + ", together " + mib(bytes) + ", and " +
         std::to_string(free_bytes >> 20) +
         " MiB of memory are free; lower parallel, context or kvCells, or use a smaller kvType";
}

}  // namespace sluice
