#include "base/file-lock.h"

#include <system_error>

#ifdef _WIN32
#include <windows.h>

#include <filesystem>
#else
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#endif

namespace sluice {

#ifdef _WIN32

std::unique_ptr<FileLock> FileLock::try_take(const std::string& path) {
  const auto failed = [&path] {
    return std::system_error(int(GetLastError()), std::system_category(), path);
  };
  const DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
  const HANDLE file =
      CreateFileW(std::filesystem::u8path(path).c_str(), GENERIC_READ | GENERIC_WRITE, share,
                  nullptr, OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (file == INVALID_HANDLE_VALUE) throw failed();
  std::unique_ptr<FileLock> lock(new FileLock(file));
  OVERLAPPED from_the_start = {};
  const DWORD flags = LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY;
  if (LockFileEx(file, flags, 0, 1, 0, &from_the_start)) return lock;
  if (GetLastError() != ERROR_LOCK_VIOLATION) throw failed();
  return nullptr;
}

FileLock::~FileLock() { CloseHandle(handle_); }

#else

namespace {

// Whether the path still names what was opened: who held the lock before may have removed it.
bool is_still_there(int file, const std::string& path) {
  struct stat opened, named;
  if (fstat(file, &opened) != 0 || stat(path.c_str(), &named) != 0) return false;
  return opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

}  // namespace

std::unique_ptr<FileLock> FileLock::try_take(const std::string& path) {
  while (true) {
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0664);
    if (file < 0) throw std::system_error(errno, std::generic_category(), path);
    std::unique_ptr<FileLock> lock(new FileLock(file));
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EINTR) continue;
      if (errno == EWOULDBLOCK) return nullptr;
      throw std::system_error(errno, std::generic_category(), path);
    }
    if (is_still_there(file, path)) return lock;
  }
}

FileLock::~FileLock() { close(handle_); }

#endif

}  // namespace sluice
