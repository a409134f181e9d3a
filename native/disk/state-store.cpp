#include "disk/state-store.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "base/average.h"
#include "disk/state-folder.h"

#ifdef __linux__
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace sluice {
namespace {

// What others wrote is looked for again after this, when somebody asks.
constexpr auto kLookAgain = std::chrono::seconds(10);
// A disk that was full is left alone for this long, and the same is not warned of again.
constexpr auto kPause = std::chrono::seconds(60);
// How much of the rate the newest read makes up.
constexpr double kNewestRead = 0.3;
// Smaller states tell more of the file's opening than of the disk.
constexpr uint64_t kRateBytesMin = uint64_t(1) << 20;

// Writing may wait for everything else that the machine does.
void lower_priority() {
#ifdef __linux__
  constexpr int nice = 10;
  setpriority(PRIO_PROCESS, id_t(syscall(SYS_gettid)), nice);
#endif
}

// Its length before each text, so that two lists never read alike.
std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += std::to_string(text.size()) + ':' + text;
  return all;
}

}  // namespace

Digest digest_of(const StateOrigin& origin) {
  std::vector<std::string> texts{origin.settings};
  const auto add = [&](const FileStamp& file, const std::string& content) {
    if (content.empty()) throw std::runtime_error(file.path + " cannot be read");
    if (!is_unchanged(file))
      throw std::runtime_error(file.path + " is another since it was loaded");
    texts.push_back(content);
  };
  for (const FileStamp& file : origin.files) add(file, dated_file(file.path));
  for (const FileStamp& file : origin.programs) add(file, whole_file(file.path));
  return sha256(joined(texts));
}

// What the threads use, and nothing else: it lives as long as one of them does.
struct StateStore::Core {
  struct WriteJob {
    std::shared_ptr<const SavedState> state;
    std::shared_ptr<const StateHead> head;
    std::string name;
  };

  Core(const StateStoreOptions& options, StateOrigin origin, Callbacks callbacks)
      : options(options),
        origin(std::move(origin)),
        folder(options.folder),
        callbacks(std::move(callbacks)),
        index(options.whole_only, options.tokens_max) {}

  // The threads.
  void run(void (Core::*body)()) noexcept;
  void run_reader();
  void run_writer();
  void ended();

  bool serve_next();
  void remove_erased();
  void look();
  void look_at(const std::string& name);
  void serve(const std::weak_ptr<DiskRead>& waited_for);
  std::shared_ptr<SavedState> read(const std::weak_ptr<DiskRead>& waited_for,
                                   const DiskRead& asked);
  bool write(const WriteJob& job);
  void write_or_drop(const WriteJob& job);
  bool keep_or_remove(const WriteJob& job);
  void drop(const WriteJob& job);
  bool make_room(uint64_t bytes);
  void drop_superseded(const StateHead& head);
  void count_bytes();
  void remove(const std::string& name);
  void damaged(const std::string& name);
  void failed(const std::string& what, const std::exception& error);
  void warn(const std::string& kind, const std::string& message);
  void wake();
  void count(int64_t StateStoreCounts::* which, int64_t by = 1);
  bool is_late() const { return closing && Clock::now() >= until.load(); }

  // With the mutex.
  DiskRates rates(double token_ms) const;
  std::optional<Digest> owner_of(const std::string& salt) const;
  bool has_room(uint64_t bytes) const;
  bool is_to_be_removed(const std::string& name) const;
  void stays(const std::string& name);
  std::shared_ptr<DiskRead> under_way(const std::string& name);

  const StateStoreOptions options;
  const StateOrigin origin;
  const StateFolder folder;
  std::atomic<bool> closing{false};
  std::atomic<Clock::time_point> until{Clock::time_point::max()};

  // Held by the writer while it removes states, and by the reader while it looks at one, which it
  // would else put into the index after it has gone. Before `mutex`.
  std::mutex removing;

