#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gguf/gguf-metadata.h"
#include "gguf/gguf-reader.h"

namespace sluice {

// A description of a tensor as the file holds it.
struct GgufTensor {
  std::string name;
  uint64_t bytes;
  uint64_t offset;  // from where the data begins
};

// What stands in a file before its data. Owned by one check, on its thread; a plain value.
struct GgufHeader {
  GgufMetadata metadata;
  std::vector<GgufTensor> tensors;
  uint64_t alignment = 32;
};

// Reads the header of a file (versions 2 and 3, little endian) and checks it against the file's
// size: every length and offset lies within it, every type is known, all data is there. Throws
// GgufRefusal.
GgufHeader read_gguf_header(GgufReader& file);

}  // namespace sluice
