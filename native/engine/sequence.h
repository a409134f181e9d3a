#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/event-sink.h"
#include "engine/request.h"
#include "engine/scheduler.h"
#include "engine/text-stream.h"
#include "llama/sampler.h"

namespace sluice {

// One conversation on its way: its tokens, how far they are computed, and the text they became.
// Owned by StepLoop, in the queue and then in a place. Engine thread only.
class Sequence {
 public:
  Sequence(std::shared_ptr<Request> request, std::vector<int32_t> prompt,
           std::unique_ptr<Sampler> sampler);

  const Request& request() const { return *request_; }
  Sampler& sampler() { return *sampler_; }
  bool cancelled() const { return request_->cancelled.load(std::memory_order_relaxed); }

  void place(int32_t slot);
  int32_t slot() const { return slot_; }
  SequenceView view(int32_t window) const;
  int32_t n_tokens() const { return static_cast<int32_t>(tokens_.size()); }
  int32_t n_computed() const { return n_computed_; }
  int32_t token(int32_t position) const { return tokens_[size_t(position)]; }
  void computed(int32_t rows) { n_computed_ += rows; }
  int32_t completion_tokens() const { return n_tokens() - prompt_tokens_; }

  // The end-of-generation token: it ends the reply and is not part of it.
  void end();
  void append(int32_t token, std::string_view piece);
  TextStream& text() { return text_; }

  // Hands over the text that may leave and counts its tokens as unread.
  void deliver(EventSink& sink);
  // The reader took some. A reply is parked while it is `window` tokens ahead of its reader.
  void credit(int32_t tokens);
  bool parked(int32_t window) const { return unread_ >= window; }

  Tally tally() const;

 private:
  void mark_first_token();

  std::shared_ptr<Request> request_;
  std::vector<int32_t> tokens_;  // prompt and reply
  int32_t prompt_tokens_;
  int32_t n_computed_ = 0;
  int32_t slot_ = -1;
  std::unique_ptr<Sampler> sampler_;
  TextStream text_;
  int32_t undelivered_ = 0;  // tokens whose text has not left yet
  int32_t unread_ = 0;       // tokens whose text left and was not taken
  Clock::time_point placed_, first_token_, last_token_;
};

}  // namespace sluice
