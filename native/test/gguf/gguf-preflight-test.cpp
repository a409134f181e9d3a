#include "gguf/gguf-preflight.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "test/check.h"

namespace {

using sluice::model_file_bytes;
using sluice::preflight_gguf;
using sluice::PreflightResult;

constexpr uint32_t kUint16 = 2, kUint32 = 4, kInt32 = 5, kFloat32 = 6, kString = 8, kArray = 9;
constexpr uint32_t kUint8 = 0, kFloat64 = 12;
constexpr uint32_t kF32 = 0, kQ4_0 = 2, kRemovedType = 4;

std::string u32(uint32_t value) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value >> 8 * i);
  return bytes;
}
std::string u64(uint64_t value) { return u32(static_cast<uint32_t>(value)) + u32(value >> 32); }
std::string u16(uint32_t value) { return u32(value).substr(0, 2); }
std::string f32(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return u32(bits);
}
std::string text(const std::string& value) { return u64(value.size()) + value; }

// What a file is made of; a case changes one thing. Owned by its case.
struct Parts {
  std::string magic = "GGUF";
  uint32_t version = 3;
  uint64_t tensor_count = 2;
  uint64_t entry_count = 2;
  std::string entries = text("general.architecture") + u32(kString) + text("llama") +
                        text("tokenizer.ggml.tokens") + u32(kArray) + u32(kString) + u64(2) +
                        text("a") + text("b");
  std::string tensors = text("first") + u32(2) + u64(32) + u64(2) + u32(kQ4_0) + u64(0) +
                        text("second") + u32(1) + u64(5) + u32(kF32) + u64(64);
  std::string data = std::string(64 + 20, 'x');

  std::string header() const {
    std::string bytes = magic + u32(version) + u64(tensor_count) + u64(entry_count);
    bytes += entries + tensors;
    return bytes + std::string((32 - bytes.size() % 32) % 32, '\0');
  }
  std::string file() const { return header() + data; }
};

PreflightResult check_bytes(const std::string& bytes) {
  static const std::string name = "sluice-" + std::to_string(std::random_device{}()) + ".gguf";
  const std::filesystem::path path = std::filesystem::temp_directory_path() / name;
  std::ofstream(path, std::ios::binary) << bytes;
  const PreflightResult result = preflight_gguf(path.u8string());
  std::filesystem::remove(path);
  return result;
}

bool refuses(const std::string& bytes, const std::string& because) {
  const PreflightResult result = check_bytes(bytes);
  if (!result.ok && !result.not_found && result.message.find(because) != std::string::npos) {
    return true;
  }
  std::fprintf(stderr, "expected \"%s\", got \"%s\"\n", because.c_str(), result.message.c_str());
  return false;
}

// Files that lie in one folder, which is gone with this. Owned by its case.
class Folder {
 public:
  Folder() { std::filesystem::create_directories(path_); }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path(name);
  }
  std::string path(const std::string& name) const { return (path_ / name).u8string(); }

 private:
  const std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("sluice-" + std::to_string(std::random_device{}()));
};

std::string split_keys(uint32_t part, uint32_t parts, uint32_t tensors) {
  return text("split.no") + u32(kUint16) + u16(part) + text("split.count") + u32(kUint16) +
         u16(parts) + text("split.tensors.count") + u32(kInt32) + u32(tensors);
}

// One part of a model of two tensors a part; only the first has metadata of the model.
std::string part_of(uint32_t part, uint32_t parts, const std::string& prefix = "part") {
  Parts file;
  file.entries = (part == 0 ? file.entries : "") + split_keys(part, parts, 2 * parts);
  file.entry_count = part == 0 ? 5 : 3;
  const std::string name = prefix + std::to_string(part);
  file.tensors = text(name + "a") + u32(1) + u64(8) + u32(kF32) + u64(0) + text(name + "b") +
                 u32(1) + u64(5) + u32(kF32) + u64(32);
  file.data = std::string(32 + 20, 'x');
  return file.file();
}

