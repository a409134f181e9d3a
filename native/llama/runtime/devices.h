#pragma once

#include <string>
#include <utility>
#include <vector>

#include "memory/placement.h"

namespace sluice {

// What ggml knows of this machine. Each starts the runtime; from any thread.

// How closely devices are looked at. `names` touches none of them; `started` asks each GPU for its
// memory and starts it once, which takes some 100 ms for the first one.
enum class Look { names, started };

// All of them, in ggml's order; with a backend's name only its own, the CPU's and those of workers
// are looked at.
std::vector<Device> find_devices(Look look, const std::string& backend = "");

// The processor's features that ggml's CPU backend was built to use: ("AVX2", "1").
std::vector<std::pair<std::string, std::string>> cpu_features();

}  // namespace sluice
