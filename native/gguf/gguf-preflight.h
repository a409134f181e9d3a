#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice {

// What the check of a model file found. Owned by the caller; a plain value, of no thread.
struct PreflightResult {
  bool ok = false;
  bool not_found = false;     // no such file, or it cannot be read
  bool can_be_mapped = true;  // false: its alignment is too small for ggml, so read it into memory
  std::string message;        // what was expected, what came and what to do; empty when ok
};

// Checks a GGUF file (versions 2 and 3, little endian) before llama.cpp sees it, which asserts or
// reads out of bounds on some damaged ones: every length and offset lies within the file, every
// tensor type is known, the tensors' data is all there, and no number of the metadata is one that
// llama.cpp asserts on (gguf-metadata.cpp has the list). Of a split model, given by its first part,
// it checks all parts. Reads headers only, never beyond a file's end. From any thread; never
// throws.
PreflightResult preflight_gguf(const std::string& path);

// What the check of a LoRA adapter's file found. Owned by the caller; a plain value, of no thread.
struct AdapterPreflight {
  bool ok = false;
  bool not_found = false;  // no such file, or it cannot be read
  uint64_t bytes = 0;      // of its tensors
  std::string message;     // as PreflightResult's
};

// The same check for the file of a LoRA adapter, which llama.cpp asserts on too where a value has
// another type than it expects. Whether it fits a model is not known here. Adapters that take
// effect from certain tokens on (aLoRA) are refused. From any thread; never throws.
AdapterPreflight preflight_adapter(const std::string& path);

// A model's file; of a split model, given by its first part, all parts. Reads nothing. From any
// thread.
std::vector<std::string> model_files(const std::string& path);

// Bytes of a model's file; of a split model, given by its first part, of all parts. What is missing
// counts as 0. Reads nothing. From any thread; never throws.
uint64_t model_file_bytes(const std::string& path);

}  // namespace sluice
