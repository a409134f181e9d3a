#include "engine/state-origin.h"

#include <algorithm>

#include "base/dynamic-library.h"
#include "gguf/gguf-preflight.h"
#include "llama/model-store.h"
#include "llama/runtime/devices.h"
#include "llama/runtime/runtime.h"

namespace sluice {
namespace {

// The addon, with our kernels and llama.cpp in it, and the backends that are files of their own.
std::vector<std::string> programs() {
  std::vector<std::string> files{file_of(reinterpret_cast<const void*>(&programs)).u8string()};
  for (const BackendFile& backend : runtime_backends()) {
    if (backend.loaded && !backend.path.empty()) files.push_back(backend.path);
  }
  return files;
}

}  // namespace

StateOrigin state_origin(const EngineOptions& options, const Model& model,
                         const ContextParams& params) {
  std::string settings;
  const auto add = [&](const std::string& name, const std::string& value) {
    settings += name + '=' + value + '\n';
  };
  add("llama.cpp", runtime_version());
  for (const auto& [name, value] : cpu_features()) add("processor " + name, value);
  add("placement", placement_key(model.params()));
  for (const Device& device : find_devices(Look::names)) {
    add("device " + device.name, device.backend + ' ' + device.description);
  }
  add("kv", name_of(params.kv_type));
  add("flash attention", std::to_string(int(params.flash_attention)));
  add("shared cells", std::to_string(params.shared_cells > 0));
  add("heads", std::to_string(params.heads_draft_max > 0));
  const int32_t context = std::max(params.context, params.shared_cells);
  add("scaled positions", std::to_string(context > model.unscaled_context()));
  return {settings, model_files(options.model_path), programs()};
}

}  // namespace sluice
