#include "disk/state-store.h"

#include <atomic>
#include <mutex>
#include <numeric>

#include "base/file-lock.h"
#include "test/check.h"
#include "test/disk/folder.h"

#ifndef _WIN32
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#endif

using namespace sluice;

namespace {

constexpr uint64_t kMiB = uint64_t(1) << 20;
constexpr auto kPatience = std::chrono::seconds(120);

std::vector<int32_t> tokens_of(int32_t count, int32_t first = 0) {
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

std::shared_ptr<SavedState> state_of(std::vector<int32_t> tokens, size_t bytes = 1000,
                                     uint8_t content = 1, const char* salt = "") {
  auto state = std::make_shared<SavedState>();
  state->salt = salt;
  state->tokens = std::move(tokens);
  state->bytes.resize(bytes);
  std::fill_n(state->bytes.data(), bytes, content);
  return state;
}

bool eventually(const std::function<bool()>& holds) {
  const auto until = Clock::now() + kPatience;
  while (!holds()) {
    if (Clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

struct Opened {
  explicit Opened(const TestFolder& folder, const char* settings = "a",
                  uint64_t bytes_max = 64 * kMiB, uint64_t waiting_bytes_max = 64 * kMiB,
                  bool whole_only = false)
      : store({folder.of("states"), bytes_max, waiting_bytes_max, whole_only, 10000},
              {settings, {}, {}},
              {[] {},
               [this](const std::string& message) {
                 const std::lock_guard<std::mutex> lock(mutex);
                 warnings.push_back(message);
               }}) {
    CHECK(eventually([&] { return store.is_ready(); }));
  }

  // Null where nothing is found, or it could not be read.
  std::shared_ptr<SavedState> read(const std::vector<int32_t>& tokens, const char* salt = "") {
    const auto read = store.read(salt, tokens, int32_t(tokens.size()) - 1, 0, 0);
    if (!read) return nullptr;
    CHECK(eventually([&] { return read->is_done.load(); }));
    return read->state;
  }
  void write(std::shared_ptr<SavedState> state) {
    const auto& counts = store.counts();
    const int64_t done = counts.writes + counts.dropped;
    store.write(std::move(state));
    CHECK(eventually([&] {
      const auto now = store.counts();
      return now.writes + now.dropped > done;
    }));
  }
  size_t warning_count() {
    const std::lock_guard<std::mutex> lock(mutex);
    return warnings.size();
  }

  std::mutex mutex;
  std::vector<std::string> warnings;
  StateStore store;
};

size_t states_in(const TestFolder& folder) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.of("states"))) {
    count += is_state_file(entry.path().filename().string()) ? 1 : 0;
  }
  return count;
}

std::string only_state_in(const TestFolder& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder.of("states"))) {
    if (is_state_file(entry.path().filename().string())) return entry.path().string();
  }
  return "";
}

}  // namespace

TEST("state store: a state that was written is found by another store, of a longer prompt") {
  const TestFolder folder("again");
  {
    Opened first(folder);
    first.write(state_of(tokens_of(2000), 5 * kMiB, 7));
  }
  Opened second(folder);
  const auto state = second.read(tokens_of(3000));
  CHECK(state != nullptr);
  CHECK(state->tokens == tokens_of(2000));
  CHECK_EQ(state->bytes.size(), size_t(5 * kMiB));
  CHECK_EQ(int(state->bytes.data()[5 * kMiB - 1]), 7);
  CHECK_EQ(second.store.counts().reads, 1);
  CHECK_EQ(second.store.counts().entries, 1);
  CHECK_EQ(second.warning_count(), 0u);
}

TEST("state store: another salt and other settings find nothing, and remove nothing") {
  const TestFolder folder("keys");
  {
    Opened first(folder);
    first.write(state_of(tokens_of(2000), 1000, 1, "tenant"));
    CHECK(first.read(tokens_of(3000)) == nullptr);
    CHECK(first.read(tokens_of(3000), "other") == nullptr);
    CHECK(first.read(tokens_of(3000), "tenant") != nullptr);
  }
  {
    Opened other(folder, "b");
    CHECK(other.read(tokens_of(3000), "tenant") == nullptr);
    CHECK_EQ(other.store.counts().entries, 0);
  }
  Opened again(folder);
  CHECK(again.read(tokens_of(3000), "tenant") != nullptr);
}