  std::mutex callbacks_mutex;
  Callbacks callbacks;  // empty once it is closed: whom they are of may be gone
  std::map<std::string, Clock::time_point> warned_at;

  mutable std::mutex mutex;  // guards what follows; held for no access of the disk
  std::condition_variable read_wanted, write_wanted, progress;
  StateIndex index;
  std::optional<Digest> model;  // once it is known; the reader alone writes it
  bool is_ready = false;        // the folder was looked at
  bool is_broken = false;       // the folder cannot be used: nothing is found or written
  bool must_look = false;
  std::vector<std::string> to_be_removed;
  Clock::time_point looked_at{};
  std::deque<std::weak_ptr<DiskRead>> reads;   // that are not done
  std::vector<std::weak_ptr<DiskRead>> given;  // that somebody has, done or not
  std::deque<WriteJob> writes;
  uint64_t waiting_bytes = 0;  // of them, and of the one that is being written
  Clock::time_point paused_until{};
  double read_bytes_per_ms = DiskRates{}.read_bytes_per_ms;
  StateStoreCounts counts;
  int running = 2;
};

// ---- the engine's thread --------------------------------------------------------------------

StateStore::StateStore(const StateStoreOptions& options, StateOrigin origin, Callbacks callbacks)
    : core_(std::make_shared<Core>(options, std::move(origin), std::move(callbacks))) {
  const auto core = core_;
  reader_ = std::thread([core] { core->run(&Core::run_reader); });
  try {
    writer_ = std::thread([core] { core->run(&Core::run_writer); });
  } catch (...) {  // there is no thread to be had
    core_->ended();
    close(Clock::now());
    throw;
  }
}

StateStore::~StateStore() { close(Clock::now()); }

bool StateStore::is_ready() const {
  const std::lock_guard<std::mutex> lock(core_->mutex);
  return core_->is_ready;
}

std::shared_ptr<DiskRead> StateStore::read(const std::string& salt,
                                           const std::vector<int32_t>& tokens, int32_t limit,
                                           int32_t there, double token_ms) {
  const std::lock_guard<std::mutex> lock(core_->mutex);
  const auto owner = core_->owner_of(salt);
  if (!owner) return nullptr;
  if (Clock::now() >= core_->looked_at + kLookAgain) {
    core_->must_look = true;
    core_->read_wanted.notify_one();
  }
  StateIndex::Found found = core_->index.find(*owner, tokens, limit, there, core_->rates(token_ms));
  if (!found.head) return nullptr;
  if (auto shared = core_->under_way(found.name)) return shared;
  auto read = std::make_shared<DiskRead>();
  read->name = std::move(found.name);
  read->head = std::move(found.head);
  read->salt = salt;
  core_->reads.push_back(read);
  core_->given.push_back(read);
  core_->read_wanted.notify_one();
  return read;
}

int32_t StateStore::longest_common(const std::string& salt, const std::vector<int32_t>& tokens,
                                   int32_t limit) const {
  const std::lock_guard<std::mutex> lock(core_->mutex);
  const auto owner = core_->owner_of(salt);
  return owner ? core_->index.longest_common(*owner, tokens, limit) : 0;
}

StateStore::Wish StateStore::wish(const std::string& salt, const std::vector<int32_t>& tokens,
                                  uint64_t bytes, double token_ms, bool is_last) const {
  const std::lock_guard<std::mutex> lock(core_->mutex);
  if (core_->is_broken || bytes > core_->options.bytes_max) return Wish::no;
  const auto owner = core_->owner_of(salt);
  if (!owner) return Wish::not_now;
  const int32_t known = core_->index.known(*owner, tokens);
  const DiskRates rates = core_->rates(token_ms);
  if (!is_worth_writing(int32_t(tokens.size()), known, bytes, rates, is_last)) return Wish::no;
  return core_->has_room(bytes) ? Wish::yes : Wish::not_now;
}

