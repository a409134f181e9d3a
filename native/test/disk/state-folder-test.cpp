#include "disk/state-folder.h"

#include <chrono>

#include "disk/state-file.h"
#include "test/check.h"
#include "test/disk/folder.h"

using namespace sluice;

namespace {

using Time = std::filesystem::file_time_type;

// A state of 100 bytes that was last used then. Returns its name.
std::string add(const TestFolder& folder, int32_t token, Time used_at) {
  StateHead head;
  head.tokens = {token};
  const std::string name = state_file_name(head);
  write_content(folder.of(name), std::string(100, 'x'));
  std::filesystem::last_write_time(folder.of(name), used_at);
  return name;
}

// What makes room for 100 bytes where all of three states but one may stay.
std::vector<std::string> removed_of(const TestFolder& folder) {
  std::vector<std::string> removed;
  const StateFolder states(folder.path());
  CHECK(states.make_room(100, 300, [&](const std::string& name) { removed.push_back(name); }));
  return removed;
}

}  // namespace

TEST("state folder: the state that was used longest ago makes room") {
  const TestFolder folder("oldest");
  const Time now = Time::clock::now();
  add(folder, 1, now - std::chrono::hours(2));
  const std::string oldest = add(folder, 2, now - std::chrono::hours(3));
  add(folder, 3, now);
  CHECK(removed_of(folder) == std::vector<std::string>{oldest});
}

TEST(
    "state folder: a state of a time that is yet to come goes first, once clocks differ by hours") {
  const TestFolder folder("ahead");
  const Time now = Time::clock::now();
  add(folder, 1, now - std::chrono::hours(2));
  const std::string ahead = add(folder, 2, now + std::chrono::hours(24 * 365 * 14));
  add(folder, 3, now + std::chrono::minutes(2));  // another machine's
  CHECK(removed_of(folder) == std::vector<std::string>{ahead});
}
