#pragma once

#include <string>
#include <vector>

namespace sluice {

// A file that holds a backend of ggml, and what came of it.
struct BackendFile {
  std::string name;  // "cpu", "cuda", "vulkan" ...
  std::string path;
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
// they stay as they are.
std::vector<BackendFile> load_backends(const std::vector<std::string>& folders);

}  // namespace sluice