void StateStore::write(std::shared_ptr<const SavedState> state) {
  const std::lock_guard<std::mutex> lock(core_->mutex);
  const auto owner = core_->owner_of(state->salt);
  if (!owner || core_->closing) return;
  auto head = std::make_shared<StateHead>();
  head->model = *core_->model;
  head->owner = *owner;
  head->tokens = state->tokens;
  head->state_bytes = state->bytes.size();
  std::string name = state_file_name(*head);
  if (core_->index.has(name)) return;
  core_->index.add(name, head, false);
  core_->waiting_bytes += state->bytes.capacity();
  core_->writes.push_back({std::move(state), std::move(head), std::move(name)});
  core_->write_wanted.notify_one();
}

void StateStore::count_dropped() { core_->count(&StateStoreCounts::dropped); }

void StateStore::erase_states_of(const std::string& salt, const std::vector<int32_t>& tokens) {
  const std::lock_guard<std::mutex> lock(core_->mutex);
  const auto owner = core_->owner_of(salt);
  if (!owner) return;
  for (std::string& name : core_->index.sharing(*owner, tokens)) {
    core_->index.remove(name);
    core_->to_be_removed.push_back(std::move(name));
  }
  core_->must_look = true;
  core_->read_wanted.notify_one();
}

void StateStore::wait_until_ready(Clock::time_point until) {
  std::unique_lock<std::mutex> lock(core_->mutex);
  core_->progress.wait_until(lock, until, [&] { return core_->is_ready; });
}

bool StateStore::wait_for_room(uint64_t bytes, Clock::time_point until) {
  std::unique_lock<std::mutex> lock(core_->mutex);
  const auto has_room = [&] { return core_->model && core_->has_room(bytes); };
  core_->progress.wait_until(lock, until,
                             [&] { return core_->paused_until >= until || has_room(); });
  return has_room();
}

StateStoreCounts StateStore::counts() const {
  const std::lock_guard<std::mutex> lock(core_->mutex);
  StateStoreCounts counts = core_->counts;
  counts.entries = int64_t(core_->index.size());
  return counts;
}

void StateStore::close(Clock::time_point until) {
  if (!reader_.joinable()) return;
  until = std::max(until, Clock::now());
  {
    const std::lock_guard<std::mutex> lock(core_->mutex);
    core_->until = until;
    core_->closing = true;
    core_->read_wanted.notify_all();
    core_->write_wanted.notify_all();
  }
  wait_until_ended(until + kCloseGrace);
  const std::lock_guard<std::mutex> lock(core_->callbacks_mutex);
  core_->callbacks = {};
}

void StateStore::wait_until_ended(Clock::time_point until) {
  std::unique_lock<std::mutex> lock(core_->mutex);
  const bool has_ended =
      core_->progress.wait_until(lock, until, [&] { return core_->running == 0; });
  lock.unlock();
  for (std::thread* thread : {&reader_, &writer_}) {
    if (!thread->joinable()) continue;
    has_ended ? thread->join() : thread->detach();
  }
}

// ---- with the mutex -------------------------------------------------------------------------

DiskRates StateStore::Core::rates(double token_ms) const {
  DiskRates rates;
  rates.read_bytes_per_ms = read_bytes_per_ms;
  if (token_ms > 0) rates.token_ms = token_ms;
  return rates;
}

// None: nothing can be found or written.
std::optional<Digest> StateStore::Core::owner_of(const std::string& salt) const {
  if (!model || is_broken) return std::nullopt;
  return keyed_sha256(*model, salt);
}

bool StateStore::Core::has_room(uint64_t bytes) const {
  if (Clock::now() < paused_until) return false;
  return waiting_bytes == 0 || waiting_bytes + bytes <= options.waiting_bytes_max;
}

bool StateStore::Core::is_to_be_removed(const std::string& name) const {
  return std::find(to_be_removed.begin(), to_be_removed.end(), name) != to_be_removed.end();
}

// Its file is a new one, of the same name.
void StateStore::Core::stays(const std::string& name) {
  to_be_removed.erase(std::remove(to_be_removed.begin(), to_be_removed.end(), name),
                      to_be_removed.end());
}

