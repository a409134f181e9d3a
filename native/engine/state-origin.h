#pragma once

#include "disk/state-store.h"
#include "engine/engine-options.h"
#include "llama/context.h"
#include "llama/model.h"

namespace sluice {

// What a state of this model and context depends on beside its tokens: everything that changes a
// number in it. Whatever is missing here could make a wrong token of a state that was kept on disk,
// and what is here too much only has it computed again.
StateOrigin state_origin(const EngineOptions& options, const Model& model,
                         const ContextParams& params);

}  // namespace sluice
