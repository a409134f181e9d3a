#include "engine/state-origin.h"

#include <utility>

#include "llama/model-store.h"
#include "llama/runtime/devices.h"
#include "llama/runtime/runtime.h"

namespace sluice {

StateOrigin state_origin(std::vector<FileStamp> files, const Context& context,
                         const ContextParams& params) {
  const Model& model = context.model();
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
  add("scaled positions", std::to_string(context.positions() > model.unscaled_context()));
  return {settings, std::move(files), program_files()};
}

}  // namespace sluice
