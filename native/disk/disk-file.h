#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

namespace sluice {

// A file that is open for reading, or for writing anew. Each call that fails throws
// std::system_error with the system's error. Used on one thread.
class DiskFile {
 public:
  static DiskFile reading(const std::string& path);
  // The file must be there; what was in it is gone.
  static DiskFile writing(const std::string& path);

  uint64_t size() const;
  // Fewer bytes at the file's end only.
  size_t read(void* bytes, size_t count);
  void write(const void* bytes, size_t count);
  // Returns once the disk has what was written.
  void sync();
  void close();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  DiskFile(const std::string& path, const char* mode);

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
};

// Has the disk know the names in a folder, where the system can.
void sync_folder(const std::string& path) noexcept;

}  // namespace sluice