bool refuses_model(const std::string& path, const std::string& because, bool not_found = false) {
  const PreflightResult result = preflight_gguf(path);
  if (!result.ok && result.not_found == not_found &&
      result.message.find(because) != std::string::npos) {
    return true;
  }
  std::fprintf(stderr, "expected \"%s\", got \"%s\"\n", because.c_str(), result.message.c_str());
  return false;
}

Parts with_entry(const std::string& entry) {
  Parts parts;
  parts.entries += entry;
  parts.entry_count = 3;
  return parts;
}

}  // namespace

TEST("a whole GGUF file passes, in version 2 as in version 3") {
  Parts parts;
  CHECK_EQ(check_bytes(parts.file()).message, "");
  CHECK(check_bytes(parts.file()).ok);
  parts.version = 2;
  CHECK(check_bytes(parts.file()).ok);
}

TEST("a missing file, a folder and an empty path are not found") {
  for (const std::string path : {"no/such/model.gguf", ".", ""}) {
    const PreflightResult result = preflight_gguf(path);
    CHECK(!result.ok);
    CHECK(result.not_found);
    CHECK(result.message.find(path) != std::string::npos);
  }
}

TEST("a text file is told from a model by its first bytes") {
  CHECK(refuses("milk, bread and eggs", "expected it to begin with \"GGUF\", found \"milk\""));
  CHECK(refuses("", "found \"\""));
  CHECK(refuses("version https://git-lfs.github.com/spec/v1", "git lfs pull"));
}

TEST("an unknown version and the other byte order are refused") {
  Parts parts;
  parts.version = 1;
  CHECK(refuses(parts.file(), "version 1, expected 2 or 3"));
  parts.version = 4;
  CHECK(refuses(parts.file(), "version 4, expected 2 or 3"));
  parts.version = 0x03000000;
  CHECK(refuses(parts.file(), "big-endian"));
}

TEST("a model cut at any byte is refused") {
  const std::string whole = Parts().file();
  for (size_t length = 0; length < whole.size(); ++length) {
    const PreflightResult result = check_bytes(whole.substr(0, length));
    CHECK(!result.ok);
    CHECK(!result.not_found);
    CHECK(result.message.size() > 20);
  }
}

TEST("a model cut in a tensor's data names the tensor and both sizes") {
  const Parts parts;
  const size_t start = parts.header().size();
  const std::string ends = "tensor second ends at byte " + std::to_string(start + 84);
  CHECK(refuses(parts.file().substr(0, start + 83),
                ends + " but the file has " + std::to_string(start + 83) + "; download it again"));
}

TEST("any one byte of the header set to 0, 127 or 255 ends in an answer") {
  const std::string whole = Parts().file();
  const size_t end = Parts().header().size();
  int refused = 0;
  for (size_t at = 0; at < end; ++at) {
    for (const char value : {'\0', '\x7f', '\xff'}) {
      std::string changed = whole;
      changed[at] = value;
      refused += check_bytes(changed).ok ? 0 : 1;
    }
  }
  CHECK(refused > 300);
}

TEST("counts beyond what the file can hold are refused before anything is allocated") {
  for (const uint64_t count : {uint64_t{1000}, uint64_t{1} << 40, UINT64_MAX}) {
    Parts parts;
    parts.tensor_count = count;
    CHECK(refuses(parts.file(), "tensors, but at most"));
    parts = Parts();
    parts.entry_count = count;
    CHECK(refuses(parts.file(), "metadata entries, but at most"));
  }
}

TEST("a string or an array that claims more than the file holds is refused") {
  for (const uint64_t length : {uint64_t{5000}, uint64_t{1} << 62, UINT64_MAX}) {
    CHECK(refuses(with_entry(u64(length) + "key").file(), "the file ends at byte"));
    CHECK(refuses(with_entry(text("k") + u32(kString) + u64(length)).file(), "metadata k"));
    const std::string numbers = u32(kArray) + u32(kUint32) + u64(length);
    CHECK(refuses(with_entry(text("k") + numbers).file(), "elements, but the file ends"));
    const std::string strings = u32(kArray) + u32(kString) + u64(length);
    CHECK(refuses(with_entry(text("k") + strings).file(), "elements, but the file ends"));
  }
}

