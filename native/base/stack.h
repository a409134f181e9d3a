#pragma once

#include <cstddef>

namespace sluice {

// How large the calling thread's stack is, in bytes. What recurses with a stranger's text asks it
// for its limit, so that the limit follows from what the system gave.
size_t stack_bytes();

// A limit of what takes so many bytes of stack for each: a quarter is left for what calls it.
constexpr size_t stack_limit(size_t stack_bytes, size_t bytes_each, size_t most) {
  const size_t affordable = stack_bytes / 4 * 3 / bytes_each;
  return affordable < most ? affordable : most;
}

// What an error says of a limit that is lower for want of stack.
inline const char* small_stack_hint() {
  return ", or let the process have more address space (ulimit -v, vm.overcommit_memory): the "
         "system gave a smaller stack than was asked for";
}

}  // namespace sluice
