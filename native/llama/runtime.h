#pragma once

#include <string>

namespace sluice {

// The process-wide part of llama.cpp: backends and the log. Initialised once, on first use, by
// whichever thread comes first; never torn down, because engines of other environments (worker
// threads) may still run while one of them ends.
void start_runtime();

// llama.cpp's release.
std::string runtime_version();

// Collects what llama.cpp logs as an error on this thread, so that a failed load can say why.
class ErrorLogScope {
 public:
  ErrorLogScope();
  ~ErrorLogScope();
  ErrorLogScope(const ErrorLogScope&) = delete;
  ErrorLogScope& operator=(const ErrorLogScope&) = delete;

  // The last lines, without newlines at the end; empty when nothing was logged.
  std::string text() const;
};

}  // namespace sluice
