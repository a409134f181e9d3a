#include "engine/batch/sequence.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace sluice {
namespace {

double milliseconds(Clock::time_point from, Clock::time_point to) {
  if (from == Clock::time_point() || to == Clock::time_point()) return 0;
  return std::chrono::duration<double, std::milli>(to - from).count();
}

// Prompt logprobs, in tokens, that may be ahead of the reader: those of several batches, so that
// the next one is computed while the reader takes the last.
constexpr int32_t kScoredAheadMax = 512;

// The stop strings that are looked for in all of a reply's text: none where a form is the reply.
// With a ReplyReader only the format's; the reader looks for the request's, in content alone.
std::vector<std::string> stops_of(const Request& request, const ReplyForm& form) {
  if (request.grammar) return {};
  return form.parser ? form.stops : request.stop;
}

}  // namespace

Sequence::Sequence(std::shared_ptr<Request> request, std::vector<int32_t> prompt,
                   std::unique_ptr<Sampler> sampler, ReplyForm form)
    : request_(std::move(request)),
      tokens_(std::move(prompt)),
      prompt_tokens_(static_cast<int32_t>(tokens_.size())),
      sampler_(std::move(sampler)),
      form_(std::move(form)),
      text_(stops_of(*request_, form_)) {
  if (form_.parser) {
    const bool has_stops = !request_->grammar;
    reader_.emplace(std::move(form_.parser),
                    has_stops ? request_->stop : std::vector<std::string>(), form_.has_form);
  }
  update_reasoning();
}

void Sequence::enter(int32_t slot, int32_t n_computed) {
  slot_ = slot;
  n_computed_ = n_computed;
  leader.reset();
  end_waiting();
  if (cached_tokens_ >= 0) return;  // it was preempted, and comes back
  cached_tokens_ = n_computed;
  started_ = Clock::now();
  request_->group->has_started = true;
}

void Sequence::leave() {
  slot_ = -1;
  n_computed_ = 0;
  begin_waiting();
}

SequenceView Sequence::view() const {
  const auto next = std::upper_bound(boundaries_.begin(), boundaries_.end(), n_computed_);
  const int32_t boundary = next == boundaries_.end() ? n_tokens() : std::min(*next, n_tokens());
  return {slot_,        n_tokens(), n_computed_, boundary,
          request_->id, parked_,    is_scored(), is_generating()};
}

int32_t Sequence::shared_max() const {
  return is_scored() ? std::max(0, scored_ - 1) : n_tokens() - 1;
}

std::vector<int32_t> Sequence::computed_tokens() const {
  return std::vector<int32_t>(tokens_.begin(), tokens_.begin() + n_computed_);
}

void Sequence::add_boundary(int32_t position) {
  const auto at = std::lower_bound(boundaries_.begin(), boundaries_.end(), position);
  if (at == boundaries_.end() || *at != position) boundaries_.insert(at, position);
}

bool Sequence::at_boundary() const {
  return std::binary_search(boundaries_.begin(), boundaries_.end(), n_computed_);
}

bool Sequence::has_boundary_ahead() const {
  return !boundaries_.empty() && boundaries_.back() > n_computed_;
}

void Sequence::begin_waiting() {
  if (waiting_since_ == Clock::time_point()) waiting_since_ = Clock::now();
}

void Sequence::end_waiting() {
  waited_ += waiting();
  waiting_since_ = Clock::time_point();
}

// Before its first token it is still a prompt: that time is not the reply's.
Clock::duration Sequence::waiting() const {
  const bool is_reply = first_token_ != Clock::time_point();
  const bool is_waiting = waiting_since_ != Clock::time_point();
  return is_reply && is_waiting ? Clock::now() - waiting_since_ : Clock::duration(0);
}

void Sequence::mark_first_token() {
  last_token_ = Clock::now();
  if (first_token_ == Clock::time_point()) first_token_ = last_token_;
}

void Sequence::end() { mark_first_token(); }

void Sequence::append(int32_t token, std::string_view piece) {
  mark_first_token();
  tokens_.push_back(token);
  ++undelivered_;
  text_.append(piece);
  // In a form, what looks like a reasoning mark is text.
  if (form_.reasoning && !(reader_ && reader_->is_in_form())) form_.reasoning->append(piece);
  if (reader_) read();
  update_reasoning();
}

void Sequence::update_reasoning() {
  if (!form_.reasoning) return;
  if (!form_.calls_end_reasoning || form_.has_form) {
    sampler_->suppress_calls(form_.reasoning->is_open());
  }
  if (form_.reasoning->must_end() && !sampler_->is_forcing()) sampler_->force(form_.reasoning_end);
}

