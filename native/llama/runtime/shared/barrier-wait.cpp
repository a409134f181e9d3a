// Compiled into ggml's CPU backend, whose barrier calls it (deps/patches/barrier-waits.patch).

#include <atomic>
#include <chrono>
#include <thread>

namespace {

// About what it takes to sleep and be woken. Threads of a batch that are not disturbed are rarely
// further apart.
constexpr std::chrono::microseconds kSpin(50);
// Between two looks at the clock.
constexpr int kRelaxes = 32;

}  // namespace

// `n_passed` is C's atomic_int, which has the same layout. Returns when it is another value than
// `before`: at once a spin, then asleep, so that whoever is waited for can have this core.
extern "C" void ggml_barrier_wait(void* n_passed, int before, void (*relax)()) {
  auto& passed = *static_cast<std::atomic<int>*>(n_passed);
  const auto until = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < kRelaxes; ++i) {
      if (passed.load(std::memory_order_relaxed) != before) return;
      relax();
    }
  } while (std::chrono::steady_clock::now() < until);
#ifdef __cpp_lib_atomic_wait
  passed.wait(before, std::memory_order_relaxed);
#else
  while (passed.load(std::memory_order_relaxed) == before) std::this_thread::yield();
#endif
}

// After `n_passed` has changed.
extern "C" void ggml_barrier_wake(void* n_passed) {
#ifdef __cpp_lib_atomic_wait
  static_cast<std::atomic<int>*>(n_passed)->notify_all();
#endif
}
