#pragma once

#include <string>
#include <vector>

#include "llama/runtime/backends.h"

namespace sluice {

// The process-wide part of llama.cpp: backends and the log. Initialised once, on first use, by
// whichever thread comes first; never torn down, because engines of other environments (worker
// threads) may still run while one of them ends. `backend_folders` hold backends that are not
// beside the addon, and count until a call succeeds. Throws FaultError when no backend is there;
// the next call looks again.
void start_runtime(const std::vector<std::string>& backend_folders = {});

// llama.cpp's release.
std::string runtime_version();
// What may compute, whether it is here or not.
const std::vector<BackendFile>& runtime_backends();

// Collects what llama.cpp logs as an error on this thread, so that a failed load can say why.
// Scopes nest: what is logged is the innermost one's, and the outer one's again when that ends, by
// an exception too. Each thread has its own. Lives and dies on one thread, on its stack.
class ErrorLogScope {
 public:
  ErrorLogScope();
  ~ErrorLogScope();
  ErrorLogScope(const ErrorLogScope&) = delete;
  ErrorLogScope& operator=(const ErrorLogScope&) = delete;

  // The last lines, without newlines at the end; empty when nothing was logged.
  std::string text() const;
  // For the log's callback.
  void add(const char* text) noexcept;

 private:
  std::string text_;
  ErrorLogScope* const outer_;
};

}  // namespace sluice