// Null where nobody reads that state, or it could not be read.
std::shared_ptr<DiskRead> StateStore::Core::under_way(const std::string& name) {
  given.erase(
      std::remove_if(given.begin(), given.end(), [](const auto& one) { return one.expired(); }),
      given.end());
  for (const auto& one : given) {
    auto read = one.lock();
    if (read && read->name == name && (!read->is_done || read->state)) return read;
  }
  return nullptr;
}

// ---- the store's threads --------------------------------------------------------------------

void StateStore::Core::ended() {
  const std::lock_guard<std::mutex> lock(mutex);
  --running;
  progress.notify_all();
}

void StateStore::Core::count(int64_t StateStoreCounts::* which, int64_t by) {
  const std::lock_guard<std::mutex> lock(mutex);
  counts.*which += by;
}

void StateStore::Core::wake() {
  const std::lock_guard<std::mutex> lock(callbacks_mutex);
  if (callbacks.wake) callbacks.wake();
}

void StateStore::Core::warn(const std::string& kind, const std::string& message) {
  const std::lock_guard<std::mutex> lock(callbacks_mutex);
  const auto now = Clock::now();
  const auto before = warned_at.find(kind);
  if (before != warned_at.end() && now < before->second + kPause) return;
  warned_at[kind] = now;
  if (callbacks.warn) callbacks.warn(message);
}

void StateStore::Core::failed(const std::string& what, const std::exception& error) {
  count(&StateStoreCounts::errors);
  warn(what, "computed states could not be " + what + ": " + error.what() +
                 "; the engine goes on without, and computes them again");
}

// What cannot be removed now is not used any more, and each look tries again.
void StateStore::Core::remove(const std::string& name) {
  if (!folder.remove(name)) return;
  const std::lock_guard<std::mutex> lock(mutex);
  to_be_removed.push_back(name);
}

void StateStore::Core::damaged(const std::string& name) {
  remove(name);
  {
    const std::lock_guard<std::mutex> lock(mutex);
    index.remove_written(name);
    ++counts.errors;
  }
  warn("damaged", "a computed state was damaged, and is not used: " + folder.path_of(name));
}

void StateStore::Core::run(void (Core::*body)()) noexcept {
  try {
    (this->*body)();
  } catch (...) {  // there is no memory: an exception that leaves a thread ends the process
    const std::lock_guard<std::mutex> lock(mutex);
    is_broken = is_ready = true;
  }
  ended();
}

void StateStore::Core::run_reader() {
  try {
    const Digest digest = digest_of(origin);
    folder.make();
    folder.remove_orphans();
    {
      const std::lock_guard<std::mutex> lock(mutex);
      model = digest;
    }
    look();
  } catch (const std::exception& error) {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      is_broken = true;
    }
    failed("kept", error);
  }
  {
    const std::lock_guard<std::mutex> lock(mutex);
    is_ready = true;
    progress.notify_all();
  }
  wake();
  while (serve_next()) {
  }
  remove_erased();
}

// False once it is closing.
bool StateStore::Core::serve_next() {
  std::weak_ptr<DiskRead> next;
  bool looks = false, reads_one = false;
  {
    std::unique_lock<std::mutex> lock(mutex);
    read_wanted.wait(lock, [&] { return closing || must_look || !reads.empty(); });
    if (closing) return false;
    looks = std::exchange(must_look, false);
    reads_one = !reads.empty();
    if (reads_one) next = reads.front();
  }
  try {
    if (reads_one) serve(next);
    if (looks) look();
  } catch (const std::exception& error) {
    failed("looked for", error);
  }
  return true;
}

