#ifdef __linux__  // where a program can have a pthread_create of its own

#include "llama/test/kernels/few-threads.h"

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include "llama/test/kernels/product.h"

namespace {

std::atomic<bool> has_threads{true};

}  // namespace

// The program's own comes before the system's, also for libraries.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*run)(void*), void* argument) {
  if (!has_threads) return EAGAIN;
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  return create(thread, attributes, run, argument);
}

namespace kernels {

namespace {

class NoThreads {
 public:
  NoThreads() { has_threads = false; }
  ~NoThreads() { has_threads = true; }
};

void check_there_are_none() {
  try {
    std::thread([] {}).join();
  } catch (const std::system_error&) {
    return;
  }
  throw std::runtime_error("a thread was made, so nothing is tested");
}

}  // namespace

void check_without_threads(const CpuBackend& backend) {
  const int64_t rows = 40;
  const Operands operands(GGML_TYPE_Q8_0, {256, 96, rows, {}, {}}, 1);
  backend.use_threads(1);
  for (const auto buffer_type : backend.weight_buffer_types()) {
    const Placement placement = {GGML_TYPE_Q8_0, buffer_type, Use::kProduct};
    if (!would_place(backend, placement, operands.sizes())) continue;
    const PlacedWeights usual(placement, operands);
    const auto without = [&] {
      const NoThreads none;
      check_there_are_none();
      return PlacedWeights(placement, operands);
    };
    const PlacedWeights weights = without();
    if (compute_product(backend, weights, operands, {rows}) ==
        compute_product(backend, usual, operands, {rows}))
      continue;
    throw std::runtime_error(std::string("other weights in ") +
                             ggml_backend_buft_name(buffer_type));
  }
}

}  // namespace kernels

#endif
