#include "gguf/gguf-header.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/ends-with.h"

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
constexpr uint64_t kNumbersMax = 512;  // of an array that is kept: LLAMA_MAX_LAYERS

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

void check_magic(GgufReader& file) {
  std::string found(std::min<uint64_t>(4, file.left()), '\0');
  file.read(found.data(), found.size(), "the first four bytes");
  if (found == "GGUF") return;
  if (found == "vers") {
    throw GgufRefusal(
        "is no model but seems to be a Git LFS pointer to one; fetch it with: git lfs pull");
  }
  throw GgufRefusal("is not a GGUF file: expected it to begin with \"GGUF\", found \"" +
                    printable(found) + "\"; give a model in GGUF format");
}

void check_version(GgufReader& file) {
  const auto version = file.number<uint32_t>("the version");
  if (version == 2 || version == 3) return;
  const bool swapped = (version & 0xffff) == 0;
  throw GgufRefusal(
      swapped ? "is a big-endian GGUF file, expected little-endian; convert it for this machine"
              : "has GGUF version " + with_commas(version) +
                    ", expected 2 or 3; convert the model again, or update Sluice");
}

// The number of entries that take at least `bytes_least` each; refused where the file is too short
// for so many.
uint64_t read_count(GgufReader& file, const std::string& what, uint64_t bytes_least) {
  const auto count = file.number<uint64_t>("the number of " + what);
  const uint64_t fitting = std::min(kEntriesMax, file.left() / bytes_least);
  if (count <= fitting) return count;
  throw GgufRefusal("is cut short or damaged: its header promises " + with_commas(count) + " " +
                    what + ", but at most " + with_commas(fitting) + " can follow in a file of " +
                    with_commas(file.size()) + " bytes" + kDownloadAgain);
}

// A text as llama.cpp sees it: up to its first zero.
std::string up_to_zero(std::string text) {
  text.resize(std::strlen(text.c_str()));
  return text;
}

// llama.cpp looks for names up to their first zero: with one, it would find another than we do.
std::string read_name(GgufReader& file, uint64_t bytes_max, const std::string& what) {
  std::string name = file.text(bytes_max, what);
  if (name.find('\0') == std::string::npos) return name;
  throw GgufRefusal("is damaged: " + what + ", " + printable(name) +
                    ", holds a zero byte, expected text" + kDownloadAgain);
}

// llama.cpp asserts that no token is there twice (an empty one gets a name of its own). Sorted
// hashes, because a set of a quarter of a million strings takes five times as long.
void check_tokens(GgufReader& file, uint64_t count, const std::string& what) {
  if (count > kTokensMax) {
    throw GgufRefusal("is damaged: " + what + " has " + with_commas(count) + " elements" +
                      kDownloadAgain);
  }
  struct Token {
    size_t hash;
    uint64_t position;
  };
  std::vector<Token> tokens;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t position = file.position();
    const std::string token = up_to_zero(file.text(kKeyBytesMax, what));
    if (!token.empty()) tokens.push_back({std::hash<std::string>()(token), position});
  }
  std::sort(tokens.begin(), tokens.end(),
            [](const Token& a, const Token& b) { return a.hash < b.hash; });
  for (size_t i = 1; i < tokens.size(); ++i) {
    if (tokens[i].hash != tokens[i - 1].hash) continue;
    const std::string token = up_to_zero(file.text_at(tokens[i].position, kKeyBytesMax, what));
    if (token != up_to_zero(file.text_at(tokens[i - 1].position, kKeyBytesMax, what))) continue;
    throw GgufRefusal("cannot be used: its vocabulary holds the token \"" + printable(token) +
                      "\" twice; convert the model again");
  }
}

double float_of(uint64_t bits, uint32_t type) {
  if (type == kFloat64) {
    double value;
    std::memcpy(&value, &bits, sizeof(value));
    return value;
  }
  const auto half = static_cast<uint32_t>(bits);
  float value;
  std::memcpy(&value, &half, sizeof(value));
  return value;
}

double read_number(GgufReader& file, uint32_t type, const std::string& what) {
  const uint64_t bits = file.whole(kValueBytes[type], what);
  switch (type) {
    case kFloat32:
    case kFloat64: return float_of(bits, type);
    case kInt8: return static_cast<int8_t>(bits);
    case kInt16: return static_cast<int16_t>(bits);
    case kInt32: return static_cast<int32_t>(bits);
    case kInt64: return static_cast<double>(static_cast<int64_t>(bits));
    default: return static_cast<double>(bits);
  }
}