// It stays in the line while it is read, for others who want it too.
void StateStore::Core::serve(const std::weak_ptr<DiskRead>& waited_for) {
  std::shared_ptr<SavedState> state;
  DiskRead asked;
  bool is_wanted = false;
  if (const auto read = waited_for.lock()) {
    asked.name = read->name;
    asked.head = read->head;
    asked.salt = read->salt;
    is_wanted = true;
  }
  try {
    if (is_wanted) state = read(waited_for, asked);
  } catch (const std::exception& error) {
    failed("read", error);
  }
  std::shared_ptr<DiskRead> read;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    reads.pop_front();
    read = waited_for.lock();
  }
  if (!read) return;
  read->state = std::move(state);
  read->is_done = true;
  wake();
}

std::shared_ptr<SavedState> StateStore::Core::read(const std::weak_ptr<DiskRead>& waited_for,
                                                   const DiskRead& asked) {
  auto state = std::make_shared<SavedState>();
  const auto start = Clock::now();
  const StateFileStatus status =
      read_state_file(folder.path_of(asked.name), *asked.head, state->bytes,
                      [&] { return closing || waited_for.expired(); });
  if (status == StateFileStatus::damaged) damaged(asked.name);
  if (status == StateFileStatus::ok) folder.touch(asked.name);
  const std::lock_guard<std::mutex> lock(mutex);
  if (status == StateFileStatus::missing) index.remove_written(asked.name);
  if (status != StateFileStatus::ok) return nullptr;
  state->salt = asked.salt;
  state->tokens = asked.head->tokens;
  ++counts.reads;
  counts.read_bytes += int64_t(state->bytes.size());
  const double rate = double(state->bytes.size()) / std::max(0.001, ms_since(start));
  if (state->bytes.size() >= kRateBytesMin) average(read_bytes_per_ms, rate, kNewestRead);
  return state;
}

// But for what is written again: its new file stays, and takes the place of the old one. Who begins
// to write meanwhile waits in make_room.
void StateStore::Core::remove_erased() {
  const std::lock_guard<std::mutex> removes(removing);
  std::vector<std::string> gone;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    const auto waits =
        std::stable_partition(to_be_removed.begin(), to_be_removed.end(),
                              [&](const std::string& name) { return !index.has(name); });
    gone.assign(to_be_removed.begin(), waits);
    to_be_removed.erase(to_be_removed.begin(), waits);
  }
  for (const std::string& name : gone) remove(name);
}

// What is in the folder now, by whomever it was written.
void StateStore::Core::look() {
  decltype(index.written()) known;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    looked_at = Clock::now();
    known = index.written();
  }
  remove_erased();
  const std::string prefix = state_file_prefix(*model);
  int64_t bytes = 0;
  std::vector<std::string> there;
  for (const StateFolder::File& file : folder.states()) {
    bytes += int64_t(file.bytes);
    if (closing) return;
    if (file.name.compare(0, prefix.size(), prefix) == 0) there.push_back(file.name);
  }
  std::sort(there.begin(), there.end());
  for (const std::string& name : there) look_at(name);
  const std::lock_guard<std::mutex> lock(mutex);
  counts.bytes = bytes;
  for (const auto& [name, head] : known) {
    if (std::binary_search(there.begin(), there.end(), name)) continue;
    if (index.holds(name, head)) index.remove(name);  // else it was written again meanwhile
  }
}

void StateStore::Core::look_at(const std::string& name) {
  const std::lock_guard<std::mutex> looking(removing);
  {
    const std::lock_guard<std::mutex> lock(mutex);
    if (index.has(name) || is_to_be_removed(name)) return;
  }
  auto head = std::make_shared<StateHead>();
  StateFileStatus status = StateFileStatus::missing;
  try {
    status = read_state_head(folder.path_of(name), *model, *head);
  } catch (const std::system_error& error) {  // of this file alone
    // Another user's state is his, and no fault.
    if (error.code() != std::errc::permission_denied) failed("read", error);
  }
  if (status == StateFileStatus::damaged) damaged(name);
  if (status != StateFileStatus::ok) return;
  if (state_file_name(*head) != name) return damaged(name);
  const std::lock_guard<std::mutex> lock(mutex);
  if (!index.has(name) && !is_to_be_removed(name)) index.add(name, std::move(head), true);
}

