#include "base/file-lock.h"

#include <filesystem>
#include <fstream>
#include <random>
#include <system_error>

#include "test/check.h"

using sluice::FileLock;

namespace {

std::string fresh_path(const char* name) {
  const std::string unique = std::string(name) + '-' + std::to_string(std::random_device{}());
  return (std::filesystem::temp_directory_path() / unique).string();
}

}  // namespace

TEST("file-lock: one holder at a time, within a process too") {
  const std::string path = fresh_path("sluice-file-lock-one");
  auto first = FileLock::try_take(path);
  CHECK(first != nullptr);
  CHECK(FileLock::try_take(path) == nullptr);
  first.reset();
  CHECK(FileLock::try_take(path) != nullptr);
  std::filesystem::remove(path);
}

TEST("file-lock: what the file holds stays") {
  const std::string path = fresh_path("sluice-file-lock-content");
  std::ofstream(path) << "text";
  FileLock::try_take(path);
  CHECK_EQ(std::filesystem::file_size(path), 4u);
  std::filesystem::remove(path);
}

TEST("file-lock: a folder that is not there is an error") {
  bool has_thrown = false;
  try {
    FileLock::try_take(fresh_path("sluice-file-lock-none") + "/lock");
  } catch (const std::system_error&) {
    has_thrown = true;
  }
  CHECK(has_thrown);
}
