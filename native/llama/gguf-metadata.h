#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

namespace sluice {

// The scalar values of a GGUF file's metadata. Owned by one check, on its thread.
struct GgufMetadata {
  std::unordered_map<std::string, uint64_t> numbers;   // whole ones; a negative one becomes large
  std::unordered_map<std::string, std::string> words;  // short strings
};

// What llama.cpp would assert on while it loads any architecture, as a sentence about the file;
// empty when there is nothing. Single architectures assert more, which only `isolation: 'process'`
// survives. From any thread.
std::string unusable_metadata(const GgufMetadata& metadata);

}  // namespace sluice