void Sequence::append_prompt_logprobs(std::vector<TokenLogprobs> entries) {
  scored_ += int32_t(entries.size());
  undelivered_ += int32_t(entries.size());
  std::move(entries.begin(), entries.end(), std::back_inserter(prompt_logprobs_));
}

bool Sequence::is_visible(int32_t token) const {
  const std::vector<int32_t>& visible_specials = form_.visible_specials;
  return std::find(visible_specials.begin(), visible_specials.end(), token) !=
         visible_specials.end();
}

void Sequence::read() {
  reader_->append(text_.take(), sampler_->form_span());
  while (text_.stopped() && reader_->is_in_call()) {
    text_.go_on();
    reader_->append(text_.take(), sampler_->form_span());
  }
}

void Sequence::finish(bool was_cut) {
  text_.finish();
  if (!reader_) return;
  read();
  reader_->finish(was_cut, sampler_->form_span());
}

bool Sequence::send(EventSink& sink) {
  if (!reader_ && !wants_logprobs() && !wants_prompt_logprobs()) {
    const std::string text = text_.take();
    if (text.empty()) return false;
    sink.text(request_->id, text, undelivered_);
    return true;
  }
  std::vector<Part> parts = take_parts();
  if (parts.empty()) return false;
  parts.back().tokens = undelivered_;
  for (Part& part : parts) sink.part(request_->id, std::move(part));
  return true;
}

// A token's logprobs are sent with the last of its bytes.
std::vector<Part> Sequence::take_parts() {
  std::vector<Part> parts;
  if (reader_) {
    parts = reader_->take();
  } else if (std::string text = text_.take(); !text.empty()) {
    parts.emplace_back().text = std::move(text);
  }
  Part last;
  if (wants_logprobs()) {
    const size_t withheld = reader_ ? std::min(reader_->withheld(), text_.released()) : 0;
    last.logprobs = logprobs_.take(text_.released() - withheld, stopped());
  }
  last.prompt_logprobs = std::exchange(prompt_logprobs_, {});
  const bool has_logprobs = !last.logprobs.empty() || !last.prompt_logprobs.empty();
  if (has_logprobs && parts.empty()) parts.emplace_back();
  if (has_logprobs) parts.back().append(std::move(last));
  return parts;
}

void Sequence::deliver(EventSink& sink, int32_t window) {
  if (!send(sink)) return;
  unread_ += undelivered_;
  undelivered_ = 0;
  if (unread_ < ahead_max(window)) return;
  parked_ = true;
  begin_waiting();
}

void Sequence::credit(int32_t tokens, int32_t window) {
  unread_ = std::max(0, unread_ - tokens);
  if (!parked_ || unread_ > ahead_max(window) / 2) return;
  parked_ = false;
  if (slot_ >= 0) end_waiting();
}

int32_t Sequence::ahead_max(int32_t window) const {
  const bool is_prompt = wants_prompt_logprobs() && completion_tokens() == 0;
  return is_prompt ? std::max(window, kScoredAheadMax) : window;
}

Phase Sequence::phase() const {
  if (!has_begun()) return Phase::queued;
  if (parked_) return Phase::parked;
  return completion_tokens() > 0 ? Phase::decode : Phase::prefill;
}

Tally Sequence::tally() const {
  Tally tally;
  tally.prompt_tokens = prompt_tokens_;
  tally.cached_tokens = cached_tokens();
  tally.completion_tokens = completion_tokens();
  if (form_.reasoning) tally.reasoning_tokens = form_.reasoning->tokens();
  tally.label_logprobs = label_logprobs_;
  tally.draft_tokens = draft_tokens_;
  tally.draft_accepted_tokens = draft_accepted_tokens_;
  // Only a stop string of the request is reported, not one of the format.
  const std::string stop =
      text_.stopped() || !reader_ ? text_.stop_string() : reader_->stop_string();
  const std::vector<std::string>& asked_for = request_->stop;
  const bool is_asked_for = std::find(asked_for.begin(), asked_for.end(), stop) != asked_for.end();
  if (is_asked_for) tally.stop_string = stop;
  const Clock::time_point now = Clock::now();
  const Clock::time_point started = started_ == Clock::time_point() ? now : started_;
  tally.queue_ms = milliseconds(request_->submitted, started);
  tally.prefill_ms = milliseconds(started_, first_token_);
  tally.decode_ms = milliseconds(first_token_, last_token_);
  tally.parked_ms = std::chrono::duration<double, std::milli>(waited_ + waiting()).count();
  return tally;
}

}  // namespace sluice
