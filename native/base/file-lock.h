#pragma once

#include <memory>
#include <string>

namespace sluice {

// The lock of a file, among all processes that ask for it in the same way: flock() on the whole
// file, on Windows LockFileEx() on its first byte. Python's filelock does so too, and with it the
// Hugging Face Hub's own client. The system frees it when its process ends, however it ends.
// Owned by whoever took it; any thread, one at a time.
class FileLock {
 public:
  // Makes the file where there is none. Null where another holds the lock; does not wait. Throws
  // std::system_error where the file cannot be opened, or its file system has no locks.
  static std::unique_ptr<FileLock> try_take(const std::string& path);
  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
#ifdef _WIN32
  using Handle = void*;
#else
  using Handle = int;
#endif
  explicit FileLock(Handle handle) : handle_(handle) {}
  const Handle handle_;
};

}  // namespace sluice
