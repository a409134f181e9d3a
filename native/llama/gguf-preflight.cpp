#include "llama/gguf-preflight.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <unordered_set>
#include <vector>

#include "llama/gguf-metadata.h"

namespace sluice {
namespace {

// llama.cpp compares every key and tensor name with all before it: more would take minutes.
constexpr uint64_t kEntriesMax = 1 << 16;
constexpr uint64_t kKeyBytesMax = (1 << 16) - 1;
constexpr uint64_t kNameBytesMax = 63;           // GGML_MAX_NAME with its zero
constexpr uint64_t kArrayElementsMax = 1 << 30;  // gguf.cpp's
constexpr uint64_t kWordBytesMax = 64;
constexpr uint64_t kTokensMax = 1 << 24;
constexpr uint32_t kDimensionsMax = 4;
constexpr uint64_t kDefaultAlignment = 32;
const char* const kDownloadAgain = "; download it again";

enum ValueType : uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64,
  kValueTypes,
};
constexpr std::array<uint64_t, kValueTypes> kValueBytes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

struct TensorType {
  uint64_t block;  // elements; 0 where the type does not exist (any more)
  uint64_t bytes;  // of one block
};
// By the numbers of ggml_type at llama.cpp v0.5.0; sizes from ggml-common.h.
constexpr std::array<TensorType, 43> kTensorTypes = {{
    {1, 4},    {1, 2},     {32, 18},   {32, 20},   {0, 0},     {0, 0},      // F32 F16 Q4_0 Q4_1
    {32, 22},  {32, 24},   {32, 34},   {32, 36},                            // Q5_0 Q5_1 Q8_0 Q8_1
    {256, 84}, {256, 110}, {256, 144}, {256, 176}, {256, 210}, {256, 292},  // Q2_K to Q6_K, Q8_K
    {256, 66}, {256, 74},  {256, 98},  {256, 50},              // IQ2_XXS IQ2_XS IQ3_XXS IQ1_S
    {32, 18},  {256, 110}, {256, 82},  {256, 136},             // IQ4_NL IQ3_S IQ2_S IQ4_XS
    {1, 1},    {1, 2},     {1, 4},     {1, 8},     {1, 8},     // I8 I16 I32 I64 F64
    {256, 56}, {1, 2},                                         // IQ1_M BF16
    {0, 0},    {0, 0},     {0, 0},     {256, 54},  {256, 66},  // TQ1_0 TQ2_0
    {0, 0},    {0, 0},     {0, 0},     {32, 17},   {64, 36},   // MXFP4 NVFP4
    {128, 18}, {64, 18},                                       // Q1_0 Q2_0
}};

// Ends a check; its text becomes the result's message. Never leaves this file.
struct Refusal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string with_commas(uint64_t number) {
  std::string digits = std::to_string(number);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(at, ",");
  return digits;
}

// A name from the file, safe to print: no control characters, not long.
std::string printable(std::string text) {
  if (text.size() > 80) text = text.substr(0, 77) + "...";
  for (char& c : text) {
    if (!std::isprint(static_cast<unsigned char>(c))) c = '?';
  }
  return text;
}

// The file, read forwards. Owned by one check, on its thread. A length is compared with what is
// left of the file before anything is read or allocated for it.
class Reader {
 public:
  Reader(const std::filesystem::path& path, uint64_t size)
      : file_(path, std::ios::binary), size_(size) {}

  bool readable() const { return file_.is_open(); }
  uint64_t size() const { return size_; }
  uint64_t position() const { return position_; }
  uint64_t left() const { return size_ - position_; }