TEST("unknown value types and arrays of arrays are refused") {
  CHECK(refuses(with_entry(text("k") + u32(13) + u64(0)).file(), "unknown type 13"));
  CHECK(refuses(with_entry(text("k") + u32(kArray) + u32(99) + u64(0)).file(), "unknown type 99"));
  CHECK(refuses(with_entry(text("k") + u32(kArray) + u32(kArray) + u64(0)).file(), "array of"));
}

TEST("a metadata key that is empty or there twice is refused") {
  CHECK(refuses(with_entry(text("") + u32(kUint32) + u32(0)).file(), "no key"));
  const std::string again = text("general.architecture") + u32(kString) + text("llama");
  CHECK(refuses(with_entry(again).file(), "general.architecture is there twice"));
}

TEST("control characters of a file's names never reach a message") {
  const Parts parts = with_entry(text("\x1b[31mred\n") + u32(77));
  CHECK(refuses(parts.file(), "metadata ?[31mred? has the unknown type 77"));
}

TEST("numbers that llama.cpp would assert on are refused by their names") {
  const auto with = [](const std::string& key, uint32_t value) {
    return with_entry(text("llama." + key) + u32(kUint32) + u32(value)).file();
  };
  CHECK(check_bytes(with("block_count", 512)).ok);
  CHECK(refuses(with("block_count", 0), "llama.block_count is 0, expected 1 to 512"));
  CHECK(refuses(with("block_count", 513), "llama.block_count is 513"));
  CHECK(refuses(with("nextn_predict_layers", 2), "llama.nextn_predict_layers is 2"));
  CHECK(refuses(with("expert_count", 8), "llama.expert_used_count is 0"));
  CHECK(refuses(with("expert_count", 1025), "llama.expert_count is 1025"));
  CHECK(refuses(with("expert_used_count", 1), "llama.expert_used_count is 1"));
  CHECK(refuses(with("expert_group_count", 1), "llama.expert_group_count is 1"));
  const std::string scaling = text("llama.rope.scaling.type") + u32(kString);
  CHECK(check_bytes(with_entry(scaling + text("yarn")).file()).ok);
  CHECK(refuses(with_entry(scaling + text("rope")).file(), "none, linear, yarn, longrope"));
}

// Just within and just beyond each bound.
TEST("numbers are refused beyond the range that llama.cpp computes with, by key and range") {
  const auto with = [](const std::string& key, uint32_t value) {
    return with_entry(text("llama." + key) + u32(kUint32) + u32(value)).file();
  };
  const struct {
    const char* key;
    uint32_t good;
    uint32_t bad;
    const char* because;
  } cases[] = {
      {"context_length", 1, 0, "llama.context_length is 0, expected 1 to 2147483647 (tokens)"},
      {"context_length", 0x7fffffff, 0x80000000, "is 2147483648, expected"},
      {"embedding_length", 1, 0, "llama.embedding_length is 0, expected 1 to 16777216"},
      {"expert_gating_func", 4, 5, "llama.expert_gating_func is 5, expected 0 to 4"},
      {"attention.head_count", 1, 0, "llama.attention.head_count is 0, expected 1 or more"},
      {"attention.head_count", 65536, 65537, "is 65537, expected 0 to 65536 (heads)"},
      {"attention.head_count_kv", 65536, 65537, "head_count_kv is 65537"},
      {"attention.key_length", 65536, 65537, "key_length is 65537"},
      {"attention.value_length", 65536, 65537, "value_length is 65537"},
      {"attention.sliding_window", 0x7fffffff, 0x80000000, "sliding_window is 2147483648"},
      {"rope.dimension_count", 64, 63, "llama.rope.dimension_count is 63, expected an even number"},
      {"rope.dimension_count", 65536, 65538, "rope.dimension_count is 65538, expected 0 to 65536"},
      {"rope.dimension_count_swa", 2, 3, "rope.dimension_count_swa is 3, expected an even"},
  };
  for (const auto& one : cases) {
    CHECK_EQ(check_bytes(with(one.key, one.good)).message, "");
    CHECK(refuses(with(one.key, one.bad), one.because));
  }
}

