#include "disk/state-file.h"

#include <cstring>

#include "base/file-lock.h"
#include "test/check.h"
#include "test/disk/folder.h"

using namespace sluice;

namespace {

const IsUnwanted kWanted = [] { return false; };

StateHead head_of(std::vector<int32_t> tokens, const std::string& state,
                  const char* model = "model", const char* owner = "owner") {
  StateHead head;
  head.model = sha256(model);
  head.owner = sha256(owner);
  head.tokens = std::move(tokens);
  head.state_bytes = state.size();
  return head;
}

std::string written(const TestFolder& folder, const StateHead& head, const std::string& state) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(state.data());
  CHECK(write_state_file(folder.path(), head, bytes, kWanted));
  return folder.of(state_file_name(head));
}

StateFileStatus status_of(const std::string& path, const StateHead& head) {
  StateBuffer state;
  return read_state_file(path, head, state, kWanted);
}

}  // namespace

TEST("state file: what was written is read, head and state") {
  const TestFolder folder("whole");
  const std::string state(9 << 20, 's');
  const StateHead head = head_of({1, 2, 3}, state);
  const std::string path = written(folder, head, state);
  CHECK_EQ(folder.names().size(), 1u);
  CHECK_EQ(std::filesystem::file_size(path), state_file_bytes(head));
  StateHead there;
  CHECK(read_state_head(path, head.model, there) == StateFileStatus::ok);
  CHECK(there.tokens == head.tokens);
  CHECK(there.owner == head.owner);
  StateBuffer read;
  CHECK(read_state_file(path, head, read, kWanted) == StateFileStatus::ok);
  CHECK_EQ(read.size(), state.size());
  CHECK(std::memcmp(read.data(), state.data(), state.size()) == 0);
}

TEST("state file: a change of any byte is noticed") {
  const TestFolder folder("flipped");
  const std::string state = "the keys and values";
  const StateHead head = head_of({7, 8}, state);
  const std::string path = written(folder, head, state);
  const std::string content = content_of(path);
  for (size_t at = 0; at < content.size(); ++at) {
    for (const int bit : {0, 7}) {
      std::string damaged = content;
      damaged[at] = char(damaged[at] ^ (1 << bit));
      write_content(path, damaged);
      CHECK(status_of(path, head) == StateFileStatus::damaged);
    }
  }
  write_content(path, content);
  CHECK(status_of(path, head) == StateFileStatus::ok);
}

TEST("state file: a file of another length and its head are damaged") {
  const TestFolder folder("cut");
  const std::string state = "the keys and values";
  const StateHead head = head_of({7, 8}, state);
  const std::string path = written(folder, head, state);
  const std::string content = content_of(path);
  StateHead there;
  for (size_t length = 0; length < content.size(); ++length) {
    write_content(path, content.substr(0, length));
    CHECK(status_of(path, head) == StateFileStatus::damaged);
    CHECK(read_state_head(path, head.model, there) == StateFileStatus::damaged);
  }
  write_content(path, content + 'x');
  CHECK(status_of(path, head) == StateFileStatus::damaged);
}

TEST("state file: another model's, owner's or prompt's state is not taken for this one") {
  const TestFolder folder("foreign");
  const std::string state = "state";
  const std::string path = written(folder, head_of({1, 2}, state), state);
  CHECK(status_of(path, head_of({1, 2}, state)) == StateFileStatus::ok);
  CHECK(status_of(path, head_of({1, 2}, state, "other")) == StateFileStatus::damaged);
  CHECK(status_of(path, head_of({1, 2}, state, "model", "other")) == StateFileStatus::damaged);
  CHECK(status_of(path, head_of({1, 3}, state)) == StateFileStatus::damaged);
  StateHead there;
  CHECK(read_state_head(path, sha256("other"), there) == StateFileStatus::damaged);
}

TEST("state file: a file that is not there is missing, and no fault") {
  const TestFolder folder("missing");
  StateHead there;
  CHECK(status_of(folder.of("none"), head_of({1}, "s")) == StateFileStatus::missing);
  CHECK(read_state_head(folder.of("none"), sha256("model"), there) == StateFileStatus::missing);
}

TEST("state file: what is not wanted any more leaves nothing, and is not read") {
  const TestFolder folder("unwanted");
  const std::string state(9 << 20, 's');
  const StateHead head = head_of({1}, state);
  int asked = 0;
  const auto in_the_middle = [&] { return ++asked > 1; };
  const auto* bytes = reinterpret_cast<const uint8_t*>(state.data());
  CHECK(!write_state_file(folder.path(), head, bytes, in_the_middle));
  CHECK(folder.names().empty());
  const std::string path = written(folder, head, state);
  asked = 0;
  StateBuffer read;
  CHECK(read_state_file(path, head, read, in_the_middle) == StateFileStatus::unwanted);
}

TEST("state file: a folder that is not there is an error, and leaves nothing") {
  const TestFolder folder("nowhere");
  const StateHead head = head_of({1}, "s");
  bool has_thrown = false;
  try {
    write_state_file(folder.of("none"), head, reinterpret_cast<const uint8_t*>("s"), kWanted);
  } catch (const std::system_error&) {
    has_thrown = true;
  }
  CHECK(has_thrown);
}

#ifndef _WIN32
TEST("state file: its owner alone may read it") {
  const TestFolder folder("mode");
  const std::string path = written(folder, head_of({1}, "s"), "s");
  const auto mode = std::filesystem::status(path).permissions();
  CHECK(mode == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}
#endif

TEST("state file: names tell states and parts of them from all other files") {
  const StateHead head = head_of({1}, "s");
  const std::string name = state_file_name(head);
  CHECK(is_state_file(name));
  CHECK(!is_part_file(name));
  CHECK(is_part_file(name + ".0123456789abcdef.part"));
  CHECK(!is_state_file(name + ".0123456789abcdef.part"));
  for (const char* other : {"model.gguf", "sluice-.kv", "sluice-x.kv", ".part", "x.part", ""}) {
    CHECK(!is_state_file(other));
    CHECK(!is_part_file(other));
  }
  CHECK_EQ(name.rfind(state_file_prefix(head.model), 0), 0u);
  CHECK(state_file_name(head_of({1}, "s", "model", "other")) != name);
  CHECK(state_file_name(head_of({2}, "s")) != name);
  CHECK(state_file_name(head_of({1}, "s", "other")) != name);
}

TEST("state file: one without a state, or with more tokens than any has, is damaged") {
  const TestFolder folder("odd");
  const StateHead empty = head_of({1, 2, 3}, "");
  CHECK(status_of(written(folder, empty, ""), empty) == StateFileStatus::damaged);
  const std::string state = "state";
  const StateHead head = head_of({7, 8}, state);
  const std::string path = written(folder, head, state);
  constexpr uint64_t tokens = uint64_t(1) << 38;  // a TiB, of which the disk has next to nothing
  std::string content = content_of(path);
  std::memcpy(content.data() + 80, &tokens, sizeof(tokens));
  write_content(path, content);
  std::filesystem::resize_file(path, content.size() + (tokens - 2) * sizeof(int32_t));
  StateHead there;
  CHECK(read_state_head(path, head.model, there) == StateFileStatus::damaged);
}
