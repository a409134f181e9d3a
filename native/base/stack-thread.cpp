#include "base/stack-thread.h"

#include <cerrno>
#include <cstdint>
#include <utility>

#ifdef _WIN32
#include <process.h>
#include <windows.h>
#else
#include <sys/mman.h>
#endif

namespace sluice {
namespace {

constexpr size_t kStackBytesMin = size_t(256) << 10;
constexpr size_t kRoomPerStack = 4;

// Whether so much address space is to be had, as a stack's is.
bool has_room(size_t bytes) {
#ifdef _WIN32
  void* room = VirtualAlloc(nullptr, bytes, MEM_RESERVE, PAGE_READWRITE);
  return room && VirtualFree(room, 0, MEM_RELEASE);
#else
  void* room = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return room != MAP_FAILED && munmap(room, bytes) == 0;
#endif
}

}  // namespace

size_t StackThread::affordable(size_t stack_bytes, size_t threads) {
  const size_t per_stack = kRoomPerStack * threads;
  while (stack_bytes > kStackBytesMin &&
         (stack_bytes > SIZE_MAX / per_stack || !has_room(per_stack * stack_bytes))) {
    stack_bytes /= 2;
  }
  return stack_bytes;
}

StackThread::StackThread(size_t stack_bytes, std::function<void()> body) : body_(std::move(body)) {
  stack_bytes = affordable(stack_bytes, 1);
  for (;; stack_bytes /= 2) {
    stack_bytes_ = stack_bytes;  // before the thread reads it
    const int code = start(stack_bytes);
    if (code == 0) return;
    if (stack_bytes / 2 >= kStackBytesMin) continue;
    throw std::system_error(code, std::generic_category(), "starting a thread");
  }
}

#ifdef _WIN32

int StackThread::start(size_t stack_bytes) {
  thread_ =
      reinterpret_cast<void*>(_beginthreadex(nullptr, static_cast<unsigned>(stack_bytes), run, this,
                                             STACK_SIZE_PARAM_IS_A_RESERVATION, nullptr));
  if (thread_) return 0;
  return errno != 0 ? errno : EAGAIN;  // 0 would be taken for success
}

unsigned __stdcall StackThread::run(void* self) {
  static_cast<StackThread*>(self)->body_();
  return 0;
}

void StackThread::join() {
  WaitForSingleObject(thread_, INFINITE);
  CloseHandle(thread_);
}

#else

int StackThread::start(size_t stack_bytes) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  int code = pthread_attr_setstacksize(&attributes, stack_bytes);
  if (code == 0) code = pthread_create(&thread_, &attributes, run, this);
  pthread_attr_destroy(&attributes);
  return code;
}

void* StackThread::run(void* self) {
  static_cast<StackThread*>(self)->body_();
  return nullptr;
}

void StackThread::join() { pthread_join(thread_, nullptr); }

#endif

}  // namespace sluice
