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

// For threads that recurse with a request's text. Reserved, not committed.
//
// The Preparer's: llama.cpp splits text by std::regex for many tokenizers, and libstdc++'s recurses
// once per character of a match: 320 bytes of stack each, so a run of 26,000 letters overflows the
// usual 8 MiB. kRunBytesMax in llama/model.cpp is what it carries.
//
// The engine's: llama.cpp's parser of replies recurses with each bracket inside another, some 5 KiB
// each. kBracketsMax in llama/chat-parser.h is what it carries.
constexpr size_t kDeepStackBytes = size_t(512) << 20;

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
