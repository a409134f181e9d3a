#pragma once

#include <memory>
#include <string>

#include "llama/model.h"

namespace sluice {

// Loads each file once per process and shares it: engines hold the references, and the last to
// let go frees the weights. Safe from any thread; a second engine waits while the first loads.
// A file that was replaced on disk (another size or time) is another model, and so is one that is
// placed elsewhere.
std::shared_ptr<const Model> shared_model(const std::string& path, const ModelParams& params,
                                          const Model::Progress& progress);

// The same for two paths where they are one file, as it is now. Any thread.
std::string file_key(const std::string& path);

}  // namespace sluice
