#pragma once

#include <string>
#include <vector>

struct ggml_backend_reg;

namespace sluice {

// A backend of ggml, in a file of its own or linked into the addon, and whether it was loaded.
struct BackendFile {
  std::string name;     // "cpu", "cuda", "vulkan" ...
  std::string path;     // empty where it is linked in, or not here
  std::string variant;  // of the CPU backend: the processors that it is made for, like "haswell"
  bool loaded = false;
  std::string reason;  // why it is not loaded, or of no use; else empty
};

// Loads ggml's backends where they are libraries beside the addon (a package): from the addon's own
// folder, then from `folders`, which hold further ones, and from nowhere else. Of the CPU backend
// the variant that suits this processor best. Reports every file that was looked at. Throws
// FaultError when no CPU backend could be loaded.
// Where the backends are linked into the addon (a build from source) it only reports them.
// To be called once per process and before llama_backend_init(), which would search the current
// folder. Another copy of the addon that shares ggml's registry may have loaded them already: then
// they stay as they are. Backends of GPUs that this system may have are named where they are
// missing, too.
std::vector<BackendFile> load_backends(const std::vector<std::string>& folders);

// ggml's name of a backend as ours: "cpu", "cuda", "metal".
std::string registry_name(ggml_backend_reg* registry);

}  // namespace sluice