// llama.cpp looks up a character's replacement in this table, and reads on to the next zero.
void check_charsmap(GgufReader& file, uint64_t bytes, const std::string& what) {
  if (bytes > 0) file.skip(bytes - 1, what);
  if (bytes == 0 || file.number<uint8_t>(what) == 0) return;
  throw GgufRefusal("is damaged: " + what + " does not end in a zero" + kDownloadAgain);
}

void read_array(GgufReader& file, const std::string& key, const std::string& what,
                GgufMetadata& metadata) {
  const auto type = file.number<uint32_t>(what);
  const auto count = file.number<uint64_t>(what);
  if (type >= kValueTypes || type == kArray) {
    throw GgufRefusal("is damaged: " + what + " is an array of the unknown type " +
                      with_commas(type) + kDownloadAgain);
  }
  const uint64_t least = type == kString ? sizeof(uint64_t) : kValueBytes[type];
  if (count > kArrayElementsMax || count > file.left() / least) {
    throw GgufRefusal("is cut short or damaged: " + what + " claims " + with_commas(count) +
                      " elements, but the file ends at byte " + with_commas(file.size()) +
                      kDownloadAgain);
  }
  metadata.array_lengths[key] = count;
  if (key == "tokenizer.ggml.precompiled_charsmap" && least == 1) {
    return check_charsmap(file, count, what);
  }
  if (key == "tokenizer.ggml.tokens" && type == kString) return check_tokens(file, count, what);
  if (type == kString) {
    for (uint64_t i = 0; i < count; ++i) file.skip(file.number<uint64_t>(what), what);
    return;
  }
  if (count > kNumbersMax) return file.skip(count * least, what);
  GgufNumbers& numbers = metadata.numbers[key];
  numbers.type = type;
  numbers.is_array = true;
  for (uint64_t i = 0; i < count; ++i) numbers.values.push_back(read_number(file, type, what));
}

// Reads a value: keeps it, or passes over it where it is not needed.
void read_value(GgufReader& file, const std::string& key, uint32_t type, const std::string& what,
                GgufMetadata& metadata) {
  if (type == kArray) return read_array(file, key, what, metadata);
  if (type != kString) {
    metadata.numbers[key] = {{read_number(file, type, what)}, type, false};
    return;
  }
  const uint64_t bytes = file.number<uint64_t>(what);
  file.demand(bytes, what);
  std::string& word = metadata.words[key];
  word.resize(std::min(bytes, kWordBytesMax));
  file.read(word.data(), word.size(), what);
  file.skip(bytes - word.size(), what);
  word = up_to_zero(std::move(word));
}

void check_entry(GgufReader& file, std::unordered_set<std::string>& keys, GgufMetadata& metadata) {
  const std::string key = read_name(file, kKeyBytesMax, "a metadata key");
  const std::string what = "metadata " + printable(key);
  if (key.empty() || !keys.insert(key).second) {
    throw GgufRefusal("is damaged: " + what + (key.empty() ? "has no key" : " is there twice") +
                      kDownloadAgain);
  }
  const auto type = file.number<uint32_t>(what);
  if (type >= kValueTypes) {
    throw GgufRefusal("is damaged: " + what + " has the unknown type " + with_commas(type) +
                      kDownloadAgain);
  }
  if (key == "general.alignment" && type != kUint32) {
    throw GgufRefusal("is damaged: " + what + " is no uint32" + kDownloadAgain);
  }
  read_value(file, key, type, what, metadata);
}

// ggml takes any power of two; others it refuses (gguf.cpp).
uint64_t alignment_of(const GgufMetadata& metadata) {
  const auto alignment =
      static_cast<uint64_t>(metadata.number("general.alignment", GgufHeader().alignment));
  if (alignment != 0 && (alignment & (alignment - 1)) == 0) return alignment;
  throw GgufRefusal("is damaged: general.alignment is " + with_commas(alignment) +
                    ", expected a power of two" + kDownloadAgain);
}

uint64_t multiplied(uint64_t a, uint64_t b, const std::string& what) {
  if (b == 0 || a > INT64_MAX / b) {
    throw GgufRefusal("is damaged: " + what + " has an impossible shape" + kDownloadAgain);
  }
  return a * b;
}

