#include "base/stack.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <pthread.h>
#endif

namespace sluice {
namespace {

size_t measured() {
#if defined(_WIN32)
  ULONG_PTR low = 0, high = 0;
  GetCurrentThreadStackLimits(&low, &high);
  return size_t(high - low);
#elif defined(__APPLE__)
  return pthread_get_stacksize_np(pthread_self());
#else
  constexpr size_t unknown = size_t(128) << 10;  // what any system gives
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return unknown;
  size_t bytes = unknown;
  pthread_attr_getstacksize(&attributes, &bytes);
  pthread_attr_destroy(&attributes);
  return bytes;
#endif
}

}  // namespace

size_t stack_bytes() {
  thread_local const size_t bytes = measured();
  return bytes;
}

}  // namespace sluice
