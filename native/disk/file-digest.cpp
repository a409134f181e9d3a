#include "disk/file-digest.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <vector>

#include "disk/xxhash64.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

// The metadata of a model stands at its beginning. 1,024 samples of 4 KiB take some 5 ms of a file
// that is in memory.
constexpr uint64_t kBeginningBytes = uint64_t(4) << 20, kSampleBytes = 4096, kSamples = 1024;
constexpr size_t kPieceBytes = size_t(1) << 20;

// What tells a file from most others: its size, its beginning, and samples from all over it.
std::string sampled_file(const std::string& path) {
  std::error_code error;
  const uint64_t size = uint64_t(fs::file_size(fs::u8path(path), error));
  std::ifstream file(fs::u8path(path), std::ios::binary);
  if (error || !file) return "";
  XxHash64 sum;
  std::vector<char> bytes;
  const auto add = [&](uint64_t at, uint64_t count) {
    bytes.resize(size_t(std::min(count, size - at)));
    file.seekg(std::streamoff(at));
    file.read(bytes.data(), std::streamsize(bytes.size()));
    sum.add(bytes.data(), size_t(std::max<std::streamsize>(0, file.gcount())));
  };
  add(0, kBeginningBytes);
  const uint64_t rest = size - std::min(size, kBeginningBytes);
  // Of a small file all of it.
  const uint64_t apart = std::max(kSampleBytes, rest / kSamples);
  for (uint64_t at = kBeginningBytes; at < size; at += apart) add(at, kSampleBytes);
  if (!file) return "";
  return std::to_string(size) + ' ' + std::to_string(sum.value());
}

}  // namespace

FileStamp stamp_of(const std::string& path) noexcept {
  FileStamp stamp{path, 0, 0};
  std::error_code error;
  const auto size = fs::file_size(fs::u8path(path), error);
  if (error) return stamp;
  const auto time = fs::last_write_time(fs::u8path(path), error);
  if (error) return stamp;
  stamp.size = uint64_t(size);
  stamp.time = int64_t(time.time_since_epoch().count());
  return stamp;
}

bool is_unchanged(const FileStamp& stamp) noexcept {
  const FileStamp now = stamp_of(stamp.path);
  return stamp.time != 0 && now.size == stamp.size && now.time == stamp.time;
}

std::string whole_file(const std::string& path) {
  std::ifstream file(fs::u8path(path), std::ios::binary);
  if (!file) return "";
  XxHash64 sum;
  std::vector<char> bytes(kPieceBytes);
  uint64_t size = 0;
  while (file) {
    file.read(bytes.data(), std::streamsize(bytes.size()));
    sum.add(bytes.data(), size_t(file.gcount()));
    size += uint64_t(file.gcount());
  }
  return file.eof() ? std::to_string(size) + ' ' + std::to_string(sum.value()) : "";
}

std::string dated_file(const std::string& path) {
  const std::string sampled = sampled_file(path);
  std::error_code error;
  const auto time = fs::last_write_time(fs::u8path(path), error).time_since_epoch().count();
  return sampled.empty() || error ? "" : sampled + ' ' + std::to_string(time);
}

}  // namespace sluice
