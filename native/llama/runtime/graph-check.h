#pragma once

#include <cstdint>
#include <string>

struct ggml_cgraph;

namespace sluice {

// Why ggml's CPU backend would assert or read out of bounds if it computed this graph, as a
// sentence; empty where it would not. Looks at types, shapes and parameters only. Values of the
// file end up in the graph whatever their keys and the architecture, so this is one check for all.
// Any thread.
std::string uncomputable(ggml_cgraph* graph);

// How many positions the model has embeddings for, where it looks them up in a table; else the
// largest number. ggml asserts on positions beyond it.
int64_t positions_max(ggml_cgraph* graph);

}  // namespace sluice
