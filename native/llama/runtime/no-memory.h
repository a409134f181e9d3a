#pragma once

#include <string>

namespace sluice {

// Whether what llama.cpp logged, or an assertion of it, says that there was no memory. It has no
// code for that: a file that is right must not be called damaged for it.
bool is_of_memory(const std::string& said);

}  // namespace sluice
