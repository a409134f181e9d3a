#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "engine/engine-options.h"
#include "engine/request/event-sink.h"
#include "engine/sizing.h"
#include "memory/placement.h"

namespace sluice {

// Where the weights of both models go. As it stands: the CPU alone.
struct LoadPlan {
  ModelParams target, draft;
  int32_t context = 0;          // tokens per sequence; 0 is to be chosen once the model is loaded
  std::vector<Device> devices;  // those of `target`, in its order
  std::vector<Warning> warnings;
};

// True once the answer is not wanted any more.
using IsAbandoned = std::function<bool()>;

// Looks at the devices and measures the models without their weights, unless the options leave the
// CPU alone; then no device is touched. Throws FaultError: gpu_unavailable, worker_unavailable,
// out_of_memory, model_not_found, model_invalid, cancelled.
LoadPlan plan_load(const EngineOptions& options, const IsAbandoned& is_abandoned);

// What that load would take, without loading any weights. Throws as plan_load() does.
Estimate estimate_load(const EngineOptions& options, const IsAbandoned& is_abandoned);

// Throws FaultError(out_of_memory) where the part in the system's memory does not fit into what is
// free: KV caches, states, compute buffers, and weights that are not mapped from the file. Measures
// the models without their weights, as estimate_load() does, except where memory is ample by what
// is known of the loaded models, or, with `loaded` null, of the file.
void check_memory(const EngineOptions& options, const LoadPlan& plan, const Models* loaded,
                  const IsAbandoned& is_abandoned);

// What the engine embeds by, where it does. Throws FaultError(model_invalid), also for adapters
// beside that: only text is generated with them.
std::optional<EmbeddingKind> kind_of(const Model& model, const EngineOptions& options);

// What the plan's devices and the system's memory hold.
Placement placement_of(const LoadPlan& plan, const Model& model, const MemoryPlan& memory);

// The facts of the model, without what depends on its contexts, and what the plan warns of.
LoadedModel described(const LoadPlan& plan, const Model& model, const ContextParams& params);

}  // namespace sluice
