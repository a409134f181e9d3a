#include "llama/runtime/runtime.h"

#include <stdexcept>
#include <thread>

#include "llama.h"
#include "test/check.h"

using sluice::ErrorLogScope;

namespace {

// As llama.cpp does it.
void log_error(const char* text) {
  ggml_log_callback callback = nullptr;
  void* data = nullptr;
  llama_log_get(&callback, &data);
  callback(GGML_LOG_LEVEL_ERROR, text, data);
}

}  // namespace

TEST("error log: scopes nest, and each has what was logged while it was the innermost one") {
  sluice::start_runtime();
  ErrorLogScope outer;
  log_error("first\n");
  {
    ErrorLogScope inner;
    CHECK_EQ(inner.text(), "");
    log_error("second\n");
    CHECK_EQ(inner.text(), "second");
    CHECK_EQ(outer.text(), "first");
  }
  log_error("third\n");
  CHECK_EQ(outer.text(), "first\nthird");
}

TEST("error log: a scope that ends by an exception leaves the outer one in its place") {
  sluice::start_runtime();
  ErrorLogScope outer;
  try {
    ErrorLogScope inner;
    log_error("lost\n");
    throw std::runtime_error("a failed load");
  } catch (const std::runtime_error&) {
    log_error("kept\n");
  }
  CHECK_EQ(outer.text(), "kept");
}

TEST("error log: each thread has its own") {
  sluice::start_runtime();
  ErrorLogScope here;
  std::string there;
  std::thread other([&] {
    log_error("nobody collects this\n");
    ErrorLogScope scope;
    log_error("there\n");
    there = scope.text();
  });
  other.join();
  log_error("here\n");
  CHECK_EQ(there, "there");
  CHECK_EQ(here.text(), "here");
}

TEST("error log: without a scope an error is nobody's, and a long one is cut") {
  sluice::start_runtime();
  log_error("nobody collects this\n");
  ErrorLogScope scope;
  for (int32_t i = 0; i < 100; ++i) log_error(std::string(100, 'x').c_str());
  CHECK(scope.text().size() < 4000);
}
