#pragma once

#include <cstddef>

namespace sluice {

// How large the calling thread's stack is, in bytes. Code that recurses with a request's text takes
// its limit from this, so that the limit follows from what the system gave.
size_t stack_bytes();

// How deep code may recurse that takes so many bytes of stack each time: a quarter of the stack is
// left to its callers.
constexpr size_t stack_limit(size_t stack_bytes, size_t bytes_each, size_t most) {
  const size_t affordable = stack_bytes / 4 * 3 / bytes_each;
  return affordable < most ? affordable : most;
}

// What an error adds where a limit is lower because the stack is small.
inline const char* small_stack_hint() {
  return ", or let the process have more address space (ulimit -v, vm.overcommit_memory): the "
         "system gave a smaller stack than was asked for";
}

}  // namespace sluice