// Tensors that are added to a row or multiplied with it elementwise: ggml aborts on any type but
// F32 when it computes them. No converter and no quantizer of llama.cpp writes another.
void check_is_f32(const GgufTensor& tensor, bool is_vector, uint32_t type) {
  const bool is_used_so = tensor.name == "token_types.weight" ||
                          ends_with(tensor.name, "norm.weight") ||
                          (is_vector && ends_with(tensor.name, ".bias"));
  if (type == 0 || !is_used_so) return;
  throw GgufRefusal(
      "cannot be used: tensor " + printable(tensor.name) + " has type " + with_commas(type) +
      ", expected 0 (F32), which is what it is computed with; convert the model again");
}

// Types that the format has but ggml does not compute with: whole numbers of other than 32 bits,
// double precision, and the types that ggml quantizes to while it computes.
void check_can_compute(const GgufTensor& tensor, uint32_t type) {
  for (const uint32_t unused : {9, 15, 24, 25, 27, 28}) {  // Q8_1 Q8_K I8 I16 I64 F64
    if (type != unused) continue;
    throw GgufRefusal("cannot be used: tensor " + printable(tensor.name) + " has type " +
                      with_commas(type) +
                      ", which nothing is computed with; convert the model again");
  }
}

GgufTensor read_tensor(GgufReader& file) {
  GgufTensor tensor;
  tensor.name = read_name(file, kNameBytesMax, "a tensor's name");
  const std::string what = "tensor " + printable(tensor.name);
  const auto dimensions = file.number<uint32_t>(what);
  if (dimensions > kDimensionsMax) {
    throw GgufRefusal("is damaged: " + what + " has " + with_commas(dimensions) +
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
    throw GgufRefusal(
        "cannot be used: " + what + " has type " + with_commas(type) +
        ", which this build does not know; use another quantization or update Sluice");
  }
  if (row % block != 0) {
    throw GgufRefusal("is damaged: rows of " + what + " have " + with_commas(row) +
                      " elements, expected a multiple of " + with_commas(block) + kDownloadAgain);
  }
  check_can_compute(tensor, type);
  check_is_f32(tensor, elements == row, type);
  tensor.bytes = multiplied(elements / block, kTensorTypes[type].bytes, what);
  tensor.offset = file.number<uint64_t>(what);
  return tensor;
}

std::vector<GgufTensor> read_tensors(GgufReader& file, uint64_t count) {
  std::vector<GgufTensor> tensors;
  std::unordered_set<std::string> names;
  for (uint64_t i = 0; i < count; ++i) {
    tensors.push_back(read_tensor(file));
    if (names.insert(tensors.back().name).second) continue;
    throw GgufRefusal("is damaged: tensor " + printable(tensors.back().name) + " is there twice" +
                      kDownloadAgain);
  }
  return tensors;
}

uint64_t padded(uint64_t bytes, uint64_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

// The tensors lie one behind the other, each at the next aligned byte.
void check_data(const std::vector<GgufTensor>& tensors, uint64_t start, uint64_t alignment,
                uint64_t size) {
  uint64_t offset = 0;
  for (const GgufTensor& tensor : tensors) {
    const std::string what = "tensor " + printable(tensor.name);
    if (tensor.offset != offset) {
      throw GgufRefusal("is damaged: " + what + " begins at byte " + with_commas(tensor.offset) +
                        " of the data, expected " + with_commas(offset) + kDownloadAgain);
    }
    if (start > size || offset > size - start || tensor.bytes > size - start - offset) {
      throw GgufRefusal("is cut short: " + what + " ends at byte " +
                        with_commas(start + offset + tensor.bytes) + " but the file has " +
                        with_commas(size) + kDownloadAgain);
    }
    offset += padded(tensor.bytes, alignment);
  }
}

}  // namespace

GgufHeader read_gguf_header(GgufReader& file) {
  check_magic(file);
  check_version(file);
  const uint64_t tensor_count = read_count(file, "tensors", 24);
  const uint64_t entry_count = read_count(file, "metadata entries", 13);
  GgufHeader header;
  std::unordered_set<std::string> keys;
  for (uint64_t i = 0; i < entry_count; ++i) check_entry(file, keys, header.metadata);
  header.alignment = alignment_of(header.metadata);
  header.tensors = read_tensors(file, tensor_count);
  check_data(header.tensors, padded(file.position(), header.alignment), header.alignment,
             file.size());
  return header;
}

}  // namespace sluice
