#include "disk/disk-file.h"

#include <cerrno>
#include <system_error>

#ifdef _WIN32
#include <io.h>

#include <filesystem>
#else
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace sluice {
namespace {

std::FILE* open_file(const std::string& path, const char* mode) {
#ifdef _WIN32
  const std::wstring wide(mode, mode + std::char_traits<char>::length(mode));
  return _wfopen(std::filesystem::u8path(path).c_str(), wide.c_str());
#else
  return std::fopen(path.c_str(), mode);
#endif
}

[[noreturn]] void fail(const std::string& path) {
  throw std::system_error(errno, std::generic_category(), path);
}

}  // namespace

DiskFile::DiskFile(const std::string& path, const char* mode)
    : path_(path), file_(open_file(path, mode)) {
  if (!file_) fail(path_);
  std::setvbuf(file_.get(), nullptr, _IONBF, 0);  // what is written is large, and not copied twice
}

#ifdef _WIN32
DiskFile DiskFile::reading(const std::string& path) { return DiskFile(path, "rb"); }
DiskFile DiskFile::writing(const std::string& path) { return DiskFile(path, "r+b"); }
#else
DiskFile DiskFile::reading(const std::string& path) { return DiskFile(path, "rbe"); }
DiskFile DiskFile::writing(const std::string& path) { return DiskFile(path, "r+be"); }
#endif

uint64_t DiskFile::size() const {
#ifdef _WIN32
  const int64_t size = _filelengthi64(_fileno(file_.get()));
  if (size < 0) fail(path_);
  return uint64_t(size);
#else
  struct stat found;
  if (fstat(fileno(file_.get()), &found) != 0) fail(path_);
  return uint64_t(found.st_size);
#endif
}

size_t DiskFile::read(void* bytes, size_t count) {
  errno = 0;
  const size_t there = std::fread(bytes, 1, count, file_.get());
  if (there < count && std::ferror(file_.get())) fail(path_);
  return there;
}

void DiskFile::write(const void* bytes, size_t count) {
  errno = 0;
  if (std::fwrite(bytes, 1, count, file_.get()) != count) fail(path_);
}

void DiskFile::sync() {
#ifdef _WIN32
  if (_commit(_fileno(file_.get())) != 0) fail(path_);
#else
  if (fsync(fileno(file_.get())) != 0) fail(path_);
#endif
}

void DiskFile::close() {
  if (std::fclose(file_.release()) != 0) fail(path_);
}

void sync_folder(const std::string& path) noexcept {
#ifdef _WIN32
  (void)path;  // has no such thing
#else
  const int folder = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (folder < 0) return;
  fsync(folder);  // where it fails, a cut of the power may lose the newest states
  close(folder);
#endif
}

}  // namespace sluice
