#include "addon/exit-guard.h"

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <set>

#ifndef _WIN32
#include <unistd.h>
#endif

#ifdef __linux__
extern "C" {
using Destructor = void (*)(void*);
int __real___cxa_atexit(Destructor destructor, void* object, void* library);
int __wrap___cxa_atexit(Destructor destructor, void* object, void* library);
extern void* __dso_handle;
}
#endif

#include "engine/engine.h"

namespace sluice {
namespace {

struct Guarded {
  std::mutex mutex;
  std::set<Engine*> engines;
};

// Leaked on purpose: it is used while static objects are destroyed.
Guarded& guarded() {
  static auto* one = new Guarded();
  return *one;
}

std::atomic<bool> is_exiting{false};
std::atomic<int> engines_count{0};

#ifndef _WIN32
std::atomic<pid_t> owner{0};

void end_engines(void*) {
  if (getpid() != owner) return;  // a child that was forked has none of the threads
  is_exiting = true;
  Guarded& all = guarded();
  const std::lock_guard<std::mutex> lock(all.mutex);
  for (Engine* engine : all.engines) engine->close();  // all of them at once
  for (Engine* engine : all.engines) engine->join();
}

void run_at_exit() {
#ifdef __linux__
  __real___cxa_atexit(end_engines, nullptr, &__dso_handle);
#else
  std::atexit([] { end_engines(nullptr); });
#endif
}
#endif

}  // namespace

void guard_exit(Engine& engine) {
  Guarded& all = guarded();
  {
    const std::lock_guard<std::mutex> lock(all.mutex);
    all.engines.insert(&engine);
    engines_count = int(all.engines.size());
  }
  rearm_exit_guard();
}

void unguard_exit(Engine& engine) {
  Guarded& all = guarded();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.engines.erase(&engine);
  engines_count = int(all.engines.size());
}

void rearm_exit_guard() {
#ifndef _WIN32
  if (is_exiting) return;
  owner = getpid();
  run_at_exit();
#endif
}

bool is_process_exiting() { return is_exiting; }

}  // namespace sluice

#ifdef __linux__
// In the place of the C library's, for the addon's own static objects and llama.cpp's.
int __wrap___cxa_atexit(Destructor destructor, void* object, void* library) {
  const int code = __real___cxa_atexit(destructor, object, library);
  if (sluice::engines_count > 0) sluice::rearm_exit_guard();
  return code;
}
#endif
