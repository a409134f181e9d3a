#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "llama/context.h"
#include "llama/embedding-kind.h"
#include "memory/memory-budget.h"
#include "memory/placement.h"

namespace sluice {

struct EngineOptions {
  std::string model_path;
  int32_t parallel = 4;
  int32_t context = 0;   // tokens per sequence; 0 chooses
  FreeMemory free;       // a quarter of it bounds a context that is chosen
  int32_t kv_cells = 0;  // shared by all sequences; 0 gives each `context` of its own
  // Host memory for states of finished and preempted sequences; left out, it is chosen.
  std::optional<uint64_t> cache_bytes;
  std::string cache_dir;          // folder for states; empty is none
  uint64_t cache_disk_bytes = 0;  // that the states there may take
  KvType kv_type = KvType::f16;
  FlashAttention flash_attention = FlashAttention::automatic;
  int32_t threads = 0;    // compute threads; 0 chooses
  int32_t cores_max = 1;  // that the process may use
  int32_t poll = 0;       // how long compute threads spin before they sleep, 0 to 100
  ThreadPriority priority = ThreadPriority::normal;
  PlacementRequest placement;
  std::vector<std::string> workers;        // of other machines: "10.0.0.2:50052"
  std::string chat_template;               // instead of the model's own; empty is none
  bool tools_fallback = false;             // tells of tools where the template does not
  std::vector<std::string> adapter_paths;  // of LoRA adapters that requests may ask for
  std::string draft_path;                  // of a draft model; empty is none
  bool lookup = false;          // drafts by looking the text up; not beside a draft model
  bool mtp = false;             // drafts by the model's own heads; beside neither of them
  int32_t draft_max = 0;        // tokens drafted for one step; 0 chooses, by measure
  int32_t window = 64;          // tokens
  bool estimates_only = false;  // reports what a load would take, and ends
  EmbeddingUse embeddings = EmbeddingUse::automatic;
  std::chrono::milliseconds queue_deadline{60000};
};

}  // namespace sluice