void StateStore::Core::run_writer() {
  lower_priority();
  for (;;) {
    WriteJob job;
    {
      std::unique_lock<std::mutex> lock(mutex);
      write_wanted.wait(lock, [&] { return closing || !writes.empty(); });
      if (writes.empty() || is_late()) break;
      job = std::move(writes.front());
      writes.pop_front();
    }
    write_or_drop(job);
    const uint64_t bytes = job.state->bytes.capacity();
    job.state.reset();
    const std::lock_guard<std::mutex> lock(mutex);
    waiting_bytes -= bytes;
    progress.notify_all();
  }
  {
    const std::lock_guard<std::mutex> lock(mutex);
    counts.dropped += int64_t(writes.size());
    for (const WriteJob& job : writes) {
      if (index.holds(job.name, job.head)) index.remove(job.name);
    }
    writes.clear();
    waiting_bytes = 0;
  }
  remove_erased();  // what the reader left, since it was to be written again
}

void StateStore::Core::write_or_drop(const WriteJob& job) {
  bool is_written = false;
  try {
    is_written = write(job);
  } catch (const std::exception& error) {
    failed("written", error);
    const std::lock_guard<std::mutex> lock(mutex);
    paused_until = Clock::now() + kPause;
  }
  if (is_written) is_written = keep_or_remove(job);
  if (is_written && !options.whole_only) drop_superseded(*job.head);
  if (!is_written) drop(job);
  count_bytes();
  wake();  // for the counts
}

// False where it was erased while it was written.
bool StateStore::Core::keep_or_remove(const WriteJob& job) {
  const std::lock_guard<std::mutex> removes(removing);
  {
    const std::lock_guard<std::mutex> lock(mutex);
    if (index.holds(job.name, job.head)) {
      index.add(job.name, job.head, true);
      stays(job.name);
      ++counts.writes;
      counts.written_bytes += int64_t(state_file_bytes(*job.head));
      return true;
    }
    index.remove_written(job.name);  // the reader may have seen the file
  }
  remove(job.name);
  return false;
}

void StateStore::Core::drop(const WriteJob& job) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (index.holds(job.name, job.head)) index.remove(job.name);
  if (is_to_be_removed(job.name)) {  // its old file
    must_look = true;
    read_wanted.notify_one();
  }
  ++counts.dropped;
}

// Where the folder cannot be read, the next look says so.
void StateStore::Core::count_bytes() {
  try {
    const uint64_t bytes = folder.bytes();
    const std::lock_guard<std::mutex> lock(mutex);
    counts.bytes = int64_t(bytes);
  } catch (const std::system_error&) {
    return;
  }
}

// False where it does not fit, or it is too late.
bool StateStore::Core::write(const WriteJob& job) {
  {
    const std::lock_guard<std::mutex> lock(mutex);
    if (!index.holds(job.name, job.head)) return false;  // erased while it waited
  }
  folder.make();  // somebody may have removed it
  if (!make_room(state_file_bytes(*job.head))) return false;
  return write_state_file(folder.path(), *job.head, job.state->bytes.data(),
                          [&] { return is_late(); });
}

bool StateStore::Core::make_room(uint64_t bytes) {
  const std::lock_guard<std::mutex> removes(removing);
  return folder.make_room(bytes, options.bytes_max, [&](const std::string& name) {
    const std::lock_guard<std::mutex> lock(mutex);
    index.remove_written(name);
  });
}

// What the new state serves as well, and is not much shorter to read.
void StateStore::Core::drop_superseded(const StateHead& head) {
  const std::lock_guard<std::mutex> removes(removing);
  std::vector<std::string> names;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    names = index.large_prefixes_of(head.owner, head.tokens);
    const auto itself = std::find(names.begin(), names.end(), state_file_name(head));
    if (itself != names.end()) names.erase(itself);
    for (const std::string& name : names) index.remove(name);
  }
  for (const std::string& name : names) remove(name);
}

}  // namespace sluice
