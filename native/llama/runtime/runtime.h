#pragma once

#include <string>
#include <vector>

#include "disk/file-digest.h"
#include "llama/runtime/backends.h"

namespace sluice {

// The process-wide part of llama.cpp: backends and the log. Initialised on first use, by any
// thread; never torn down, because engines of other environments (worker threads) may still run
// when one of them ends. `backend_folders`: further backends than those beside the addon; of no
// effect once this has succeeded. Throws FaultError when there is no backend; the next call looks
// again.
void start_runtime(const std::vector<std::string>& backend_folders = {});

// llama.cpp's release.
std::string runtime_version();
// All backends that were looked for, loaded or not.
const std::vector<BackendFile>& runtime_backends();

// The addon, with our kernels and llama.cpp in it, and the backends that are files of their own, as
// they were when they were loaded.
const std::vector<FileStamp>& program_files();

// Collects what llama.cpp logs as an error on this thread, so that a failed load can say why.
// Scopes nest: the innermost one collects until it ends, by an exception too. Each thread has its
// own. Must be a local variable.
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
