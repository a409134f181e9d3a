#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace sluice {

inline constexpr const char* kDownloadAgain = "; download it again";

// Ends a check; its text, after a file's path, becomes the result's message. Thrown and caught
// inside the preflight.
struct GgufRefusal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A whole number for people: 1,234,567.
std::string with_commas(uint64_t number);

// A name from the file, safe to print: no control characters, not long.
std::string printable(std::string text);

// The file, read forwards. Owned by one check, on its thread. A length is compared with what is
// left of the file before anything is read or allocated for it.
class GgufReader {
 public:
  GgufReader(const std::filesystem::path& path, uint64_t size)
      : file_(path, std::ios::binary), size_(size) {}

  bool readable() const { return file_.is_open(); }
  uint64_t size() const { return size_; }
  uint64_t position() const { return position_; }
  uint64_t left() const { return size_ - position_; }

  void read(void* target, uint64_t bytes, const std::string& what);
  void skip(uint64_t bytes, const std::string& what);

  template <typename Integer>
  Integer number(const std::string& what) {
    return static_cast<Integer>(whole(sizeof(Integer), what));
  }

  // Of at most 8 bytes, little-endian.
  uint64_t whole(uint64_t bytes, const std::string& what);
  std::string text(uint64_t bytes_max, const std::string& what);

  // A text that was read before, by where it begins.
  std::string text_at(uint64_t position, uint64_t bytes_max, const std::string& what);

  // Throws where fewer are left.
  void demand(uint64_t bytes, const std::string& what) const;

 private:
  void go_to(uint64_t position);
  void refill(const std::string& what);

  std::ifstream file_;
  uint64_t size_;
  uint64_t position_ = 0;  // of the next byte to be read
  std::vector<char> buffer_ = std::vector<char>(1 << 16);
  uint64_t taken_ = 0;  // of the buffer's filled bytes
  uint64_t filled_ = 0;
};

}  // namespace sluice
