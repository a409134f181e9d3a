#pragma once

#ifndef _WIN32
#include <pthread.h>
#endif

#include <cstddef>
#include <exception>
#include <functional>

#include "test/check.h"

namespace samples {

// ThreadSanitizer has the system put most of a MiB of its own onto each thread's stack, so that a
// small one is neither as small as asked for nor as large as the system says.
#ifdef __SANITIZE_THREAD__
constexpr bool kHasSmallStacks = false;
#else
constexpr bool kHasSmallStacks = true;
#endif

// Calls `body` on a thread with so large a stack, where the system can give one.
// The engine's thread has one of 512 MiB (base/stack-thread.h, which native/llama may not
// include).
inline void on_stack_of(size_t bytes, const std::function<void()>& body) {
#ifdef _WIN32
  (void)bytes;
  body();
#else
  struct Run {
    const std::function<void()>& body;
    std::exception_ptr failure;
  } run{body, nullptr};
  const auto start = [](void* data) -> void* {
    Run& run = *static_cast<Run*>(data);
    try {
      run.body();
    } catch (...) {
      run.failure = std::current_exception();
    }
    return nullptr;
  };
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, bytes);
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, &attributes, start, &run), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  if (run.failure) std::rethrow_exception(run.failure);
#endif
}

}  // namespace samples
