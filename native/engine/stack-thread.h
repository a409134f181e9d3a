#pragma once

#include <cstddef>
#include <functional>
#include <system_error>

#ifdef _WIN32
#include <thread>
#else
#include <pthread.h>
#endif

namespace sluice {

// A thread with a stack of a chosen size, which std::thread cannot have. Memory is reserved and
// only taken as it is used. On Windows the size is the linker's. Owned by whoever joins it.
class StackThread {
 public:
  // Throws std::system_error when there is no thread to be had. A size that the system refuses
  // (an address-space limit) becomes its default.
  StackThread(size_t stack_bytes, std::function<void()> body);
  void join();

  StackThread(const StackThread&) = delete;
  StackThread& operator=(const StackThread&) = delete;

 private:
#ifdef _WIN32
  std::thread thread_;
#else
  static void* start(void* self);

  std::function<void()> body_;
  pthread_t thread_;
#endif
};

}  // namespace sluice