  void read(void* target, uint64_t bytes, const std::string& what) {
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

  void skip(uint64_t bytes, const std::string& what) {
    demand(bytes, what);
    position_ += bytes;
    if (bytes <= filled_ - taken_) {
      taken_ += bytes;
    } else {
      taken_ = filled_ = 0;
      file_.seekg(static_cast<std::streamoff>(position_));
    }
  }

  template <typename Integer>
  Integer number(const std::string& what) {
    return static_cast<Integer>(whole(sizeof(Integer), what));
  }

  // Of at most 8 bytes, little-endian.
  uint64_t whole(uint64_t bytes, const std::string& what) {
    std::array<unsigned char, sizeof(uint64_t)> read_bytes = {};
    read(read_bytes.data(), bytes, what);
    uint64_t value = 0;
    for (size_t i = read_bytes.size(); i-- > 0;) value = value << 8 | read_bytes[i];
    return value;
  }

  std::string text(uint64_t bytes_max, const std::string& what) {
    const uint64_t bytes = number<uint64_t>(what);
    demand(bytes, what);
    if (bytes > bytes_max) {
      throw Refusal("is damaged: " + what + " has " + with_commas(bytes) +
                    " bytes, expected at most " + with_commas(bytes_max) + kDownloadAgain);
    }
    std::string text(bytes, '\0');
    read(text.data(), bytes, what);
    return text;
  }

  void demand(uint64_t bytes, const std::string& what) const {
    if (bytes <= left()) return;
    throw Refusal("is cut short or damaged: " + what + " at byte " + with_commas(position_) +
                  " needs " + with_commas(bytes) + " bytes, but the file ends at byte " +
                  with_commas(size_) + kDownloadAgain);
  }

 private:
  void refill(const std::string& what) {
    taken_ = 0;
    filled_ = std::min<uint64_t>(buffer_.size(), left());
    file_.read(buffer_.data(), static_cast<std::streamsize>(filled_));
    if (file_) return;
    throw Refusal("could not be read at byte " + with_commas(position_) + " (" + what +
                  "); check the disk, or whether something else writes to the file");
  }

  std::ifstream file_;
  uint64_t size_;
  uint64_t position_ = 0;  // of the next byte to be read
  std::vector<char> buffer_ = std::vector<char>(1 << 16);
  uint64_t taken_ = 0;  // of the buffer's filled bytes
  uint64_t filled_ = 0;
};

void check_magic(Reader& file) {
  std::string found(std::min<uint64_t>(4, file.left()), '\0');
  file.read(found.data(), found.size(), "the first four bytes");
  if (found == "GGUF") return;
  if (found == "vers") {
    throw Refusal(
        "is no model but seems to be a Git LFS pointer to one; fetch it with: git lfs pull");
  }
  throw Refusal("is not a GGUF file: expected it to begin with \"GGUF\", found \"" +
                printable(found) + "\"; give a model in GGUF format");
}

void check_version(Reader& file) {
  const auto version = file.number<uint32_t>("the version");
  if (version == 2 || version == 3) return;
  const bool swapped = (version & 0xffff) == 0;
  throw Refusal(
      swapped ? "is a big-endian GGUF file, expected little-endian; convert it for this machine"
              : "has GGUF version " + with_commas(version) +
                    ", expected 2 or 3; convert the model again, or update Sluice");
}

// Of entries that take at least `bytes_least` each; so a count cannot promise more than is there.
uint64_t read_count(Reader& file, const std::string& what, uint64_t bytes_least) {
  const auto count = file.number<uint64_t>("the number of " + what);
  const uint64_t fitting = std::min(kEntriesMax, file.left() / bytes_least);
  if (count <= fitting) return count;
  throw Refusal("is cut short or damaged: its header promises " + with_commas(count) + " " + what +
                ", but at most " + with_commas(fitting) + " can follow in a file of " +
                with_commas(file.size()) + " bytes" + kDownloadAgain);
}

// llama.cpp asserts that no token is there twice (an empty one gets a name of its own).
void check_tokens(Reader& file, uint64_t count, const std::string& what) {
  if (count > kTokensMax) {
    throw Refusal("is damaged: " + what + " has " + with_commas(count) + " elements" +
                  kDownloadAgain);
  }
  std::unordered_set<std::string> tokens;
  tokens.reserve(std::min<uint64_t>(count, 1 << 18));
  for (uint64_t i = 0; i < count; ++i) {
    std::string token = file.text(kKeyBytesMax, what);
    token.resize(std::strlen(token.c_str()));  // llama.cpp sees no more of it
    if (token.empty()) continue;
    const auto [place, is_new] = tokens.insert(std::move(token));
    if (!is_new) {
      throw Refusal("cannot be used: its vocabulary holds the token \"" + printable(*place) +
                    "\" twice; convert the model again");
    }
  }
}

void check_array(Reader& file, const std::string& key, const std::string& what) {
  const auto type = file.number<uint32_t>(what);
  const auto count = file.number<uint64_t>(what);
  if (type >= kValueTypes || type == kArray) {
    throw Refusal("is damaged: " + what + " is an array of the unknown type " + with_commas(type) +
                  kDownloadAgain);
  }
  const uint64_t least = type == kString ? sizeof(uint64_t) : kValueBytes[type];
  if (count > kArrayElementsMax || count > file.left() / least) {
    throw Refusal("is cut short or damaged: " + what + " claims " + with_commas(count) +
                  " elements, but the file ends at byte " + with_commas(file.size()) +
                  kDownloadAgain);
  }
  if (type != kString) return file.skip(count * least, what);
  if (key == "tokenizer.ggml.tokens") return check_tokens(file, count, what);
  for (uint64_t i = 0; i < count; ++i) file.skip(file.number<uint64_t>(what), what);
}

// A value that is kept, or passed over when it is of no use here.
void read_value(Reader& file, const std::string& key, uint32_t type, const std::string& what,
                GgufMetadata& metadata) {
  if (type == kArray) return check_array(file, key, what);
  if (type == kFloat32 || type == kFloat64) return file.skip(kValueBytes[type], what);
  if (type != kString) {
    metadata.numbers[key] = file.whole(kValueBytes[type], what);
    return;
  }
  const uint64_t bytes = file.number<uint64_t>(what);
  if (bytes > kWordBytesMax) return file.skip(bytes, what);
  std::string& word = metadata.words[key];
  file.demand(bytes, what);
  word.resize(bytes);
  file.read(word.data(), bytes, what);
}

void check_entry(Reader& file, std::unordered_set<std::string>& keys, GgufMetadata& metadata) {
  const std::string key = file.text(kKeyBytesMax, "a metadata key");
  const std::string what = "metadata " + printable(key);
  if (key.empty() || !keys.insert(key).second) {
    throw Refusal("is damaged: " + what + (key.empty() ? "has no key" : " is there twice") +
                  kDownloadAgain);
  }
  const auto type = file.number<uint32_t>(what);
  if (type >= kValueTypes) {
    throw Refusal("is damaged: " + what + " has the unknown type " + with_commas(type) +
                  kDownloadAgain);
  }
  if (key == "general.alignment" && type != kUint32) {
    throw Refusal("is damaged: " + what + " is no uint32" + kDownloadAgain);
  }
  read_value(file, key, type, what, metadata);
}

uint64_t alignment_of(const GgufMetadata& metadata) {
  const auto found = metadata.numbers.find("general.alignment");
  if (found == metadata.numbers.end()) return kDefaultAlignment;
  const uint64_t alignment = found->second;
  if (alignment != 0 && (alignment & (alignment - 1)) == 0) return alignment;
  throw Refusal("is damaged: general.alignment is " + with_commas(alignment) +
                ", expected a power of two" + kDownloadAgain);
}

void check_metadata(const GgufMetadata& metadata) {
  const auto part = metadata.numbers.find("split.no");
  if (part != metadata.numbers.end() && part->second > 0) {
    throw Refusal(
        "is part " + with_commas(part->second + 1) +
        " of a split model; give the first part, whose name ends in -00001-of-0000N.gguf");
  }
  const std::string wrong = unusable_metadata(metadata);
  if (!wrong.empty()) {
    throw Refusal("cannot be used: " + printable(wrong) + "; download or convert it again");
  }
}

// A description of a tensor as the file holds it. Owned by one check, on its thread.
struct Tensor {
  std::string name;
  uint64_t bytes;
  uint64_t offset;  // from where the data begins
};

uint64_t multiplied(uint64_t a, uint64_t b, const std::string& what) {
  if (b == 0 || a > INT64_MAX / b) {
    throw Refusal("is damaged: " + what + " has an impossible shape" + kDownloadAgain);
  }
  return a * b;
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// What is added to a row, or multiplied with it, as it stands: ggml aborts for any other type than
// F32 once it is computed. No converter and no quantizer of llama.cpp writes another.
void check_is_f32(const Tensor& tensor, bool is_vector, uint32_t type) {
  const bool is_used_so = tensor.name == "token_types.weight" ||
                          ends_with(tensor.name, "norm.weight") ||
                          (is_vector && ends_with(tensor.name, ".bias"));
  if (type == 0 || !is_used_so) return;
  throw Refusal("cannot be used: tensor " + printable(tensor.name) + " has type " +
                with_commas(type) +
                ", expected 0 (F32), which is what it is computed with; convert the model again");
}

Tensor read_tensor(Reader& file) {
  Tensor tensor;
  tensor.name = file.text(kNameBytesMax, "a tensor's name");
  const std::string what = "tensor " + printable(tensor.name);
  const auto dimensions = file.number<uint32_t>(what);
  if (dimensions > kDimensionsMax) {
    throw Refusal("is damaged: " + what + " has " + with_commas(dimensions) +
                  " dimensions, expected at most 4" + kDownloadAgain);
  }
  uint64_t elements = 1;
  uint64_t row = 1;
  for (uint32_t i = 0; i < dimensions; ++i) {
    const auto length = file.number<uint64_t>(what);
    elements = multiplied(elements, length, what);
    if (i == 0) row = length;
  }
  const auto type = file.number<uint32_t>(what);
  const uint64_t block = type < kTensorTypes.size() ? kTensorTypes[type].block : 0;
  if (block == 0) {
    throw Refusal("cannot be used: " + what + " has type " + with_commas(type) +
                  ", which this build does not know; use another quantization or update Sluice");
  }
  if (row % block != 0) {
    throw Refusal("is damaged: rows of " + what + " have " + with_commas(row) +
                  " elements, expected a multiple of " + with_commas(block) + kDownloadAgain);
  }
  check_is_f32(tensor, elements == row, type);
  tensor.bytes = multiplied(elements / block, kTensorTypes[type].bytes, what);
  tensor.offset = file.number<uint64_t>(what);
  return tensor;
}

std::vector<Tensor> read_tensors(Reader& file, uint64_t count) {
  std::vector<Tensor> tensors;
  std::unordered_set<std::string> names;
  for (uint64_t i = 0; i < count; ++i) {
    tensors.push_back(read_tensor(file));
    if (names.insert(tensors.back().name).second) continue;
    throw Refusal("is damaged: tensor " + printable(tensors.back().name) + " is there twice" +
                  kDownloadAgain);
  }
  return tensors;
}

uint64_t padded(uint64_t bytes, uint64_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

// The tensors lie one behind the other, each at the next aligned byte.
void check_data(const std::vector<Tensor>& tensors, uint64_t start, uint64_t alignment,
                uint64_t size) {
  uint64_t offset = 0;
  for (const Tensor& tensor : tensors) {
    const std::string what = "tensor " + printable(tensor.name);
    if (tensor.offset != offset) {
      throw Refusal("is damaged: " + what + " begins at byte " + with_commas(tensor.offset) +
                    " of the data, expected " + with_commas(offset) + kDownloadAgain);
    }
    if (start > size || offset > size - start || tensor.bytes > size - start - offset) {
      throw Refusal("is cut short: " + what + " ends at byte " +
                    with_commas(start + offset + tensor.bytes) + " but the file has " +
                    with_commas(size) + kDownloadAgain);
    }
    offset += padded(tensor.bytes, alignment);
  }
}

void check_content(Reader& file) {
  check_magic(file);
  check_version(file);
  const uint64_t tensor_count = read_count(file, "tensors", 24);
  const uint64_t entry_count = read_count(file, "metadata entries", 13);
  GgufMetadata metadata;
  std::unordered_set<std::string> keys;
  for (uint64_t i = 0; i < entry_count; ++i) check_entry(file, keys, metadata);
  check_metadata(metadata);
  const uint64_t alignment = alignment_of(metadata);
  if (tensor_count == 0) {
    throw Refusal("holds no weights, only metadata; give the file of a whole model");
  }
  const std::vector<Tensor> tensors = read_tensors(file, tensor_count);
  check_data(tensors, padded(file.position(), alignment), alignment, file.size());
}

PreflightResult no_file(const std::string& message) { return {false, true, message}; }

PreflightResult check_file(const std::string& path) {
  const std::filesystem::path place = std::filesystem::u8path(path);
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(place, error);
  if (!std::filesystem::exists(status)) {
    return no_file("No model file at " + path + "; check the path");
  }
  if (!std::filesystem::is_regular_file(status)) {
    return no_file(path + " is not a file; give the path of a .gguf file");
  }
  const uint64_t size = std::filesystem::file_size(place, error);
  Reader file(place, error ? 0 : size);
  if (error || !file.readable()) {
    return no_file(path + " cannot be read; check its permissions");
  }
  try {
    check_content(file);
  } catch (const Refusal& refusal) {
    return {false, false, path + " " + refusal.what()};
  }
  return {true, false, ""};
}

}  // namespace

PreflightResult preflight_gguf(const std::string& path) {
  try {
    return check_file(path);
  } catch (const std::exception& error) {
    return {false, false, path + " could not be checked: " + error.what()};
  }
}

}  // namespace sluice
