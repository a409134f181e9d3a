#include "engine/stack-thread.h"

#include <utility>

namespace sluice {

#ifdef _WIN32

StackThread::StackThread(size_t, std::function<void()> body) : thread_(std::move(body)) {}

void StackThread::join() { thread_.join(); }

#else

StackThread::StackThread(size_t stack_bytes, std::function<void()> body) : body_(std::move(body)) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_bytes);
  int code = pthread_create(&thread_, &attributes, start, this);
  pthread_attr_destroy(&attributes);
  if (code != 0) code = pthread_create(&thread_, nullptr, start, this);
  if (code != 0) throw std::system_error(code, std::generic_category(), "starting a thread");
}

void* StackThread::start(void* self) {
  static_cast<StackThread*>(self)->body_();
  return nullptr;
}

void StackThread::join() { pthread_join(thread_, nullptr); }

#endif

}  // namespace sluice
