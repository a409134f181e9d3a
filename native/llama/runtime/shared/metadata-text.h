#pragma once

#include <string>

struct gguf_context;

// What llama.cpp's loader logs of a model's metadata, in place of its gguf_kv_to_str, which makes
// text of the whole value: of a long list the first elements, more than the log shows.
std::string sluice_metadata_text(const gguf_context* metadata, int key);