TEST(
    "an epsilon that is negative, above 1 or no number is refused, in single or double precision") {
  for (const char* name : {"attention.layer_norm_epsilon", "attention.layer_norm_rms_epsilon",
                           "attention.group_norm_epsilon", "hyper_connection.epsilon"}) {
    const std::string key = text(std::string("llama.") + name) + u32(kFloat32);
    for (const float good : {0.0f, 1e-12f, 1e-5f, 1.0f}) {
      CHECK_EQ(check_bytes(with_entry(key + f32(good)).file()).message, "");
    }
    for (const float bad : {-1e-6f, 1.5f, std::nanf(""), INFINITY, -INFINITY}) {
      CHECK(refuses(with_entry(key + f32(bad)).file(), "expected 0 to 1 (an epsilon)"));
    }
  }
  const std::string key = text("llama.attention.layer_norm_rms_epsilon") + u32(kFloat64);
  CHECK(check_bytes(with_entry(key + u64(0)).file()).ok);
  CHECK(refuses(with_entry(key + u64(0x7ff8000000000000)).file(), "is nan, expected 0 to 1"));
}

TEST(
    "each element of an array lies in the range, and the message counts to the one that does not") {
  const std::string key =
      text("llama.attention.head_count_kv") + u32(kArray) + u32(kInt32) + u64(3);
  CHECK(check_bytes(with_entry(key + u32(4) + u32(0) + u32(8)).file()).ok);
  CHECK(refuses(with_entry(key + u32(4) + u32(0) + u32(UINT32_MAX)).file(),
                "llama.attention.head_count_kv[2] is -1, expected 0 to 65536 (heads)"));
  const std::string sections =
      text("llama.rope.dimension_sections") + u32(kArray) + u32(kInt32) + u64(2);
  CHECK(refuses(with_entry(sections + u32(8) + u32(UINT32_MAX)).file(), "sections[1] is -1"));
}

TEST(
    "heads that do not divide, experts of a layer beyond all, and what divides by zero are "
    "refused") {
  Parts parts = with_entry(text("llama.attention.head_count") + u32(kUint32) + u32(8));
  parts.entries += text("llama.attention.head_count_kv") + u32(kUint32) + u32(3);
  parts.entry_count = 4;
  CHECK(refuses(parts.file(), "head_count_kv is 3, expected a divisor of attention.head_count"));

  parts = with_entry(text("llama.expert_count") + u32(kUint32) + u32(4));
  parts.entries += text("llama.expert_used_count") + u32(kArray) + u32(kUint32) + u64(2);
  parts.entry_count = 4;
  const std::string before = parts.entries;
  parts.entries = before + u32(0) + u32(4);
  CHECK(check_bytes(parts.file()).ok);
  parts.entries = before + u32(0) + u32(5);
  CHECK(refuses(parts.file(), "expert_used_count is 5, expected 1 to all of them"));
  parts.entries = before + u32(0) + u32(0);
  CHECK(refuses(parts.file(), "expert_used_count is 0"));

  parts = Parts();
  parts.entries = text("general.architecture") + u32(kString) + text("mamba2") +
                  text("mamba2.ssm.group_count") + u32(kUint32) + u32(1);
  CHECK(check_bytes(parts.file()).ok);
  parts.entries.replace(parts.entries.size() - 4, 4, u32(0));
  CHECK(refuses(parts.file(), "mamba2.ssm.group_count is 0, expected 1 to"));
}

TEST("heads that are missing are refused where llama.cpp divides by them") {
  Parts parts;
  parts.entries = text("general.architecture") + u32(kString) + text("olmo2") +
                  text("olmo2.block_count") + u32(kUint32) + u32(1);
  CHECK(refuses(parts.file(), "olmo2.attention.head_count is 0 or missing, expected 1 or more"));
  parts.entries += text("olmo2.attention.head_count") + u32(kUint32) + u32(1);
  parts.entry_count = 3;
  CHECK_EQ(check_bytes(parts.file()).message, "");
}

