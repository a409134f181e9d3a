#include "llama/runtime/runtime.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <mutex>

#include "base/dynamic-library.h"
#include "llama.h"
#include "llama/runtime/assert-scope.h"
#include "log.h"

namespace sluice {
namespace {

constexpr size_t kErrorTextMax = 2048;

// Written once, by start_runtime.
std::vector<BackendFile> backends;
std::vector<FileStamp> programs;

thread_local ErrorLogScope* innermost = nullptr;

// Nothing may reach stdout, and stderr is the application's: the log is silent unless
// SLUICE_DEBUG is set.
void on_log(ggml_log_level level, const char* text, void* debug) {
  if (level == GGML_LOG_LEVEL_ERROR && innermost) innermost->add(text);
  if (debug) std::fputs(text, stderr);
}

void set_environment_default(const char* name, const char* value) {
#ifdef _WIN32
  if (!std::getenv(name)) _putenv_s(name, value);
#else
  setenv(name, value, 0);
#endif
}

void stamp_programs() {
  programs.push_back(stamp_of(file_of(reinterpret_cast<const void*>(&stamp_programs)).u8string()));
  for (const BackendFile& backend : backends) {
    if (backend.loaded && !backend.path.empty()) programs.push_back(stamp_of(backend.path));
  }
}

}  // namespace

void start_runtime(const std::vector<std::string>& backend_folders) {
  // No std::call_once: where the C library is musl, one that throws is never called again.
  static auto* mutex =
      new std::mutex();  // leaked, as engine threads may outlive static destruction
  static bool is_started = false;
  const std::lock_guard<std::mutex> lock(*mutex);
  if (is_started) return;
  // Without it a failed assertion in ggml forks a debugger.
  set_environment_default("GGML_NO_BACKTRACE", "1");
  // Before any LOG_ of llama.cpp's common, which would start a thread that is never joined.
  common_log_set_verbosity_thold(-1);
  static char debug_marker;
  llama_log_set(on_log, std::getenv("SLUICE_DEBUG") ? &debug_marker : nullptr);
  backends = load_backends(backend_folders);
  stamp_programs();
  AssertScope::install();
  llama_backend_init();
  is_started = true;
}

std::string runtime_version() { return llama_version(); }

const std::vector<BackendFile>& runtime_backends() {
  start_runtime();
  return backends;
}

const std::vector<FileStamp>& program_files() {
  start_runtime();
  return programs;
}

ErrorLogScope::ErrorLogScope() : outer_(innermost) { innermost = this; }

ErrorLogScope::~ErrorLogScope() { innermost = outer_; }

void ErrorLogScope::add(const char* text) noexcept {
  if (text_.size() >= kErrorTextMax) return;
  try {
    text_.append(text);
  } catch (const std::exception&) {
    text_.clear();  // there is no memory for it, and C code cannot be thrown through
  }
}

std::string ErrorLogScope::text() const {
  std::string text = text_;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace sluice
