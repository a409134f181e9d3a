#include "llama/runtime/no-memory.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace sluice {

bool is_of_memory(const std::string& said) {
  constexpr std::array<const char*, 6> kWords = {
      "failed to allocate",      // most of ggml and llama.cpp
      "unable to allocate",      // a buffer of weights
      "insufficient memory",     // ggml_aligned_malloc
      "Cannot allocate memory",  // ENOMEM, of a mapping
      "bad_alloc",               // what() of C++
      "mem_buffer != NULL",      // ggml_init's assertion
  };
  return std::any_of(kWords.begin(), kWords.end(),
                     [&](const char* words) { return said.find(words) != std::string::npos; });
}

bool is_of_threads(const std::string& said) {
  const std::string words = std::generic_category().message(EAGAIN);
  return said.find(words) != std::string::npos;
}

}  // namespace sluice
