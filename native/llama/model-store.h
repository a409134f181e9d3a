#pragma once

#include <memory>
#include <string>

#include "llama/model.h"

namespace sluice {

// Loads each file once per process and shares it: engines have references, and the last one frees
// the weights. Any thread; a second engine waits while the first loads. A file that was replaced on
// disk (another size or time) is another model, and so is one with another placement.
std::shared_ptr<const Model> shared_model(const std::string& path, const ModelParams& params,
                                          const Model::Progress& progress);

// The same for two paths where they are one file, as it is now. Any thread.
std::string file_key(const std::string& path);
// Everything that changes how weights are placed. Any thread.
std::string placement_key(const ModelParams& params);
// The same where engines share the model: one file, and one placement. Any thread.
std::string model_key(const std::string& path, const ModelParams& params);

}  // namespace sluice
