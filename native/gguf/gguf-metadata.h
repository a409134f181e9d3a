#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

namespace sluice {

// A number, or an array of at most 512 numbers (one for each layer, say).
struct GgufNumbers {
  std::vector<double> values;  // exact up to 2^53
  uint32_t type;               // of each, by GGUF's number for it
  bool is_array;
};

// The values of a GGUF file's metadata that are looked at. Owned by one check, on its thread.
struct GgufMetadata {
  std::unordered_map<std::string, GgufNumbers> numbers;
  std::unordered_map<std::string, std::string> words;       // strings, of long ones the beginning
  std::unordered_map<std::string, uint64_t> array_lengths;  // of all arrays

  // A single number; `otherwise` where there is none by this name.
  double number(const std::string& key, double otherwise) const;
};

// The value in the metadata that llama.cpp would assert on or divide by zero for, as a sentence
// about the file; empty when there is none. From any thread.
std::string unusable_metadata(const GgufMetadata& metadata);

// A tensor that is missing though another one needs it, as a sentence: for some, llama.cpp checks
// only that the other is there, and then reads through a null pointer. Empty when none is missing.
// `has` says whether the model has a tensor of that name.
std::string missing_tensor(const GgufMetadata& metadata,
                           const std::function<bool(const std::string&)>& has);

}  // namespace sluice
