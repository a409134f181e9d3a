#pragma once

#include <stdexcept>
#include <string>

namespace sluice {

// A failed assertion of ggml, with its place in the source.
struct AssertionError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// While one lives, an assertion of ggml that fails on this thread throws an AssertionError, where
// it would otherwise end the process. Owned by a block, on its thread; scopes nest.
//
// For work that one thread does alone and that leaves nothing behind when it fails: reading a
// file, making a context, splitting a text. llama.cpp itself catches exceptions around the first
// two. What it had allocated in C by then is lost, once per refused file. Not for computing: there
// the assertion may fail on one of ggml's own threads while others wait for it, which nothing can
// undo. On Windows it does nothing, because the compiler takes C functions not to throw.
class AssertScope {
 public:
  AssertScope();
  ~AssertScope();
  AssertScope(const AssertScope&) = delete;
  AssertScope& operator=(const AssertScope&) = delete;

  // Once per process, before any scope.
  static void install();

  // The assertion that failed; empty where none did. llama.cpp may have caught the exception
  // itself.
  const std::string& failure() const { return failure_; }

 private:
  static void on_failed_assertion(const char* message);

  AssertScope* const outer_;
  std::string failure_;
};

}  // namespace sluice
