#pragma once

#include <string>

namespace sluice {

// Whether what llama.cpp logged, or an assertion of it, says that there was no memory. It has no
// code for that: a file that is right must not be called damaged for it.
bool is_of_memory(const std::string& said);

// The same of threads, of which the system gave no more: its word for that is EAGAIN's.
bool is_of_threads(const std::string& said);

}  // namespace sluice
