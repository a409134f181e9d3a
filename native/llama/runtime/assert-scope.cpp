#include "llama/runtime/assert-scope.h"

#include <cstdio>

#include "ggml.h"

namespace sluice {
namespace {

thread_local AssertScope* innermost = nullptr;

// As "llama.cpp/src/FILE:LINE: WHAT", without the folder it was built in.
std::string shortened(const std::string& message) {
  const size_t folder = message.find("llama.cpp/");
  return folder == std::string::npos ? message : message.substr(folder);
}

}  // namespace

// ggml aborts the process when this returns. With a callback it prints nothing itself.
void AssertScope::on_failed_assertion(const char* message) {
#ifndef _WIN32
  if (innermost) {
    innermost->failure_ = shortened(message);
    throw AssertionError(innermost->failure_);
  }
#endif
  std::fprintf(stderr, "%s\n", message);
}

void AssertScope::install() { ggml_set_abort_callback(on_failed_assertion); }

AssertScope::AssertScope() : outer_(innermost) { innermost = this; }

AssertScope::~AssertScope() { innermost = outer_; }

}  // namespace sluice
