#include "engine/sequence.h"

#include <algorithm>

namespace sluice {
namespace {

double milliseconds(Clock::time_point from, Clock::time_point to) {
  if (from == Clock::time_point() || to == Clock::time_point()) return 0;
  return std::chrono::duration<double, std::milli>(to - from).count();
}

}  // namespace

Sequence::Sequence(std::shared_ptr<Request> request, std::vector<int32_t> prompt,
                   std::unique_ptr<Sampler> sampler)
    : request_(std::move(request)),
      tokens_(std::move(prompt)),
      prompt_tokens_(static_cast<int32_t>(tokens_.size())),
      sampler_(std::move(sampler)),
      text_(request_->stop) {}

void Sequence::place(int32_t slot) {
  slot_ = slot;
  placed_ = Clock::now();
}

SequenceView Sequence::view(int32_t window) const {
  return {slot_, n_tokens(), n_computed_, parked(window)};
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
}

void Sequence::deliver(EventSink& sink) {
  const std::string text = text_.take();
  if (text.empty()) return;
  sink.text(request_->id, text, undelivered_);
  unread_ += undelivered_;
  undelivered_ = 0;
}

void Sequence::credit(int32_t tokens) { unread_ = std::max(0, unread_ - tokens); }

Tally Sequence::tally() const {
  Tally tally;
  tally.prompt_tokens = prompt_tokens_;
  tally.completion_tokens = completion_tokens();
  tally.stop_string = text_.stop_string();
  const Clock::time_point now = Clock::now();
  const Clock::time_point placed = placed_ == Clock::time_point() ? now : placed_;
  tally.queue_ms = milliseconds(request_->submitted, placed);
  tally.prefill_ms = milliseconds(placed_, first_token_);
  tally.decode_ms = milliseconds(first_token_, last_token_);
  return tally;
}

}  // namespace sluice
