#include "disk/state-file.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <system_error>

#include "base/ends-with.h"
#include "base/file-lock.h"
#include "disk/disk-file.h"
#include "disk/xxhash64.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr char kMagic[8] = {'S', 'L', 'U', 'I', 'C', 'E', 'K', 'V'};
constexpr uint64_t kVersion = 1;
// Far more than any model reads. They are read before the checksum tells whether they are right.
constexpr uint64_t kTokensMax = uint64_t(1) << 24;
constexpr const char* kPrefix = "sluice-";
constexpr const char* kSuffix = ".kv";
constexpr const char* kPartSuffix = ".part";
// Of a name: hexadecimal digits are twice as many.
constexpr size_t kModelNameBytes = 8, kStateNameBytes = 16;
// Read or written at once.
constexpr size_t kPieceBytes = size_t(4) << 20;
// Written before the disk is waited for: what is left to wait for at the end is never more.
constexpr size_t kUnsyncedBytes = size_t(32) << 20;

struct Fixed {
  char magic[8];
  uint64_t version;
  uint8_t model[32], owner[32];
  uint64_t tokens, state_bytes;
};
static_assert(sizeof(Fixed) == 96, "the file's format");

using Sum = uint64_t;

Fixed fixed_of(const StateHead& head) {
  Fixed fixed{};
  std::memcpy(fixed.magic, kMagic, sizeof(kMagic));
  fixed.version = kVersion;
  std::copy(head.model.begin(), head.model.end(), fixed.model);
  std::copy(head.owner.begin(), head.owner.end(), fixed.owner);
  fixed.tokens = head.tokens.size();
  fixed.state_bytes = head.state_bytes;
  return fixed;
}

bool is_missing(const std::system_error& error) {
  return error.code() == std::errc::no_such_file_or_directory;
}

std::string random_name() {
  std::random_device random;
  static std::atomic<uint64_t> count{0};
  uint64_t name = uint64_t(random()) << 32 | random();
  name += ++count;  // where the device is none, two writers of a process have two names
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(name));
  return text;
}

// Opens the file, reads its head and adds what it read to `sum`.
StateFileStatus read_head(DiskFile& file, XxHash64& sum, StateHead& head) {
  Fixed fixed;
  const uint64_t size = file.size();
  const bool is_whole = file.read(&fixed, sizeof(fixed)) == sizeof(fixed);
  if (!is_whole || std::memcmp(fixed.magic, kMagic, sizeof(kMagic)) != 0 ||
      fixed.version != kVersion || fixed.tokens > kTokensMax ||
      fixed.tokens > size / sizeof(int32_t) || fixed.state_bytes == 0 || fixed.state_bytes > size) {
    return StateFileStatus::damaged;
  }
  std::copy_n(fixed.model, head.model.size(), head.model.begin());
  std::copy_n(fixed.owner, head.owner.size(), head.owner.begin());
  head.state_bytes = fixed.state_bytes;
  head.tokens.resize(size_t(fixed.tokens));
  const size_t bytes = head.tokens.size() * sizeof(int32_t);
  Sum expected = 0;
  if (state_file_bytes(head) != size || file.read(head.tokens.data(), bytes) != bytes ||
      file.read(&expected, sizeof(expected)) != sizeof(expected)) {
    return StateFileStatus::damaged;
  }
  sum.add(&fixed, sizeof(fixed));
  sum.add(head.tokens.data(), bytes);
  if (sum.value() != expected) return StateFileStatus::damaged;
  sum.add(&expected, sizeof(expected));
  return StateFileStatus::ok;
}

// Of a file that is not there yet, and that others leave alone while it is locked.
struct Part {
  std::string path;
  std::unique_ptr<FileLock> lock;
};

Part new_part(const std::string& place) {
  for (;;) {
    Part part{place + '.' + random_name() + kPartSuffix, nullptr};
    part.lock = FileLock::try_take(part.path);
    if (!part.lock) continue;
    fs::permissions(fs::u8path(part.path), fs::perms::owner_read | fs::perms::owner_write);
    return part;
  }
}