TEST("a temperature scale without a length is refused, but for models that have their own") {
  const std::string key = ".attention.temperature_scale";
  for (const std::string architecture : {"deepseek2", "mistral3"}) {
    Parts parts;
    parts.entries = text("general.architecture") + u32(kString) + text(architecture) +
                    text(architecture + key) + u32(kFloat32) + f32(0.5f);
    CHECK_EQ(check_bytes(parts.file()).ok, architecture == "mistral3");
  }
}

// The same file with two tensors of these names.
std::string with_tensors(Parts parts, const char* first, const char* second) {
  parts.tensors = text(first) + u32(1) + u64(16) + u32(kF32) + u64(0) + text(second) + u32(1) +
                  u64(5) + u32(kF32) + u64(64);
  return parts.file();
}

TEST("a tensor that llama.cpp takes for given beside another is asked for") {
  Parts parts;
  parts.entries = text("general.architecture") + u32(kString) + text("mamba2") +
                  text("mamba2.block_count") + u32(kUint32) + u32(2);
  CHECK(check_bytes(with_tensors(parts, "blk.1.ssm_conv1d.weight", "blk.1.ssm_conv1d.bias")).ok);
  CHECK(refuses(
      with_tensors(parts, "blk.1.ssm_conv1d.weight", "blk.0.ssm_conv1d.bias"),
      "tensor blk.1.ssm_conv1d.bias is missing, which blk.1.ssm_conv1d.weight is used with"));
}

TEST("a reranker without its head is refused") {
  Parts parts;
  parts.entries = text("general.architecture") + u32(kString) + text("bert") +
                  text("bert.pooling_type") + u32(kUint32) + u32(4);
  CHECK(check_bytes(with_tensors(parts, "cls.weight", "cls.output.weight")).ok);
  CHECK(refuses(with_tensors(parts, "cls.weight", "cls.bias"), "tensor cls.output.weight"));
}

TEST("a map of characters that does not end in a zero is refused") {
  const std::string key = text("tokenizer.ggml.precompiled_charsmap") + u32(kArray) + u32(kUint8);
  CHECK(check_bytes(with_entry(key + u64(3) + std::string("ab\0", 3)).file()).ok);
  CHECK(refuses(with_entry(key + u64(3) + "abc").file(), "does not end in a zero"));
}

TEST("the scaling of positions is one of four words, however long the word is") {
  const std::string key = text("llama.rope.scaling.type") + u32(kString);
  CHECK(refuses(with_entry(key + text(std::string(5000, 'y'))).file(), "is none of none, linear"));
}

TEST("a file that does not say its architecture is refused") {
  Parts parts;
  parts.entries.replace(parts.entries.find("architecture"), 12, "Architecture");
  CHECK(refuses(parts.file(), "general.architecture is missing"));
}

TEST("a vocabulary that holds a token twice is refused, which llama.cpp would assert") {
  Parts parts;
  parts.entries.replace(parts.entries.size() - 1, 1, "a");
  CHECK(refuses(parts.file(), "token \"a\" twice"));
  const std::string strings = u32(kArray) + u32(kString) + u64(2) + text("a");
  parts.entries = text("tokenizer.ggml.tokens") + strings + text(std::string("a\0b", 3));
  parts.entry_count = 1;
  CHECK(refuses(parts.file(), "token \"a\" twice"));
}

TEST("a name with a zero byte is refused: llama.cpp would read it up to there") {
  const std::string zero(1, '\0');
  const std::string value = u32(kUint8) + std::string("\7");
  CHECK(check_bytes(with_entry(text("general.alignments") + value).file()).ok);
  CHECK(refuses(with_entry(text("general.alignment" + zero) + value).file(), "holds a zero byte"));
  CHECK(refuses(with_entry(text("llama" + zero + ".key") + value).file(), "holds a zero byte"));
  Parts parts;
  parts.tensors[parts.tensors.find("first") + 2] = '\0';
  CHECK(refuses(parts.file(), "a tensor's name"));
}

