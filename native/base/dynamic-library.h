#pragma once

#include <filesystem>
#include <string>

namespace sluice {

// A library that is open as long as this lives. Used on one thread.
class DynamicLibrary {
 public:
  // Opens it; other libraries do not see its symbols. On failure `error()` says why.
  explicit DynamicLibrary(const std::filesystem::path& path);
  ~DynamicLibrary();
  DynamicLibrary(const DynamicLibrary&) = delete;
  DynamicLibrary& operator=(const DynamicLibrary&) = delete;

  explicit operator bool() const { return handle_ != nullptr; }
  const std::string& error() const { return error_; }
  // Null when it has no such symbol.
  void* symbol(const char* name) const;

 private:
  void* handle_ = nullptr;
  std::string error_;
};

// The file that a function or variable of this process was loaded from; empty when unknown.
std::filesystem::path file_of(const void* address);

}  // namespace sluice