bool write_all(DiskFile& file, const StateHead& head, const uint8_t* state,
               const IsUnwanted& is_unwanted) {
  XxHash64 sum;
  const auto write = [&](const void* bytes, size_t count) {
    sum.add(bytes, count);
    file.write(bytes, count);
  };
  const Fixed fixed = fixed_of(head);
  write(&fixed, sizeof(fixed));
  write(head.tokens.data(), head.tokens.size() * sizeof(int32_t));
  Sum value = sum.value();
  write(&value, sizeof(value));
  size_t unsynced = 0;
  for (uint64_t at = 0; at < head.state_bytes; at += kPieceBytes) {
    if (is_unwanted()) return false;
    const size_t count = size_t(std::min<uint64_t>(kPieceBytes, head.state_bytes - at));
    write(state + at, count);
    unsynced += count;
    if (unsynced < kUnsyncedBytes) continue;
    file.sync();
    unsynced = 0;
  }
  value = sum.value();
  file.write(&value, sizeof(value));
  file.sync();
  return !is_unwanted();
}

}  // namespace

uint64_t state_file_bytes(const StateHead& head) {
  return sizeof(Fixed) + head.tokens.size() * sizeof(int32_t) + head.state_bytes + 2 * sizeof(Sum);
}

std::string state_file_prefix(const Digest& model) {
  return kPrefix + hex_of(model, kModelNameBytes) + '-';
}

std::string state_file_name(const StateHead& head) {
  std::string text(head.owner.begin(), head.owner.end());
  text.append(reinterpret_cast<const char*>(head.tokens.data()),
              head.tokens.size() * sizeof(int32_t));
  return state_file_prefix(head.model) + hex_of(sha256(text), kStateNameBytes) + kSuffix;
}

bool is_state_file(const std::string& name) {
  const size_t digits = 2 * kModelNameBytes + 2 * kStateNameBytes;
  const size_t length = std::strlen(kPrefix) + digits + 1 + std::strlen(kSuffix);
  return name.size() == length && name.compare(0, std::strlen(kPrefix), kPrefix) == 0 &&
         ends_with(name, kSuffix);
}

bool is_part_file(const std::string& name) {
  const size_t tail = 1 + 16 + std::strlen(kPartSuffix);
  return name.size() > tail && ends_with(name, kPartSuffix) &&
         is_state_file(name.substr(0, name.size() - tail));
}

bool write_state_file(const std::string& folder, const StateHead& head, const uint8_t* state,
                      const IsUnwanted& is_unwanted) {
  const std::string place = folder + '/' + state_file_name(head);
  const Part part = new_part(place);
  std::error_code ignored;  // what is left is removed when the next engine looks
  try {
    DiskFile file = DiskFile::writing(part.path);
    const bool is_written = write_all(file, head, state, is_unwanted);
    file.close();
    if (is_written) {
      fs::rename(fs::u8path(part.path), fs::u8path(place));
      sync_folder(folder);
    } else {
      fs::remove(fs::u8path(part.path), ignored);
    }
    return is_written;
  } catch (...) {
    fs::remove(fs::u8path(part.path), ignored);
    throw;
  }
}

StateFileStatus read_state_head(const std::string& path, const Digest& model, StateHead& head) {
  try {
    DiskFile file = DiskFile::reading(path);
    XxHash64 sum;
    const StateFileStatus status = read_head(file, sum, head);
    if (status != StateFileStatus::ok) return status;
    return head.model == model ? StateFileStatus::ok : StateFileStatus::damaged;
  } catch (const std::system_error& error) {
    if (is_missing(error)) return StateFileStatus::missing;
    throw;
  }
}

StateFileStatus read_state_file(const std::string& path, const StateHead& expected,
                                StateBuffer& state, const IsUnwanted& is_unwanted) {
  try {
    DiskFile file = DiskFile::reading(path);
    XxHash64 sum;
    StateHead head;
    const StateFileStatus status = read_head(file, sum, head);
    if (status != StateFileStatus::ok) return status;
    if (head.model != expected.model || head.owner != expected.owner ||
        head.tokens != expected.tokens) {
      return StateFileStatus::damaged;
    }
    if (!state.resize(size_t(head.state_bytes))) return StateFileStatus::no_memory;
    for (size_t at = 0; at < state.size(); at += kPieceBytes) {
      if (is_unwanted()) return StateFileStatus::unwanted;
      const size_t count = std::min(kPieceBytes, state.size() - at);
      if (file.read(state.data() + at, count) != count) return StateFileStatus::damaged;
      sum.add(state.data() + at, count);
    }
    Sum value = 0;
    const bool is_whole = file.read(&value, sizeof(value)) == sizeof(value);
    return is_whole && value == sum.value() ? StateFileStatus::ok : StateFileStatus::damaged;
  } catch (const std::system_error& error) {
    if (is_missing(error)) return StateFileStatus::missing;
    throw;
  }
}

}  // namespace sluice