TEST("a word with a zero byte ends there, as llama.cpp reads it") {
  const std::string key = text("llama.rope.scaling.type") + u32(kString);
  CHECK(check_bytes(with_entry(key + text(std::string("linear\0x", 8))).file()).ok);
  CHECK(refuses(with_entry(key + text(std::string("x\0linear", 8))).file(), "is none of none"));
}

TEST("an alignment that is no power of two is refused, another one is followed") {
  const std::string key = text("general.alignment");
  CHECK(refuses(with_entry(key + u32(kUint32) + u32(0)).file(), "power of two"));
  CHECK(refuses(with_entry(key + u32(kUint32) + u32(48)).file(), "power of two"));
  CHECK(refuses(with_entry(key + u32(kString) + text("32")).file(), "no uint32"));
  Parts parts = with_entry(key + u32(kUint32) + u32(64));
  parts.data = std::string(32, '\0') + parts.data;
  const size_t start = (parts.header().size() + 63) / 64 * 64;
  const std::string whole = parts.file().substr(0, start + 84);
  CHECK(check_bytes(whole).ok);
  CHECK(refuses(whole.substr(0, start + 83), "is cut short"));
}

TEST("the first part of a split model passes, another part names the first") {
  const std::string key = text("split.no") + u32(kUint16);
  CHECK(check_bytes(with_entry(key + std::string("\0\0", 2)).file()).ok);
  CHECK(refuses(with_entry(key + std::string("\2\0", 2)).file(), "is part 3 of a split model"));
}

TEST("a file whose alignment ggml does not map is to be read into memory, a wider one is mapped") {
  for (const uint32_t alignment : {1, 8, 16, 32, 64, 4096, 65536}) {
    Parts parts = with_entry(text("general.alignment") + u32(kUint32) + u32(alignment));
    const auto padded = [&](size_t bytes) {
      return (bytes + alignment - 1) / alignment * alignment;
    };
    parts.tensors = text("first") + u32(2) + u64(32) + u64(2) + u32(kQ4_0) + u64(0) +
                    text("second") + u32(1) + u64(5) + u32(kF32) + u64(padded(36));
    std::string bytes = parts.magic + u32(3) + u64(2) + u64(3) + parts.entries + parts.tensors;
    bytes.resize(padded(bytes.size()) + padded(36) + 20);
    const PreflightResult result = check_bytes(bytes);
    CHECK_EQ(result.message, "");
    CHECK_EQ(result.can_be_mapped, alignment >= 32);
    CHECK(refuses(bytes.substr(0, bytes.size() - 1), "is cut short"));
  }
}

TEST("all parts of a split model are read") {
  const Folder folder;
  const std::string first = folder.write("m-00001-of-00003.gguf", part_of(0, 3));
  folder.write("m-00002-of-00003.gguf", part_of(1, 3));
  CHECK(refuses_model(first, folder.path("m-00003-of-00003.gguf"), true));
  CHECK(refuses_model(first, "It is part 3 of 3 of", true));
  folder.write("m-00003-of-00003.gguf", part_of(2, 3));
  CHECK_EQ(preflight_gguf(first).message, "");
  CHECK(preflight_gguf(first).can_be_mapped);

  const std::string last = part_of(2, 3);
  folder.write("m-00003-of-00003.gguf", last.substr(0, last.size() - 1));
  CHECK(
      refuses_model(first, folder.path("m-00003-of-00003.gguf") + " is cut short: tensor part2b"));
  folder.write("m-00003-of-00003.gguf", "milk, bread and eggs");
  CHECK(refuses_model(first, "m-00003-of-00003.gguf is not a GGUF file"));
}

