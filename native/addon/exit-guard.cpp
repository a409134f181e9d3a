#include "addon/exit-guard.h"

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <set>

#ifndef _WIN32
#include <unistd.h>
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

#ifndef _WIN32
std::atomic<pid_t> owner{0};

void end_engines() {
  if (getpid() != owner) return;  // a child that was forked has none of the threads
  is_exiting = true;
  Guarded& all = guarded();
  const std::lock_guard<std::mutex> lock(all.mutex);
  for (Engine* engine : all.engines) engine->close();  // all of them at once
  for (Engine* engine : all.engines) engine->join();
}
#endif

}  // namespace

void guard_exit(Engine& engine) {
  Guarded& all = guarded();
  {
    const std::lock_guard<std::mutex> lock(all.mutex);
    all.engines.insert(&engine);
  }
  rearm_exit_guard();
}

void unguard_exit(Engine& engine) {
  Guarded& all = guarded();
  const std::lock_guard<std::mutex> lock(all.mutex);
  all.engines.erase(&engine);
}

void rearm_exit_guard() {
#ifndef _WIN32
  if (is_exiting) return;
  owner = getpid();
  std::atexit(end_engines);
#endif
}

bool is_process_exiting() { return is_exiting; }

}  // namespace sluice
