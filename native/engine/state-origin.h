#pragma once

#include <vector>

#include "disk/state-store.h"
#include "llama/context.h"

namespace sluice {

// What a state of this context depends on beside its tokens: everything that changes a
// number in it. Whatever is missing here could make a wrong token of a state that was kept on disk,
// and what is here too much only has it computed again. `files`: the model's, from before they were
// loaded.
StateOrigin state_origin(std::vector<FileStamp> files, const Context& context,
                         const ContextParams& params);

}  // namespace sluice