TEST("a part of another model, another part, and one that is no part are refused by their names") {
  const Folder folder;
  const std::string first = folder.write("m-00001-of-00002.gguf", part_of(0, 2));
  const auto with_second = [&](const std::string& bytes) {
    folder.write("m-00002-of-00002.gguf", bytes);
    return first;
  };
  CHECK(refuses_model(with_second(part_of(0, 2)), "says that it is part 1 of 2"));
  CHECK(refuses_model(with_second(part_of(1, 3)), "says that it is part 2 of 3 of another model"));
  CHECK(refuses_model(with_second(Parts().file()), "is no part of a split model"));
  Parts wide;
  wide.entries = text("split.no") + u32(kUint32) + u32(1);
  wide.entry_count = 1;
  CHECK(refuses_model(with_second(wide.file()), "is no part of a split model"));
  std::string twice = part_of(1, 2);
  twice.replace(twice.find("part1a"), 6, "part0a");
  CHECK(refuses_model(with_second(twice), "holds tensor part0a, which is in " + first));
  CHECK_EQ(preflight_gguf(with_second(part_of(1, 2))).message, "");
}

TEST("parts that hold another number of tensors than they say are refused") {
  const Folder folder;
  const auto with_count = [&](uint32_t part) {
    std::string bytes = part_of(part, 2);
    const std::string key = "split.tensors.count" + u32(kInt32);
    bytes.replace(bytes.find(key) + key.size(), 4, u32(5));
    return bytes;
  };
  const std::string first = folder.write("m-00001-of-00002.gguf", with_count(0));
  folder.write("m-00002-of-00002.gguf", with_count(1));
  CHECK(refuses_model(first, "all together hold 4 tensors, expected 5"));
}

TEST("a first part under another name is told which one it needs") {
  const Folder folder;
  const std::string renamed = folder.write("model.gguf", part_of(0, 2));
  folder.write("m-00002-of-00002.gguf", part_of(1, 2));
  CHECK(refuses_model(renamed, "whose name must end in -00001-of-00002.gguf"));
}

TEST("one part that cannot be mapped is enough, and a first part may have no tensors") {
  const Folder folder;
  Parts empty;
  empty.entries += split_keys(0, 2, 2);
  empty.entry_count = 5;
  empty.tensors = empty.data = "";
  empty.tensor_count = 0;
  const std::string first = folder.write("m-00001-of-00002.gguf", empty.file());
  Parts second;
  second.entries = split_keys(1, 2, 2);
  second.entry_count = 3;
  folder.write("m-00002-of-00002.gguf", second.file());
  CHECK_EQ(preflight_gguf(first).message, "");
  CHECK(preflight_gguf(first).can_be_mapped);
  second.entries += text("general.alignment") + u32(kUint32) + u32(16);
  second.entry_count = 4;
  second.tensors.replace(second.tensors.size() - 8, 8, u64(48));
  second.data = std::string(48 + 20, 'x');
  std::string bytes = second.magic + u32(3) + u64(2) + u64(4) + second.entries + second.tensors;
  bytes.resize((bytes.size() + 15) / 16 * 16);
  folder.write("m-00002-of-00002.gguf", bytes + second.data);
  CHECK_EQ(preflight_gguf(first).message, "");
  CHECK(!preflight_gguf(first).can_be_mapped);
}

TEST("a file with metadata alone is no model") {
  Parts parts;
  parts.tensor_count = 0;
  parts.tensors = parts.data = "";
  CHECK(refuses(parts.file(), "no weights"));
}

TEST("a tensor of an unknown or removed type, or with too many dimensions, is refused") {
  Parts parts;
  for (const uint32_t type : {kRemovedType, uint32_t{43}, UINT32_MAX}) {
    parts.tensors = text("t") + u32(1) + u64(32) + u32(type) + u64(0);
    parts.tensor_count = 1;
    CHECK(refuses(parts.file(), "which this build does not know"));
  }
  parts.tensors = text("t") + u32(5) + std::string(64, '\1');
  CHECK(refuses(parts.file(), "5 dimensions"));
}

