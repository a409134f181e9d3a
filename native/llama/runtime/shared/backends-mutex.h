#pragma once

#include <mutex>

#include "ggml.h"

// Held while backends are loaded. Two copies of the addon in one process (two folders of
// node_modules) share the registry, and so they need to share this.
GGML_API std::mutex& sluice_backends_mutex();
