#pragma once

#include <cstddef>
#include <functional>
#include <system_error>

#ifndef _WIN32
#include <pthread.h>
#endif

namespace sluice {

// For threads that recurse with a request's text. Reserved, not committed.
//
// The Preparer's: llama.cpp splits text by std::regex for many tokenizers, and libstdc++'s recurses
// once per character of a match (run_bytes_max() in llama/model.cpp). The engine's: llama.cpp's
// parser of replies recurses with each bracket inside another (brackets_max() in
// llama/chat/chat-parser.h). Templates are read and run on both (llama/template/chat-template.cpp).
//
// Where the system refuses so much, their limits follow from what it gives (base/stack.h).
constexpr size_t kDeepStackBytes = size_t(512) << 20;

// A thread with a stack of a chosen size, which std::thread cannot have. Memory is reserved and
// only taken as it is used. Its owner must join it.
class StackThread {
 public:
  // Where address space is short the stack is smaller: at most a quarter of what is left, since the
  // rest is needed too, and it is halved for as long as the system refuses. Throws
  // std::system_error when there is no thread.
  StackThread(size_t stack_bytes, std::function<void()> body);
  // The stack that each of so many threads gets if they are started one after the other.
  static size_t affordable(size_t stack_bytes, size_t threads);
  void join();
  // What it got.
  size_t stack_bytes() const { return stack_bytes_; }

  StackThread(const StackThread&) = delete;
  StackThread& operator=(const StackThread&) = delete;

 private:
  // An error code; 0 is success.
  int start(size_t stack_bytes);

  std::function<void()> body_;
  size_t stack_bytes_ = 0;
#ifdef _WIN32
  static unsigned __stdcall run(void* self);
  void* thread_ = nullptr;
#else
  static void* run(void* self);
  pthread_t thread_{};
#endif
};

}  // namespace sluice
