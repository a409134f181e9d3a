// Compiled into the shared library that holds ggml's registry of backends, not into the addon.
#include "llama/runtime/shared/backends-mutex.h"

std::mutex& sluice_backends_mutex() {
  static std::mutex mutex;
  return mutex;
}