TEST("state store: the salt stands in no file") {
  const TestFolder folder("secret");
  Opened opened(folder);
  opened.write(state_of(tokens_of(300), 1000, 1, "tenant-secret"));
  CHECK(content_of(only_state_in(folder)).find("tenant-secret") == std::string::npos);
}

TEST(
    "state store: a damaged state is removed with a warning, when it is found or when it is read") {
  const TestFolder folder("damaged");
  {
    Opened opened(folder);
    opened.write(state_of(tokens_of(2000)));
    std::string content = content_of(only_state_in(folder));
    content[content.size() - 100] ^= 1;  // of the state: its head is right
    write_content(only_state_in(folder), content);
    CHECK(opened.read(tokens_of(3000)) == nullptr);
    CHECK_EQ(states_in(folder), 0u);
    CHECK_EQ(opened.warning_count(), 1u);
    CHECK_EQ(opened.store.counts().errors, 1);
    CHECK(opened.read(tokens_of(3000)) == nullptr);
    opened.write(state_of(tokens_of(2000)));
    CHECK(opened.read(tokens_of(3000)) != nullptr);
  }
  const std::string path = only_state_in(folder);
  write_content(path, content_of(path).substr(0, 500));
  Opened again(folder);
  CHECK_EQ(states_in(folder), 0u);
  CHECK_EQ(again.warning_count(), 1u);
}

TEST("state store: files of others stay, and what a killed process left goes") {
  const TestFolder folder("left");
  std::filesystem::create_directories(folder.of("states"));
  StateHead head;
  head.tokens = tokens_of(300);
  const std::string part = "states/" + state_file_name(head) + ".0123456789abcdef.part";
  const std::string held = "states/" + state_file_name(head) + ".fedcba9876543210.part";
  write_content(folder.of(part), "half");
  write_content(folder.of("states/model.gguf"), "mine");
  const auto lock = FileLock::try_take(folder.of(held));
  Opened opened(folder);
  CHECK(!std::filesystem::exists(folder.of(part)));
  CHECK(std::filesystem::exists(folder.of(held)));
  CHECK_EQ(content_of(folder.of("states/model.gguf")), "mine");
  CHECK_EQ(opened.store.counts().errors, 0);
}

TEST("state store: beyond its size the states that were used longest ago go") {
  const TestFolder folder("budget");
  Opened opened(folder, "a", 3 * kMiB + 100000);
  for (int i = 0; i < 3; ++i) {
    opened.write(state_of(tokens_of(300, i * 1000), kMiB));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));  // files' times differ
  }
  CHECK(opened.read(tokens_of(400)) != nullptr);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  opened.write(state_of(tokens_of(300, 5000), kMiB));
  CHECK_EQ(states_in(folder), 3u);
  CHECK(opened.read(tokens_of(400)) != nullptr);
  CHECK(opened.read(tokens_of(400, 1000)) == nullptr);
  CHECK(opened.store.counts().bytes <= int64_t(3 * kMiB + 100000));
}

TEST("state store: a state that is larger than the folder may be is not wished for") {
  const TestFolder folder("large");
  Opened opened(folder, "a", kMiB);
  CHECK(opened.store.wish("", tokens_of(300), 2 * kMiB, 0, false) == StateStore::Wish::no);
  CHECK(opened.store.wish("", tokens_of(300), 1000, 0, false) == StateStore::Wish::yes);
}

TEST("state store: a shorter prefix goes once a longer text has it, where states can be cut") {
  const TestFolder folder("longer");
  Opened opened(folder);
  opened.write(state_of(tokens_of(1000)));
  opened.write(state_of(tokens_of(1500)));
  CHECK(eventually([&] { return states_in(folder) == 1; }));
  CHECK(opened.read(tokens_of(1200))->tokens.size() == 1500);
  const auto left = std::filesystem::file_size(only_state_in(folder));
  CHECK(eventually([&] { return opened.store.counts().bytes == int64_t(left); }));
}

TEST("state store: where states serve whole only, a shorter prefix stays") {
  const TestFolder folder("shorter");
  const bool whole_only = true;
  Opened opened(folder, "a", 64 * kMiB, 64 * kMiB, whole_only);
  opened.write(state_of(tokens_of(1000)));
  opened.write(state_of(tokens_of(1500)));
  CHECK_EQ(states_in(folder), 2u);
  CHECK(opened.read(tokens_of(1200))->tokens.size() == 1000);
}

