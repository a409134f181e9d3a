#include "disk/state-folder.h"

#include <algorithm>
#include <chrono>

#include "base/file-lock.h"
#include "disk/state-file.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

// More states than this are not kept, however small they are: each is known by its tokens.
constexpr size_t kStatesMax = 4096;
// How far the clocks of those that share a folder may be apart.
constexpr auto kAheadMax = std::chrono::hours(1);

template <typename Body>
void for_each_name(const std::string& folder, const Body& body) {
  for (const fs::directory_entry& entry : fs::directory_iterator(fs::u8path(folder))) {
    body(entry.path().filename().u8string(), entry);
  }
}

}  // namespace

void StateFolder::make() const {
  const fs::path folder = fs::u8path(path_);
  if (fs::create_directories(folder)) fs::permissions(folder, fs::perms::owner_all);
  if (!fs::is_directory(folder)) {
    throw std::system_error(std::make_error_code(std::errc::not_a_directory), path_);
  }
}

std::vector<StateFolder::File> StateFolder::states() const {
  std::vector<File> files;
  for_each_name(path_, [&](const std::string& name, const fs::directory_entry& entry) {
    if (!is_state_file(name)) return;
    std::error_code error;  // another process may have removed it
    const auto bytes = entry.file_size(error);
    if (error) return;
    const auto used_at = entry.last_write_time(error);
    if (!error) files.push_back({name, uint64_t(bytes), used_at});
  });
  return files;
}

uint64_t StateFolder::bytes() const {
  uint64_t bytes = 0;
  for (const File& file : states()) bytes += file.bytes;
  return bytes;
}

// The lock of a process that was killed is free.
void StateFolder::remove_orphans() const {
  for_each_name(path_, [&](const std::string& name, const fs::directory_entry&) {
    if (!is_part_file(name)) return;
    try {
      if (FileLock::try_take(path_of(name))) remove(name);
    } catch (const std::system_error&) {
      return;  // another user's: it stays
    }
  });
}

void StateFolder::touch(const std::string& name) const noexcept {
  std::error_code ignored;  // another process may have removed it
  fs::last_write_time(fs::u8path(path_of(name)), fs::file_time_type::clock::now(), ignored);
}

std::error_code StateFolder::remove(const std::string& name) const noexcept {
  std::error_code error;
  fs::remove(fs::u8path(path_of(name)), error);
  return error;
}

bool StateFolder::make_room(uint64_t bytes, uint64_t bytes_max,
                            const std::function<void(const std::string& name)>& removed) const {
  if (bytes > bytes_max) return false;
  std::vector<File> files = states();
  // A clock that was ahead leaves times that are yet to come. Such a state would be kept until
  // then, in the place of all new ones: it goes first.
  const auto latest = fs::file_time_type::clock::now() + kAheadMax;
  for (File& file : files) {
    if (file.used_at > latest) file.used_at = fs::file_time_type::min();
  }
  std::sort(files.begin(), files.end(),
            [](const File& a, const File& b) { return a.used_at < b.used_at; });
  uint64_t total = bytes;
  for (const File& file : files) total += file.bytes;
  size_t left = files.size();
  const auto fits = [&] { return total <= bytes_max && left < kStatesMax; };
  std::error_code error;
  for (const File& file : files) {
    if (fits()) break;
    const std::error_code kept = remove(file.name);
    if (kept) {
      error = kept;
      continue;
    }
    removed(file.name);
    total -= file.bytes;
    --left;
  }
  if (!fits()) throw std::system_error(error, "old states in " + path_ + " cannot be removed");
  return true;
}

}  // namespace sluice
