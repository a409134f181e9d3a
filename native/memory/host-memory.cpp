#include "memory/host-memory.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr int32_t kContextMin = 512;
constexpr uint64_t kContextStep = 256;  // llama.cpp rounds up to it
constexpr uint64_t kMiB = uint64_t(1) << 20;
constexpr uint64_t kCacheBytesMax = 2048 * kMiB;
// More than the tensors of a batch take where `rows_max` is kRowsMax.
constexpr uint64_t kComputeBytesMax = uint64_t(1) << 30;
// Layers may differ in their heads, and the first one is asked.
constexpr uint64_t kKvMargin = 2;

std::string mib(uint64_t bytes) { return std::to_string((bytes + kMiB - 1) / kMiB) + " MiB"; }

}  // namespace

int32_t affordable_context(const ContextNeed& need, uint64_t free_bytes) {
  const uint64_t token_bytes = need.cell_bytes * uint64_t(need.sequences) + need.draft_bytes;
  const uint64_t affordable = free_bytes / 4 / std::max<uint64_t>(1, token_bytes);
  if (affordable >= uint64_t(need.most)) return need.most;
  return std::min(need.most,
                  std::max(kContextMin, int32_t(affordable / kContextStep * kContextStep)));
}

uint64_t affordable_cache(uint64_t free_bytes, uint64_t left_bytes) {
  return std::min(std::min(free_bytes / 8, left_bytes) / kMiB * kMiB, kCacheBytesMax);
}

uint64_t expected_cache(uint64_t most, uint64_t free_bytes) {
  return most <= free_bytes ? most : affordable_cache(free_bytes, free_bytes);
}

bool is_ample(const RoughNeed& need, uint64_t free_bytes) {
  return need.is_known && need.weights + kKvMargin * need.kv + kComputeBytesMax <= free_bytes;
}

// KV caches and states are written when they are made, so that the system would end the process.
std::string memory_shortage(const std::vector<Device>& devices, const MemoryPlan& plan,
                            const FreeMemory& free) {
  const uint64_t bytes = host_bytes(devices, all_of(devices), plan);
  if (bytes <= free.bytes) return "";
  const std::string copied =
      plan.host.copied == 0 ? "" : ", weights that are copied " + mib(plan.host.copied);
  const uint64_t integrated = bytes - host_bytes({}, {}, plan);
  const std::string on_gpu =
      integrated == 0 ? "" : ", what the integrated GPU holds " + mib(integrated);
  return "KV cache and states need " + mib(plan.host.kv) + copied + on_gpu + " and computing " +
         mib(plan.host.compute) + ", together " + mib(bytes) + ", and " + words_of(free) +
         "; lower parallel, context or kvCells, or use a smaller kvType";
}

std::string words_of(const FreeMemory& free) {
  const std::string words = std::to_string(free.bytes / kMiB) + " MiB of memory are free";
  if (free.promised == 0) return words;
  return words + " beside the " + mib(free.promised) + " of this process's other engines";
}

}  // namespace sluice
