#include "llama/gguf-preflight.h"

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "test/check.h"

namespace {

using sluice::preflight_gguf;
using sluice::PreflightResult;

constexpr uint32_t kUint16 = 2, kUint32 = 4, kString = 8, kArray = 9;
constexpr uint32_t kF32 = 0, kQ4_0 = 2, kRemovedType = 4;

std::string u32(uint32_t value) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value >> 8 * i);
  return bytes;
}
std::string u64(uint64_t value) { return u32(static_cast<uint32_t>(value)) + u32(value >> 32); }
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
  CHECK(check_bytes(with("expert_count", 8)).ok);
  CHECK(refuses(with("expert_count", 1025), "llama.expert_count is 1025"));
  CHECK(refuses(with("expert_used_count", 1), "llama.expert_used_count is 1"));
  CHECK(refuses(with("expert_group_count", 1), "llama.expert_group_count is 1"));
  const std::string scaling = text("llama.rope.scaling.type") + u32(kString);
  CHECK(check_bytes(with_entry(scaling + text("yarn")).file()).ok);
  CHECK(refuses(with_entry(scaling + text("rope")).file(), "none, linear, yarn, longrope"));
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