TEST("state store: what one store wrote another finds when it looks again, and so what is gone") {
  const TestFolder folder("shared");
  Opened one(folder), two(folder);
  one.write(state_of(tokens_of(1000)));
  two.store.erase_states_of("", tokens_of(5));  // looks again at once
  CHECK(eventually([&] { return two.store.counts().entries == 1; }));
  CHECK(two.read(tokens_of(1200)) != nullptr);
  one.store.erase_states_of("", tokens_of(1000));
  CHECK(eventually([&] { return states_in(folder) == 0; }));
  CHECK(two.read(tokens_of(1200)) == nullptr);
  CHECK_EQ(two.store.counts().errors, 0);
  CHECK_EQ(two.store.counts().entries, 0);
}

TEST("state store: what is erased while it waits to be written, or is written, never appears") {
  const TestFolder folder("erased");
  Opened opened(folder);
  opened.store.write(state_of(tokens_of(1000), 64 * kMiB));
  opened.store.write(state_of(tokens_of(1000, 5000)));
  for (const int32_t first : {5000, 0}) opened.store.erase_states_of("", tokens_of(1000, first));
  CHECK(eventually([&] {
    const StateStoreCounts counts = opened.store.counts();
    return counts.writes + counts.dropped == 2;
  }));
  CHECK(eventually([&] { return states_in(folder) == 0; }));
  CHECK_EQ(opened.store.counts().entries, 0);
  opened.write(state_of(tokens_of(1000)));
  CHECK_EQ(states_in(folder), 1u);
}

TEST("state store: what is erased and written again at once is there") {
  const TestFolder folder("rewritten");
  Opened opened(folder);
  opened.write(state_of(tokens_of(1000)));
  for (int i = 0; i < 300; ++i) {
    opened.store.erase_states_of("", tokens_of(1000));
    opened.write(state_of(tokens_of(1000)));
    // It looks again, and removes what it was told to.
    opened.store.erase_states_of("", tokens_of(5));
    CHECK(opened.read(tokens_of(1200)) != nullptr);
  }
  CHECK(eventually([&] { return opened.store.counts().entries == 1; }));
  CHECK_EQ(states_in(folder), 1u);
}

TEST("state store: what is erased just before it closes goes") {
  const TestFolder folder("last");
  {
    Opened opened(folder);
    opened.write(state_of(tokens_of(1000)));
    opened.store.erase_states_of("", tokens_of(1000));
    opened.store.close(Clock::now() + kPatience);
  }
  CHECK_EQ(states_in(folder), 0u);
}

TEST("state store: a state goes where a longer one goes that a text may have begun with") {
  const TestFolder folder("begun");
  Opened opened(folder);
  opened.write(state_of(tokens_of(3000)));
  opened.store.erase_states_of("", tokens_of(2000));
  CHECK(eventually([&] { return states_in(folder) == 0; }));
}

TEST("state store: who has just opened it can wait until it knows what is there") {
  const TestFolder folder("slow");
  write_content(folder.of("program"), "");
  std::filesystem::resize_file(folder.of("program"), 256 * kMiB);
  StateStore store({folder.of("states"), 64 * kMiB, 64 * kMiB, false, 10000},
                   {"a", {}, {stamp_of(folder.of("program"))}}, {});
  store.wait_until_ready(Clock::now() + kPatience);
  CHECK(store.is_ready());
  CHECK(store.wish("", tokens_of(300), 1000, 0, true) == StateStore::Wish::yes);
  store.write(state_of(tokens_of(300)));
  store.close(Clock::now() + kPatience);
  CHECK_EQ(store.counts().writes, 1);
}

TEST("state store: a folder that is removed meanwhile is made again") {
  const TestFolder folder("removed");
  Opened opened(folder);
  opened.write(state_of(tokens_of(1000)));
  std::filesystem::remove_all(folder.of("states"));
  CHECK(opened.read(tokens_of(1200)) == nullptr);
  opened.write(state_of(tokens_of(1000, 5000)));
  CHECK_EQ(states_in(folder), 1u);
  CHECK(opened.read(tokens_of(1200, 5000)) != nullptr);
  CHECK_EQ(opened.store.counts().errors, 0);
}

#ifdef __linux__
TEST("state store: a file that cannot be read is a warning, and the others serve") {
  const TestFolder folder("unreadable");
  StateHead odd;
  {
    Opened opened(folder);
    opened.write(state_of(tokens_of(2000)));
    odd.model = digest_of({"a", {}, {}});
  }
  // Reading its beginning is an error of input and output.
  std::filesystem::create_symlink("/proc/self/mem", folder.of("states/" + state_file_name(odd)));
  Opened again(folder);
  CHECK(again.read(tokens_of(3000)) != nullptr);
  CHECK_EQ(again.store.counts().errors, 1);
  CHECK_EQ(again.warning_count(), 1u);
}
#endif

