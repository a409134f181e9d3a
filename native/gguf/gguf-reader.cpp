#include "gguf/gguf-reader.h"

#include <cctype>

namespace sluice {

std::string with_commas(uint64_t number) {
  std::string digits = std::to_string(number);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(at, ",");
  return digits;
}

std::string printable(std::string text) {
  if (text.size() > 80) text = text.substr(0, 77) + "...";
  for (char& c : text) {
    if (!std::isprint(static_cast<unsigned char>(c))) c = '?';
  }
  return text;
}

void GgufReader::read(void* target, uint64_t bytes, const std::string& what) {
  demand(bytes, what);
  char* out = static_cast<char*>(target);
  while (bytes > 0) {
    if (taken_ == filled_) refill(what);
    const uint64_t part = std::min(bytes, filled_ - taken_);
    std::copy_n(buffer_.data() + taken_, part, out);
    taken_ += part;
    position_ += part;
    out += part;
    bytes -= part;
  }
}

void GgufReader::skip(uint64_t bytes, const std::string& what) {
  demand(bytes, what);
  if (bytes > filled_ - taken_) return go_to(position_ + bytes);
  position_ += bytes;
  taken_ += bytes;
}

void GgufReader::go_to(uint64_t position) {
  position_ = position;
  taken_ = filled_ = 0;
  file_.seekg(static_cast<std::streamoff>(position));
}

uint64_t GgufReader::whole(uint64_t bytes, const std::string& what) {
  std::array<unsigned char, sizeof(uint64_t)> read_bytes = {};
  read(read_bytes.data(), bytes, what);
  uint64_t value = 0;
  for (size_t i = read_bytes.size(); i-- > 0;) value = value << 8 | read_bytes[i];
  return value;
}

std::string GgufReader::text(uint64_t bytes_max, const std::string& what) {
  const uint64_t bytes = number<uint64_t>(what);
  demand(bytes, what);
  if (bytes > bytes_max) {
    throw GgufRefusal("is damaged: " + what + " has " + with_commas(bytes) +
                      " bytes, expected at most " + with_commas(bytes_max) + kDownloadAgain);
  }
  std::string text(bytes, '\0');
  read(text.data(), bytes, what);
  return text;
}

std::string GgufReader::text_at(uint64_t position, uint64_t bytes_max, const std::string& what) {
  const uint64_t resume = position_;
  go_to(position);
  std::string text = this->text(bytes_max, what);
  go_to(resume);
  return text;
}

void GgufReader::demand(uint64_t bytes, const std::string& what) const {
  if (bytes <= left()) return;
  throw GgufRefusal("is cut short or damaged: " + what + " at byte " + with_commas(position_) +
                    " needs " + with_commas(bytes) + " bytes, but the file ends at byte " +
                    with_commas(size_) + kDownloadAgain);
}

void GgufReader::refill(const std::string& what) {
  taken_ = 0;
  filled_ = std::min<uint64_t>(buffer_.size(), left());
  file_.read(buffer_.data(), static_cast<std::streamsize>(filled_));
  if (file_) return;
  throw GgufRefusal("could not be read at byte " + with_commas(position_) + " (" + what +
                    "); check the disk, or whether something else writes to the file");
}

}  // namespace sluice
