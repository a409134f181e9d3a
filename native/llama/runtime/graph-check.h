#pragma once

#include <cstdint>
#include <string>

struct ggml_cgraph;

namespace sluice {

// What ggml's CPU backend would assert on, or read out of bounds for, when it computed this graph,
// as a sentence; empty where there is nothing. Looks at types, shapes and parameters only. The
// graph holds what the file says by whatever key of whatever architecture, so this is one check
// for all of them. From any thread.
std::string uncomputable(ggml_cgraph* graph);

// How many positions the model has an embedding for, where it looks them up in a table; the
// largest number there is otherwise. Beyond, ggml asserts.
int64_t positions_max(ggml_cgraph* graph);

}  // namespace sluice
