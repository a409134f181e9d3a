#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#ifndef _WIN32
#include <unistd.h>

#include "test/check.h"
#endif

// A folder of its own for one test, which is gone at the end.
class TestFolder {
 public:
  explicit TestFolder(const char* name)
      : path_(std::filesystem::temp_directory_path() /
              (std::string("sluice-disk-") + name + '-' + std::to_string(std::random_device{}()))) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::string path() const { return path_.string(); }
  std::string of(const std::string& name) const { return (path_ / name).string(); }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }

 private:
  const std::filesystem::path path_;
};

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void write_content(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

#ifndef _WIN32
// As long as it lives, nothing can be added to a folder or removed from it, and all of it be read.
// Also where the tests are run as root, who is kept off by no permissions: it is nobody meanwhile.
class ReadOnly {
 public:
  explicit ReadOnly(const std::string& folder) : folder_(folder) {
    using std::filesystem::perms;
    constexpr perms read = perms::owner_read | perms::group_read | perms::others_read;
    constexpr perms search = perms::owner_exec | perms::group_exec | perms::others_exec;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      std::filesystem::permissions(entry.path(), read);
    }
    const std::filesystem::path parent = std::filesystem::path(folder).parent_path();
    std::filesystem::permissions(parent, search, std::filesystem::perm_options::add);
    std::filesystem::permissions(folder, read | search);
    if (is_root_) CHECK_EQ(seteuid(kNobody), 0);
  }
  ~ReadOnly() {
    if (is_root_) (void)!seteuid(0);
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
  }
  ReadOnly(const ReadOnly&) = delete;
  ReadOnly& operator=(const ReadOnly&) = delete;

 private:
  static constexpr uid_t kNobody = 65534;
  const std::string folder_;
  const bool is_root_ = geteuid() == 0;
};
#endif