TEST("a norm, a bias or token types in another type than F32 are refused; a matrix is not") {
  Parts parts;
  parts.tensor_count = 1;
  parts.data = std::string(36, '\0');
  const auto named = [&](const std::string& name, uint32_t rows) {
    parts.tensors = text(name) + u32(2) + u64(32) + u64(rows) + u32(kQ4_0) + u64(0);
    return parts.file();
  };
  for (const char* name :
       {"token_types.weight", "blk.0.attn_norm.weight", "blk.0.attn_q_norm.weight"}) {
    CHECK(refuses(named(name, 2), "expected 0 (F32)"));
  }
  CHECK(refuses(named("blk.0.attn_q.bias", 1), "expected 0 (F32)"));
  CHECK(check_bytes(named("blk.0.ffn_up_exps.bias", 2)).ok);
  CHECK(check_bytes(named("position_embd.weight", 2)).ok);
}

TEST("a tensor of a type that nothing is computed with is refused") {
  Parts parts;
  parts.tensor_count = 1;
  parts.data = std::string(512, '\0');
  for (const uint32_t type : {9, 24, 25, 27, 28}) {
    parts.tensors = text("blk.0.attn_q.weight") + u32(2) + u64(32) + u64(1) + u32(type) + u64(0);
    CHECK(refuses(parts.file(), "which nothing is computed with"));
  }
}

TEST("impossible shapes are refused without overflow") {
  Parts parts;
  parts.tensor_count = 1;
  const std::string end = u32(kF32) + u64(0);
  const std::string huge = u64(uint64_t{1} << 32) + u64(uint64_t{1} << 32);
  parts.tensors = text("t") + u32(2) + huge + end;
  CHECK(refuses(parts.file(), "impossible shape"));
  parts.tensors = text("t") + u32(2) + u64(4) + u64(0) + end;
  CHECK(refuses(parts.file(), "impossible shape"));
  parts.tensors = text("t") + u32(1) + u64(uint64_t{1} << 62) + end;
  CHECK(refuses(parts.file(), "impossible shape"));
  parts.tensors = text("t") + u32(1) + u64(uint64_t{1} << 40) + end;
  CHECK(refuses(parts.file(), "is cut short"));
  parts.tensors = text("t") + u32(1) + u64(33) + u32(kQ4_0) + u64(0);
  CHECK(refuses(parts.file(), "expected a multiple of 32"));
}

TEST("tensors that overlap, leave a gap or point past the end are refused") {
  for (const uint64_t offset : {uint64_t{0}, uint64_t{32}, uint64_t{96}, UINT64_MAX - 31}) {
    Parts parts;
    parts.tensors.replace(parts.tensors.size() - 8, 8, u64(offset));
    CHECK(refuses(parts.file(), "tensor second begins at byte"));
  }
}

TEST("a tensor's name that is too long or there twice is refused") {
  Parts parts;
  const std::string rest = u32(1) + u64(16) + u32(kF32);
  parts.tensors = text("t") + rest + u64(0) + text("t") + rest + u64(64);
  CHECK(refuses(parts.file(), "tensor t is there twice"));
  parts.tensors = text(std::string(64, 'n')) + rest + u64(0) + text("t") + rest + u64(64);
  CHECK(refuses(parts.file(), "expected at most 63"));
}

TEST("a split model's bytes are those of all its parts") {
  const Folder folder;
  const std::string whole = folder.write("whole.gguf", "12345");
  CHECK_EQ(model_file_bytes(whole), uint64_t(5));
  CHECK_EQ(model_file_bytes(whole + ".missing"), uint64_t(0));
  const std::string first = folder.write("m-00001-of-00003.gguf", "1");
  const std::string second = folder.write("m-00002-of-00003.gguf", "22");
  CHECK_EQ(model_file_bytes(first), uint64_t(3));
  folder.write("m-00003-of-00003.gguf", "333");
  CHECK_EQ(model_file_bytes(first), uint64_t(6));
  CHECK_EQ(model_file_bytes(second), uint64_t(2));
  CHECK_EQ(model_file_bytes(folder.write("00001-of-00003.gguf", "4444")), uint64_t(4));
  CHECK_EQ(model_file_bytes(folder.write("m-00001-of-3.gguf", "4444")), uint64_t(4));
}