#ifndef _WIN32
TEST("state store: where old states cannot be removed, no new one goes beyond the size") {
  const TestFolder folder("sticky");
  Opened opened(folder, "a", 2 * kMiB);
  opened.write(state_of(tokens_of(300), kMiB));
  {
    const ReadOnly nothing_goes(folder.of("states"));
    opened.write(state_of(tokens_of(300, 1000), kMiB));
    CHECK(opened.read(tokens_of(400)) != nullptr);  // it is there, and known
  }
  CHECK_EQ(opened.store.counts().dropped, 1);
  CHECK(eventually([&] { return opened.warning_count() == 1; }));
  CHECK(opened.warnings.front().find("cannot be removed") != std::string::npos);
}

TEST("state store: an erased state that cannot be removed is not found again, and goes later") {
  const TestFolder folder("stays");
  Opened opened(folder);
  opened.write(state_of(tokens_of(1000)));
  {
    Opened other(folder);
    other.write(state_of(tokens_of(1000, 5000)));
    const ReadOnly nothing_goes(folder.of("states"));
    opened.store.erase_states_of("", tokens_of(1000));  // looks again at once
    CHECK(eventually([&] { return opened.store.counts().entries == 1; }));
    // Who read this one has ended looking.
    CHECK(opened.read(tokens_of(1200, 5000)) != nullptr);
    CHECK(opened.read(tokens_of(1200)) == nullptr);
    CHECK_EQ(states_in(folder), 2u);
  }
  opened.store.erase_states_of("", tokens_of(5));
  CHECK(eventually([&] { return states_in(folder) == 1; }));
}
#endif

TEST("state store: a folder that cannot be made is a warning, and nothing is found or written") {
  const TestFolder folder("blocked");
  write_content(folder.of("states"), "a file");
  Opened opened(folder);
  CHECK(eventually([&] { return opened.warning_count() == 1; }));
  CHECK(opened.store.wish("", tokens_of(300), 1000, 0, true) == StateStore::Wish::no);
  CHECK(opened.read(tokens_of(300)) == nullptr);
}

TEST("state store: what waits is written before it closes, where there is time") {
  const TestFolder folder("close");
  {
    Opened opened(folder);
    for (int i = 0; i < 5; ++i) opened.store.write(state_of(tokens_of(300, i * 1000), kMiB));
    opened.store.close(Clock::now() + kPatience);
  }
  CHECK_EQ(states_in(folder), 5u);
}

TEST("state store: without time nothing is begun when it closes, and no half of a state is left") {
  const TestFolder folder("late");
  Opened opened(folder, "a", 512 * kMiB);  // none goes for another, however fast the disk is
  // All are there before the first is written: who makes them may be put aside for long.
  std::vector<std::shared_ptr<SavedState>> states;
  for (int i = 0; i < 20; ++i) states.push_back(state_of(tokens_of(300, i * 1000), 8 * kMiB));
  for (auto& state : states) opened.store.write(std::move(state));
  opened.store.close(Clock::now());
  // A disk that takes long is left alone: what it was at ends later.
  CHECK(eventually([&] {
    const StateStoreCounts counts = opened.store.counts();
    return counts.writes + counts.dropped == 20;
  }));
  const StateStoreCounts counts = opened.store.counts();
  CHECK(counts.dropped > 0);
  CHECK_EQ(int64_t(states_in(folder)), counts.writes);
}

TEST("state store: no more waits to be written than may, but one") {
  const TestFolder folder("waiting");
  Opened opened(folder, "a", 64 * kMiB, 10);
  CHECK(opened.store.wish("", tokens_of(300), 20, 0, false) == StateStore::Wish::yes);
  auto held = state_of(tokens_of(300), 32 * kMiB);
  opened.store.write(held);
  if (opened.store.wish("", tokens_of(300, 5000), 20, 0, false) == StateStore::Wish::yes) {
    CHECK(opened.store.counts().writes == 1);  // the disk was faster
  }
  CHECK(opened.store.wait_for_room(20, Clock::now() + kPatience));
  CHECK(opened.store.wish("", tokens_of(300, 5000), 20, 0, false) == StateStore::Wish::yes);
}

