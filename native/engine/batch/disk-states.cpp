#include "engine/batch/disk-states.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/average.h"

namespace sluice {
namespace {

// A disk that takes longer is not waited for: the prompt is computed.
constexpr auto kPatience = std::chrono::seconds(5);
// Copying takes no longer than this where others wait meanwhile.
constexpr double kCopyMs = 40;
// States that take longer are copied when there was nothing to do for this long.
constexpr auto kIdle = std::chrono::seconds(1);
// Where those that wait to be written leave no room.
constexpr auto kTryAgain = std::chrono::milliseconds(100);
// How much of the rate the newest copy makes up.
constexpr double kNewestCopy = 0.3;

}  // namespace

DiskStates::DiskStates(StateStore* store, Slots& slots, const PrefillCost& cost,
                       uint64_t reading_bytes_max)
    : store_(store), slots_(slots), cost_(cost), reading_bytes_max_(reading_bytes_max) {
  if (store_) slots_.watch(*this);
}

bool DiskStates::must_wait(Sequence& sequence) {
  Sequence::OnDisk& own = sequence.on_disk;
  if (!store_ || own.is_settled || sequence.has_begun()) return false;
  const auto now = Clock::now();
  if (own.since == Clock::time_point()) own.since = now;
  const bool is_patient = now < own.since + kPatience;
  const bool waits = own.read ? !own.read->is_done : begin_read(sequence);
  if (waits && is_patient) {
    patient_until_ = std::max(patient_until_, own.since + kPatience);
    return true;
  }
  own.is_settled = true;
  if (own.read && own.read->is_done && own.read->state) {
    slots_.bring(own.read->state);
  } else {
    own.read.reset();
  }
  return false;
}

// True where it is to wait.
bool DiskStates::begin_read(Sequence& sequence) {
  const int32_t limit = sequence.shared_max();
  if (limit < kDiskTokensMin) return false;  // nothing is for it, whatever is there
  if (!store_->is_ready()) return true;
  const std::string& salt = sequence.request().cache_salt;
  sequence.on_disk.common = store_->longest_common(salt, sequence.tokens(), limit);
  if (sequence.on_disk.common < kDiskTokensMin) return false;
  // What was read takes memory until its sequence starts.
  if (bytes_being_read() > reading_bytes_max_) return true;
  const int32_t there = slots_.shared_now(sequence);
  const double token_ms = cost_.token_ms(limit);
  sequence.on_disk.read = store_->read(salt, sequence.tokens(), limit, there, token_ms);
  if (!sequence.on_disk.read) return false;
  reads_.push_back(sequence.on_disk.read);
  return true;
}

uint64_t DiskStates::bytes_being_read() {
  reads_.erase(
      std::remove_if(reads_.begin(), reads_.end(), [](const auto& read) { return read.expired(); }),
      reads_.end());
  uint64_t bytes = 0;
  for (const auto& one : reads_) {
    if (const auto read = one.lock()) bytes += read->head->state_bytes;
  }
  return bytes;
}

void DiskStates::save_free_slots(bool is_idle) {
  if (!store_) return;
  const auto now = Clock::now();
  if (is_idle && !idle_since_) idle_since_ = now;
  if (try_again_at_ && now < *try_again_at_ && !is_idle) return;
  try_again_at_.reset();
  const bool may_take_long = is_idle && now >= *idle_since_ + kIdle;
  for (int32_t slot = 0; slot < slots_.count(); ++slot) {
    if (slots_.at(slot) || slots_.is_settled(slot)) continue;
    const Copied copied = save(slot, may_take_long ? INFINITY : kCopyMs);
    if (copied != Copied::later) slots_.settle(slot);
    if (copied == Copied::later) try_again_at_ = now + (is_idle ? kIdle : kTryAgain);
    if (copied == Copied::yes && !may_take_long) {
      try_again_at_ = now;
      return;
    }
  }
}

DiskStates::Copied DiskStates::save(int32_t slot, double ms_max) {
  const Slots::Held held = slots_.held(slot);
  if (int32_t(held.tokens.size()) < kDiskTokensMin) return Copied::no;
  const uint64_t bytes = slots_.state_bytes(slot);
  const bool is_last = false;
  switch (store_->wish(held.salt, held.tokens, bytes, token_ms(held.tokens), is_last)) {
    case StateStore::Wish::no: return Copied::no;
    case StateStore::Wish::not_now: return Copied::later;
    case StateStore::Wish::yes: break;
  }
  if (copy_ms(bytes) > ms_max) return Copied::later;
  const auto start = Clock::now();
  auto state = slots_.copy(slot);
  if (!state) return Copied::no;
  const double ms = std::max(0.001, ms_since(start));
  average(copied_bytes_per_ms_, double(bytes) / ms, kNewestCopy);
  store_->write(std::move(state));
  return Copied::yes;
}

std::optional<Clock::time_point> DiskStates::next_turn() const {
  std::optional<Clock::time_point> next = try_again_at_;
  if (patient_until_ > Clock::now()) next = next ? std::min(*next, patient_until_) : patient_until_;
  return next;
}

void DiskStates::save_all(Clock::time_point until) {
  if (!store_) return;
  const bool is_last = true;
  for (int32_t slot = 0; slot < slots_.count() && Clock::now() < until; ++slot) {
    const Slots::Held held = slots_.held(slot);
    if (int32_t(held.tokens.size()) < kDiskTokensMin) continue;
    store_->wait_until_ready(until);  // the engine may have lived for a moment only
    const uint64_t bytes = slots_.state_bytes(slot);
    const double token_ms = this->token_ms(held.tokens);
    const auto wish = store_->wish(held.salt, held.tokens, bytes, token_ms, is_last);
    if (wish == StateStore::Wish::no) continue;
    if (!store_->wait_for_room(bytes, until)) {
      store_->count_dropped();
      continue;
    }
    if (auto state = slots_.copy(slot)) store_->write(std::move(state));
  }
}

void DiskStates::kept(const std::shared_ptr<SavedState>& state) {
  const bool is_last = false;
  if (int32_t(state->tokens.size()) < kDiskTokensMin) return;
  const double token_ms = this->token_ms(state->tokens);
  switch (store_->wish(state->salt, state->tokens, state->bytes.size(), token_ms, is_last)) {
    case StateStore::Wish::no: return;
    case StateStore::Wish::not_now: return store_->count_dropped();
    case StateStore::Wish::yes: break;
  }
  state->is_shared = true;
  store_->write(state);
}

void DiskStates::forgotten(const std::string& salt, const std::vector<int32_t>& tokens) {
  store_->erase_states_of(salt, tokens);
}

}  // namespace sluice
