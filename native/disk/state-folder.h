#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <system_error>
#include <vector>

namespace sluice {

// A folder of states, as its files are now: other processes may add and remove some at any time.
// Only files of our own naming are looked at. Any thread.
class StateFolder {
 public:
  struct File {
    std::string name;
    uint64_t bytes;
    std::filesystem::file_time_type used_at;
  };

  explicit StateFolder(std::string path) : path_(std::move(path)) {}

  // Makes it, for its owner alone, where it is not there. Throws std::system_error.
  void make() const;
  std::string path_of(const std::string& name) const { return path_ + '/' + name; }
  const std::string& path() const { return path_; }
  // The states in it, of all models. Throws std::system_error.
  std::vector<File> states() const;
  // Of all of them.
  uint64_t bytes() const;
  // Removes what killed processes left half-written.
  void remove_orphans() const;
  // Marks a state as used now.
  void touch(const std::string& name) const noexcept;
  // The error where it is still there: the folder or the file may be another user's, and Windows
  // removes none that is open.
  std::error_code remove(const std::string& name) const noexcept;
  // Removes the states that were used longest ago, those of a time to come first, until `bytes`
  // more fit into `bytes_max`; `removed` hears of each. False where they never fit. Throws
  // std::system_error where too many cannot be removed.
  bool make_room(uint64_t bytes, uint64_t bytes_max,
                 const std::function<void(const std::string& name)>& removed) const;

 private:
  const std::string path_;
};

}  // namespace sluice