TEST("state store: a read that nobody waits for any more ends, and the next one is served") {
  const TestFolder folder("given-up");
  Opened opened(folder);
  opened.write(state_of(tokens_of(1000), 32 * kMiB));
  opened.write(state_of(tokens_of(1000, 5000), kMiB));
  opened.store.read("", tokens_of(1200), 1199, 0, 0).reset();
  CHECK(opened.read(tokens_of(1200, 5000)) != nullptr);
}

TEST("state store: its origin is another with any of its settings, files or programs") {
  const TestFolder folder("origin");
  write_content(folder.of("model"), "weights");
  write_content(folder.of("program"), "code");
  const auto origin = [&](const char* settings = "settings") {
    return StateOrigin{settings, {stamp_of(folder.of("model"))}, {stamp_of(folder.of("program"))}};
  };
  const auto later = [&](const char* name) {
    const std::string path = folder.of(name);
    const auto time = std::filesystem::last_write_time(path) + std::chrono::seconds(1);
    std::filesystem::last_write_time(path, time);
  };
  const Digest digest = digest_of(origin());
  CHECK(digest_of(origin()) == digest);
  CHECK(digest_of(origin("other")) != digest);
  write_content(folder.of("program"), "kode");
  CHECK(digest_of(origin()) != digest);
  write_content(folder.of("program"), "code");
  later("program");
  CHECK(digest_of(origin()) == digest);  // installed again: what is in it counts
  later("model");
  CHECK(digest_of(origin()) != digest);
}

TEST("state store: a file that was replaced since it was loaded, or is gone, has no digest") {
  const TestFolder folder("replaced");
  write_content(folder.of("model"), "weights");
  const auto has_thrown = [](const StateOrigin& origin) {
    try {
      digest_of(origin);
    } catch (const std::runtime_error&) {
      return true;
    }
    return false;
  };
  const StateOrigin loaded{"settings", {stamp_of(folder.of("model"))}, {}};
  CHECK(!has_thrown(loaded));
  write_content(folder.of("model"), "other weights");
  CHECK(has_thrown(loaded));
  CHECK(has_thrown({"settings", {}, {stamp_of(folder.of("none"))}}));
}

#ifndef _WIN32
TEST("state store: a disk that does not answer is left alone when it closes, as who asked it is") {
  const TestFolder folder("silent");
  std::shared_ptr<DiskRead> read;
  const auto warnings = std::make_shared<std::atomic<int>>(0);
  std::string path;
  {
    StateStore store({folder.of("states"), 64 * kMiB, 64 * kMiB, false, 10000}, {"a", {}, {}},
                     {[] {}, [warnings](const std::string&) { ++*warnings; }});
    CHECK(eventually([&] { return store.is_ready(); }));
    store.write(state_of(tokens_of(1000)));
    CHECK(eventually([&] { return store.counts().writes == 1; }));
    path = only_state_in(folder);
    std::filesystem::remove(path);
    CHECK_EQ(mkfifo(path.c_str(), 0600), 0);  // opening it waits until somebody writes
    read = store.read("", tokens_of(1200), 1199, 0, 0);
    CHECK(read != nullptr);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // most often it asks by now
    store.close(Clock::now());
    CHECK(!read->is_done);
  }
  const int answer = open(path.c_str(), O_RDWR | O_NONBLOCK);
  CHECK(answer >= 0);
  close(answer);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  CHECK(!read->is_done || read->state == nullptr);
  CHECK_EQ(warnings->load(), 0);
}

TEST("state store: where the disk takes no more, the store says so, drops the state and goes on") {
  const TestFolder folder("full");
  Opened opened(folder);
  opened.write(state_of(tokens_of(300), 1000));
  // Files of this process may have so many bytes: writing more fails as on a full disk.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{100000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  opened.write(state_of(tokens_of(300, 1000), kMiB));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  const StateStoreCounts counts = opened.store.counts();
  CHECK_EQ(counts.dropped, 1);
  CHECK_EQ(counts.errors, 1);
  CHECK(eventually([&] { return opened.warning_count() == 1; }));
  CHECK_EQ(std::distance(std::filesystem::directory_iterator(folder.of("states")), {}), 1);
  CHECK(opened.read(tokens_of(400)) != nullptr);
  CHECK(opened.store.wish("", tokens_of(300, 1000), 1000, 0, false) == StateStore::Wish::not_now);
  // Who ends does not wait for a disk that is full and is tried again only later, in a minute.
  const auto until = Clock::now() + std::chrono::seconds(20);
  CHECK(!opened.store.wait_for_room(1000, until));
  CHECK(Clock::now() < until);
}
#endif
