#include "engine/batch/slots.h"

#include <algorithm>

#include "base/common-prefix.h"

namespace sluice {
namespace {

// Fewer shared tokens are computed again rather than copied, waited for or kept.
constexpr int32_t kSharedMin = 16;
// A copy is of a whole sequence: worth it if so much of it, at least, is shared. Copying a token
// costs a few hundredths of computing it (4 us against 1 ms, 200 MB model, two cores).
constexpr int32_t kCopiedPerSharedMax = 16;
// Fewer tokens than this, beyond a kept state, are computed again rather than kept as well.
constexpr int32_t kComputedAgainMax = 128;
// With shared cells, tokens that each sequence may grow by before one is preempted again.
constexpr int32_t kGrowth = 16;
// A reader a little slower than the engine parks and wakes its reply all the time. Only a reply
// that has been parked for longer gives up its slot.
constexpr auto kParkedFor = std::chrono::milliseconds(100);
// Larger buffers for moving are not kept: they are memory beside what cacheMiB says.
constexpr size_t kMovingBytesMax = size_t(64) << 20;
// A larger state is not copied ahead: who comes meanwhile would wait for it, though another slot
// may have what he asks for.
constexpr size_t kAheadBytesMax = size_t(256) << 20;

bool is_parked_for_a_while(const Sequence& sequence, Clock::time_point now) {
  return sequence.parked() && sequence.waiting_since() + kParkedFor <= now;
}

}  // namespace

Slots::Slots(Context& context, const SlotsOptions& options)
    : context_(context),
      options_(options),
      slots_(size_t(options.parallel)),
      cache_(options.cache_bytes, !context.can_trim()) {}

Sequence* Slots::find(RequestId id) const {
  for (const SlotContent& content : slots_) {
    if (content.live && content.live->request().id == id) return content.live.get();
  }
  return nullptr;
}

int32_t Slots::live_count() const {
  return int32_t(std::count_if(slots_.begin(), slots_.end(),
                               [](const SlotContent& content) { return content.live != nullptr; }));
}

int64_t Slots::cells_of(const SlotContent& content) const {
  return content.live ? content.live->n_computed() : int64_t(content.remembered.size());
}

int64_t Slots::cells_live() const {
  int64_t cells = 0;
  for (const SlotContent& content : slots_) cells += content.live ? cells_of(content) : 0;
  return cells;
}

int64_t Slots::cells_remembered() const {
  int64_t cells = 0;
  for (const SlotContent& content : slots_) cells += content.live ? 0 : cells_of(content);
  return cells;
}

bool Slots::has_room(const Sequence& sequence, bool beside_parked) const {
  const auto now = Clock::now();
  int32_t staying = 0;
  int64_t promised = 0;
  for (const SlotContent& content : slots_) {
    if (!content.live) continue;
    if (!beside_parked && is_parked_for_a_while(*content.live, now)) continue;
    ++staying;
    promised += content.live->n_tokens() + kGrowth;
  }
  if (staying == count()) return false;
  if (options_.shared_cells == 0 || staying == 0) return true;
  return promised + sequence.n_tokens() + kGrowth <= options_.shared_cells;
}

bool Slots::serves(int32_t shared, size_t computed) const {
  if (shared < kSharedMin) return false;
  return context_.can_trim() ? computed <= size_t(shared) * kCopiedPerSharedMax
                             : size_t(shared) == computed;
}

Slots::Source Slots::find_source(const Sequence& sequence) {
  const std::string& salt = sequence.request().cache_salt;
  const int32_t limit = sequence.shared_max();  // rule 4
  Source best;
  const PrefixCache::Match match = cache_.find(salt, sequence.tokens(), limit);
  if (match.state && serves(match.shared, match.state->tokens.size())) {
    best.shared = match.shared;
    best.state = match.state;
  }
  if (const DiskRead* read = sequence.on_disk.read.get(); read && read->is_done && read->state) {
    const int32_t shared = common_prefix(read->state->tokens, sequence.tokens(), limit);
    if (shared > best.shared && serves(shared, read->state->tokens.size())) {
      best.shared = shared;
      best.state = read->state;
    }
  }
  for (int32_t slot = 0; slot < count(); ++slot) {
    const SlotContent& content = slots_[size_t(slot)];
    const std::string& salt_there =
        content.live ? content.live->request().cache_salt : content.salt;
    if (salt_there != salt) continue;
    const size_t computed = size_t(cells_of(content));
    const std::vector<int32_t>& tokens = content.live ? content.live->tokens() : content.remembered;
    const int32_t shared =
        common_prefix(tokens, sequence.tokens(), std::min(limit, int32_t(computed)));
    // A slot whose conversation goes on is taken over; another conversation's prefix is copied.
    const bool goes_on = !content.live && size_t(shared) * 2 >= computed;
    const bool is_better = shared > best.shared || (shared == best.shared && goes_on);
    if (!is_better || !serves(shared, computed)) continue;
    best = {shared, slot, goes_on, nullptr};
  }
  return best;
}

bool Slots::would_be_soon_done(const Sequence& sequence, int32_t rows_max) {
  if (!has_room(sequence)) return false;
  const int32_t shared = find_source(sequence).shared;
  return sequence.n_tokens() - shared <= rows_max && !find_computing(sequence, shared).sequence;
}

// The running sequence that is computing more of this one's prefix than is there.
Slots::Computing Slots::find_computing(const Sequence& sequence, int32_t there) const {
  const int32_t limit = sequence.shared_max();
  Computing found{nullptr, there + kSharedMin - 1};
  for (const SlotContent& content : slots_) {
    if (!content.live || content.live->cancelled() || content.live->parked()) continue;
    if (content.live->request().cache_salt != sequence.request().cache_salt) continue;
    const int32_t shared = common_prefix(content.live->tokens(), sequence.tokens(), limit);
    if (shared <= found.shared || shared <= content.live->n_computed()) continue;
    found = {content.live.get(), shared};
  }
  return found;
}

std::optional<Leader> Slots::find_leader(const Sequence& sequence) {
  const Computing leader = find_computing(sequence, find_source(sequence).shared);
  if (!leader.sequence) return std::nullopt;
  leader.sequence->add_boundary(leader.shared);
  return Leader{leader.sequence->request().id, leader.shared};
}

void Slots::start(std::unique_ptr<Sequence> sequence) {
  Source source = find_source(*sequence);
  const RequestId id = sequence->request().id;
  const int32_t slot = source.is_taken_over ? source.slot : choose_slot();
  const int32_t shared = fill(slot, *sequence, std::move(source));
  cache_.erase_owned_by(id);
  SlotContent& content = slots_[size_t(slot)];
  content.remembered.clear();
  content.live = std::move(sequence);
  content.live->enter(slot, shared);
  content.live->on_disk.read.reset();
  plan_checkpoints(*content.live);
}

// In the middle of the running ones rather than beside them, and an empty slot rather than one
// that remembers something; of those the one that was left longest ago.
int32_t Slots::choose_slot() const {
  int32_t first_live = count(), last_live = -1;
  for (int32_t slot = 0; slot < count(); ++slot) {
    if (!at(slot)) continue;
    first_live = std::min(first_live, slot);
    last_live = slot;
  }
  const auto cost = [&](int32_t slot) {
    const bool is_between = slot > first_live && slot < last_live;
    const bool is_beside = slot == last_live + 1 || slot + 1 == first_live;
    const int32_t distance = is_between || last_live < 0 ? 0 : is_beside ? 1 : 2;
    const SlotContent& content = slots_[size_t(slot)];
    return std::pair<int32_t, uint64_t>(distance, content.remembered.empty() ? 0 : content.left_at);
  };
  int32_t best = -1;
  for (int32_t slot = 0; slot < count(); ++slot) {
    if (!at(slot) && (best < 0 || cost(slot) < cost(best))) best = slot;
  }
  return best;
}

// Makes the slot hold the shared prefix and nothing else; returns its length in tokens.
int32_t Slots::fill(int32_t slot, const Sequence& sequence, Source source) {
  if (source.slot >= 0 && !source.is_taken_over) {
    const SlotContent& from = slots_[size_t(source.slot)];
    source.state = save(source.slot, sequence.request().cache_salt,
                        from.live ? from.live->computed_tokens() : from.remembered, 0);
    if (source.state) keep(source.state);
  }
  if (!source.is_taken_over) vacate(slot);
  const bool has_cells = make_cells_for(slot, sequence, source);
  bool holds = source.is_taken_over;
  if (source.state) holds = has_cells && context_.restore(slot, source.state->bytes);
  if (holds && context_.trim(slot, source.shared)) return source.shared;
  context_.remove(slot);
  return 0;
}

// A copy needs room for all of it before it is cut.
bool Slots::make_cells_for(int32_t slot, const Sequence& sequence, const Source& source) {
  const int64_t held = cells_of(slots_[size_t(slot)]);
  const int64_t copied = source.state ? int64_t(source.state->tokens.size()) : 0;
  return free_cells(std::max<int64_t>(sequence.n_tokens(), copied) - held, slot);
}

// Where a model cannot be cut, later prompts can start only at a state that was kept. Kept are two:
// before the prompt's last token, for the same prompt again or with its reply behind it; and where
// this prompt stops sharing a prefix with one that is known.
void Slots::plan_checkpoints(Sequence& sequence) {
  if (context_.can_trim() || options_.cache_bytes == 0) return;
  const std::string& salt = sequence.request().cache_salt;
  const int32_t limit = sequence.n_tokens() - 1;
  int32_t known =
      std::max(sequence.on_disk.common, cache_.longest_common(salt, sequence.tokens(), limit));
  for (const SlotContent& content : slots_) {
    const bool is_other = content.live && content.live.get() != &sequence;
    if (!is_other && content.live) continue;
    const std::string& salt_there =
        content.live ? content.live->request().cache_salt : content.salt;
    if (salt_there != salt) continue;
    const std::vector<int32_t>& tokens = content.live ? content.live->tokens() : content.remembered;
    known = std::max(known, common_prefix(tokens, sequence.tokens(), limit));
  }
  for (const int32_t boundary : {known, limit}) {
    if (boundary >= std::max(kSharedMin, sequence.n_computed() + 1)) {
      sequence.add_boundary(boundary);
    }
  }
}

void Slots::checkpoint(const Sequence& sequence) {
  if (context_.can_trim() || options_.cache_bytes == 0) return;
  const std::string& salt = sequence.request().cache_salt;
  std::vector<int32_t> tokens = sequence.computed_tokens();
  if (cache_.serves(salt, tokens)) return;
  if (auto state = save(sequence.slot(), salt, std::move(tokens), 0)) keep(state);
}

void Slots::keep(const std::shared_ptr<SavedState>& state) {
  cache_.insert(state);
  if (watcher_) watcher_->kept(state);
}

void Slots::forget_prefixes(const Sequence& sequence) {
  cache_.erase_prefixes_of(sequence.request().cache_salt, sequence.tokens());
  if (watcher_) watcher_->forgotten(sequence.request().cache_salt, sequence.tokens());
}

Slots::Held Slots::held(int32_t slot) const {
  const SlotContent& content = slots_[size_t(slot)];
  if (!content.live) return {content.salt, content.remembered};
  return {content.live->request().cache_salt, content.live->computed_tokens()};
}

std::shared_ptr<SavedState> Slots::copy(int32_t slot) {
  Held what = held(slot);
  auto state = std::make_shared<SavedState>();
  state->salt = what.salt;
  state->tokens = std::move(what.tokens);
  return context_.save(slot, state->bytes) ? state : nullptr;
}

std::unique_ptr<Sequence> Slots::finish(int32_t slot) {
  SlotContent& content = slots_[size_t(slot)];
  content.remembered = content.live->computed_tokens();
  content.salt = content.live->request().cache_salt;
  content.left_at = ++departures_;
  content.is_settled = false;
  content.live->move(-1);
  return std::move(content.live);
}

std::unique_ptr<Sequence> Slots::preempt(int32_t slot) {
  SlotContent& content = slots_[size_t(slot)];
  const Request& request = content.live->request();
  if (content.live->n_computed() >= kSharedMin && options_.cache_bytes > 0) {
    auto state = save(slot, request.cache_salt, content.live->computed_tokens(), request.id);
    if (state) keep(state);
  }
  context_.remove(slot);
  content.remembered.clear();
  content.live->leave();
  return std::move(content.live);
}

void Slots::forget(int32_t slot) {
  context_.remove(slot);
  slots_[size_t(slot)].remembered.clear();
  if (at(slot)) at(slot)->forget();
}

// Not one by one: where a batch moved recurrent states and failed, llama.cpp takes cells without an
// owner for empty ones, and a new sequence would begin with what is in them.
void Slots::forget_all() {
  context_.remove_all();
  for (SlotContent& content : slots_) {
    content.remembered.clear();
    if (content.live) content.live->forget();
  }
}

void Slots::cut(int32_t slot) {
  const int32_t computed = int32_t(cells_of(slots_[size_t(slot)]));
  if (context_.can_trim() && context_.trim(slot, computed)) return;
  forget(slot);
}

void Slots::roll_back(int32_t slot) {
  if (!context_.roll_back(slot, int32_t(cells_of(slots_[size_t(slot)])))) forget(slot);
}

void Slots::vacate(int32_t slot) {
  SlotContent& content = slots_[size_t(slot)];
  if (is_worth_keeping(content)) {
    if (auto state = save(slot, content.salt, content.remembered, 0)) keep(state);
  }
  context_.remove(slot);
  content.remembered.clear();
}

// A lone slot's conversation goes on in it, and so may the one that ended last.
void Slots::keep_ahead() {
  const int32_t slot = choose_slot();
  if (!options_.keeps_ahead || count() == 1 || slot < 0) return;
  const SlotContent& content = slots_[size_t(slot)];
  if (content.left_at == departures_ || !is_worth_keeping(content)) return;
  const size_t bytes = context_.state_bytes(slot);
  if (bytes > kAheadBytesMax || cache_.bytes() + bytes > cache_.bytes_max()) return;
  if (auto state = save(slot, content.salt, content.remembered, 0)) keep(state);
}

// A state is copied whole. That is not worth it for a few tokens beyond a state that is kept
// already, as where many short questions follow one long system prompt.
bool Slots::is_worth_keeping(const SlotContent& content) {
  const int32_t size = int32_t(content.remembered.size());
  if (options_.cache_bytes == 0 || size < kSharedMin) return false;
  if (cache_.serves(content.salt, content.remembered)) return false;
  if (!context_.can_trim()) return true;
  const int32_t kept = cache_.longest_common(content.salt, content.remembered, size);
  return size - kept >= std::min(size / 4, kComputedAgainMax);
}

std::shared_ptr<SavedState> Slots::save(int32_t slot, const std::string& salt,
                                        std::vector<int32_t> tokens, RequestId owner) {
  const size_t bytes = context_.state_bytes(slot);
  // Without a cache the copy is for one new sequence only, and freed once that has it.
  if (options_.cache_bytes > 0 && bytes > options_.cache_bytes) return nullptr;
  auto state = std::make_shared<SavedState>();
  state->salt = salt;
  state->tokens = std::move(tokens);
  state->owner = owner;
  state->bytes = cache_.room_for(bytes);
  return context_.save(slot, state->bytes) ? state : nullptr;
}

int32_t Slots::compact(Clock::time_point until) {
  if (options_.shared_cells > 0) return 0;  // all slots are computed as one graph
  const auto now = Clock::now();
  std::vector<SlotUse> uses;
  for (const SlotContent& content : slots_) {
    const bool is_open = !content.live || is_parked_for_a_while(*content.live, now);
    const bool is_single =
        content.live && content.live->n_tokens() - content.live->n_computed() == 1;
    uses.push_back(is_open ? SlotUse::open : is_single ? SlotUse::running : SlotUse::prompt);
  }
  int32_t moved = 0;
  for (auto next = next_swap(uses); next; next = next_swap(uses)) {
    if (!swap(*next)) break;
    std::swap(uses[size_t(next->from)], uses[size_t(next->to)]);
    ++moved;
    if (Clock::now() >= until) break;
  }
  for (StateBuffer* buffer : {&moving_, &making_room_}) {
    if (buffer->capacity() > kMovingBytesMax) *buffer = StateBuffer();
  }
  return moved;
}

bool Slots::swap(const Swap& swap) {
  SlotContent& from = slots_[size_t(swap.from)];
  SlotContent& to = slots_[size_t(swap.to)];
  const bool is_exchange = cells_of(to) > 0;
  if (is_exchange && !context_.save(swap.to, making_room_)) return false;
  if (!context_.save(swap.from, moving_)) return false;
  std::swap(from, to);
  const auto settle = [&](SlotContent& content, int32_t slot, const StateBuffer* state) {
    if (content.live) content.live->move(slot);
    if (!state) {
      context_.remove(slot);
    } else if (!context_.restore(slot, *state)) {  // computed again
      content.remembered.clear();
      if (content.live) content.live->forget();
    }
  };
  settle(to, swap.to, &moving_);
  settle(from, swap.from, is_exchange ? &making_room_ : nullptr);
  return true;
}

bool Slots::free_cells(int64_t cells, int32_t but_slot) {
  if (options_.shared_cells == 0) return true;
  for (;;) {
    if (cells_live() + cells_remembered() + cells <= options_.shared_cells) return true;
    int32_t oldest = -1;
    for (int32_t slot = 0; slot < count(); ++slot) {
      const SlotContent& content = slots_[size_t(slot)];
      if (content.live || content.remembered.empty() || slot == but_slot) continue;
      if (oldest < 0 || content.left_at < slots_[size_t(oldest)].left_at) oldest = slot;
    }
    if (oldest < 0) return false;
    vacate(oldest);
  }
}

std::optional<Clock::time_point> Slots::next_to_yield() const {
  const auto now = Clock::now();
  std::optional<Clock::time_point> next;
  for (const SlotContent& content : slots_) {
    if (!content.live || !content.live->parked() || is_parked_for_a_while(*content.live, now))
      continue;
    const auto time = content.live->waiting_since() + kParkedFor;
    if (!next || time < *next) next = time;
  }
  return next;
}

int32_t Slots::longest_parked() const {
  int32_t longest = -1;
  for (int32_t slot = 0; slot < count(); ++slot) {
    const Sequence* sequence = at(slot);
    if (!sequence || !sequence->parked()) continue;
    if (longest < 0 || sequence->waiting_since() < at(longest)->waiting_since()) longest = slot;
  }
  return longest;
}

int32_t Slots::youngest() const {
  int32_t youngest = -1;
  for (int32_t slot = 0; slot < count(); ++slot) {
    if (!at(slot)) continue;
    if (youngest < 0 || at(slot)->request().id > at(youngest)->request().id) youngest = slot;
  }
  return youngest;
}

}  // namespace sluice
