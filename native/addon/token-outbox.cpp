#include "addon/token-outbox.h"

#include <utility>

#include "addon/exit-guard.h"
#include "base/thread-time.h"

namespace sluice {

TokenOutbox::TokenOutbox(Napi::Env env, Napi::Function wake)
    : wake_(Wake::New(env, wake, "sluice", 0, 1, this)) {
  wake_.Unref(env);  // rule 1
}

void TokenOutbox::on_wake(Napi::Env env, Napi::Function wake, TokenOutbox*, void*) {
  // No environment means that the queue is being thrown away at teardown: only free, nothing here.
  if (env == nullptr || wake.IsEmpty()) return;
  wake.Call({});
}

void TokenOutbox::add(Event event) {
  std::lock_guard<std::mutex> lock(mutex_);
  only_text_ = false;
  events_.push_back(std::move(event));
}

void TokenOutbox::progress(float fraction) { add(Progress{fraction}); }
void TokenOutbox::loaded(const LoadedModel& model) {
  rearm_exit_guard();  // what was made while loading is destroyed after the engines have ended
  add(Loaded{model});
}

void TokenOutbox::estimated(const Estimate& estimate) { add(Estimated{estimate}); }

namespace {

// Without its words, where there is no memory for them.
Fault copied(const Fault& fault) noexcept {
  try {
    return fault;
  } catch (const std::bad_alloc&) {
    return {fault.code, std::string(), 0, 0};
  }
}

}  // namespace

void TokenOutbox::load_failed(const Fault& fault) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  load_failed_ = LoadFailed{copied(fault)};
  only_text_ = false;
}

void TokenOutbox::ended(const Fault& cause) noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  ended_ = Ended{copied(cause)};
  only_text_ = false;
}

void TokenOutbox::closed() noexcept {
  const std::lock_guard<std::mutex> lock(mutex_);
  closed_ = true;
  only_text_ = false;
}

void TokenOutbox::warned(const Warning& warning) { add(Warned{warning}); }

bool TokenOutbox::is_empty() const {
  return events_.empty() && !ended_ && !load_failed_ && !closed_;
}

void TokenOutbox::accepted(RequestId id, int32_t prompt_tokens) {
  // The same of what requests made: for the 1st, 2nd, 4th, 8th ... of them.
  const int64_t count = ++accepted_;
  if ((count & (count - 1)) == 0) rearm_exit_guard();
  add(Accepted{id, prompt_tokens});
}

void TokenOutbox::text(RequestId id, std::string_view text, int32_t tokens) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto [entry, is_new] = text_at_.try_emplace(id, events_.size());
  if (is_new) {
    events_.push_back(Text{id, std::string(text), tokens});
    return;
  }
  Text& waiting = std::get<Text>(events_[entry->second]);
  waiting.text.append(text);
  waiting.tokens += tokens;
}

void TokenOutbox::part(RequestId id, Part part) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto [entry, is_new] = text_at_.try_emplace(id, events_.size());
  Part* const waiting = is_new ? nullptr : &std::get<Parts>(events_[entry->second]).part;
  if (waiting != nullptr && waiting->joins(part)) {
    waiting->append(std::move(part));
    return;
  }
  events_.push_back(Parts{id, std::move(part)});
  entry->second = events_.size() - 1;
}

void TokenOutbox::finished(RequestId id, FinishReason reason, const Tally& tally) {
  add(Finished{id, reason, tally});
}

void TokenOutbox::embedded(RequestId id, std::vector<float> values, int32_t prompt_tokens) {
  add(Embedded{id, std::move(values), prompt_tokens});
}

void TokenOutbox::failed(RequestId id, const Fault& fault, Phase phase) {
  add(Failed{id, fault, phase});
}

void TokenOutbox::tokens(RequestId id, std::vector<int32_t> tokens) {
  add(Tokens{id, std::move(tokens)});
}

void TokenOutbox::text_made(RequestId id, std::string text) { add(TextMade{id, std::move(text)}); }

void TokenOutbox::pieces(RequestId id, std::vector<std::string> pieces) {
  add(Pieces{id, std::move(pieces)});
}

void TokenOutbox::deferred(RequestId id) { add(Deferred{id}); }

void TokenOutbox::flush(bool may_wait) {
  if (is_process_exiting()) return;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (waking_ || is_empty()) return;
    const auto now = Clock::now();
    if (may_wait && only_text_ && now < woken_at_ + pace_.pause(text_at_.size())) return;
    waking_ = true;
    woken_at_ = now;
  }
  wake_.NonBlockingCall();  // rule 3; a refusal means that the environment is ending
}

std::vector<TokenOutbox::Event> TokenOutbox::drain() {
  std::vector<Event> events;
  std::lock_guard<std::mutex> lock(mutex_);
  // First, so that where there is no memory nothing is taken, and the next event wakes again.
  waking_ = false;
  events_.reserve(events_.size() + 3);
  pace_.came(thread_cpu_ms());
  events.swap(events_);
  if (ended_) events.insert(events.begin(), *std::exchange(ended_, std::nullopt));
  if (load_failed_) events.push_back(*std::exchange(load_failed_, std::nullopt));
  if (closed_) events.push_back(Closed{});
  closed_ = false;
  text_at_.clear();
  only_text_ = true;
  return events;
}

}  // namespace sluice
