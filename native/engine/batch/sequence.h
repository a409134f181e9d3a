#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "disk/state-store.h"
#include "engine/batch/reply-reader.h"
#include "engine/policy/step-plan.h"
#include "engine/request/event-sink.h"
#include "engine/request/ledger.h"
#include "engine/request/pending-logprobs.h"
#include "engine/request/reasoning-tracker.h"
#include "engine/request/request.h"
#include "engine/request/text-stream.h"
#include "llama/chat/chat-parser.h"
#include "llama/sampler.h"

namespace sluice {

// The sequence that computes a prefix which another sequence waits for.
struct Leader {
  RequestId id;
  int32_t shared;  // tokens of the prefix; once they are computed, the waiting one may start
};

// How a reply's tokens are read, beside what its request asks for.
struct ReplyForm {
  std::vector<std::string> stops;         // the format's, beside the request's
  std::vector<int32_t> visible_specials;  // control tokens whose names are part of the text
  std::unique_ptr<ChatParser> parser;     // null: the text is the reply, or its form
  bool has_form = false;  // the request has a form, and the parser reads what stands around it
  std::unique_ptr<ReasoningTracker> reasoning;  // null: the format has no known reasoning
  std::vector<int32_t> reasoning_end;           // written where the reasoning must end
  // A call that begins within the reasoning ends it. Else it is part of the reasoning, no call.
  bool calls_end_reasoning = false;
};

// A request in the engine: its tokens, how many are computed, and the text that they became. Owned
// by WaitingLine while it waits for a slot, and by Slots in one. Engine thread only.
class Sequence {
 public:
  Sequence(std::shared_ptr<Request> request, std::vector<int32_t> prompt,
           std::unique_ptr<Sampler> sampler, ReplyForm form = {});

  const Request& request() const { return *request_; }
  Sampler& sampler() { return *sampler_; }
  bool cancelled() const { return request_->cancelled.load(std::memory_order_relaxed); }

  // It has a slot, whose cells hold its first `n_computed` tokens.
  void enter(int32_t slot, int32_t n_computed);
  void move(int32_t slot) { slot_ = slot; }
  // It gives up its slot. When it gets another, it starts as a new sequence does.
  void leave();
  // Its computed cells are lost.
  void forget() { n_computed_ = 0; }
  int32_t slot() const { return slot_; }

  SequenceView view() const;
  const std::vector<int32_t>& tokens() const { return tokens_; }
  std::vector<int32_t> computed_tokens() const;
  int32_t n_tokens() const { return static_cast<int32_t>(tokens_.size()); }
  int32_t n_computed() const { return n_computed_; }
  int32_t token(int32_t position) const { return tokens_[size_t(position)]; }
  void computed(int32_t rows) { n_computed_ += rows; }
  // How many of its tokens may come from another sequence's cells. The last token is computed in
  // any case, for its logits; with prompt logprobs, so is each token whose successor has none yet.
  int32_t shared_max() const;
  bool has_begun() const { return cached_tokens_ >= 0; }
  // The queue deadline is for requests that get nothing. This one waits for its leader's prefix, or
  // another choice of its reply has started.
  bool is_deadline_exempt() const { return leader.has_value() || request_->group->has_started; }
  int32_t prompt_tokens() const { return prompt_tokens_; }
  int32_t cached_tokens() const { return std::max(0, cached_tokens_); }
  int32_t completion_tokens() const { return n_tokens() - prompt_tokens_; }
  bool is_generating() const { return n_tokens() - n_computed_ == 1 && completion_tokens() > 0; }

  // A chunk must end at this position: another sequence waits for the state there, or it is kept as
  // a checkpoint.
  void add_boundary(int32_t position);
  bool at_boundary() const;
  bool has_boundary_ahead() const;

  // The sequence whose prefix it waits for (see Slots::find_leader).
  std::optional<Leader> leader;

  // What it has of the states on disk, before it first starts (see DiskStates).
  struct OnDisk {
    bool is_settled = false;         // there is nothing to wait for
    std::shared_ptr<DiskRead> read;  // the state that it waits for, or that it has
    Clock::time_point since{};       // it waits
    int32_t common = 0;              // tokens shared with any state there, whether it serves or not
  } on_disk;

  // The end-of-generation token: it ends the reply and is not part of it.
  void end();
  void append(int32_t token, std::string_view piece);
  // Of the token that was appended last. Called for all tokens of a reply or for none.
  void append_logprobs(TokenLogprobs entry) { logprobs_.push(std::move(entry)); }
  bool wants_logprobs() const { return request_->sampling.logprobs >= 0; }
  // Of the prompt's tokens, in their order: they are sent before anything of the reply.
  void append_prompt_logprobs(std::vector<TokenLogprobs> entries);
  bool wants_prompt_logprobs() const { return request_->prompt_logprobs >= 0; }
  // Whether the logits at this position give the logprob of the next token of the prompt.
  bool scores(int32_t position) const {
    return is_scored() && position + 1 >= scored_ && position + 1 < prompt_tokens_;
  }
  bool reads_labels() const { return !request_->label_tokens.empty(); }
  void set_label_logprobs(std::vector<float> logprobs) { label_logprobs_ = std::move(logprobs); }
  // Whether the token's name is part of the text, though it is a control token.
  bool is_visible(int32_t token) const;
  // It has come to a stop string.
  bool stopped() const { return text_.stopped() || (reader_ && reader_->stopped()); }
  // The reply is over, by the model or a stop string, or because it was cut.
  void finish(bool was_cut);
  // It ends here: the model now writes what was not asked for, such as a second call.
  bool has_enough() const { return reader_ && reader_->has_enough(); }
  // It calls tools, and waits for their answers. Only once it is finished.
  bool calls_tools() const { return reader_ && reader_->calls_tools(); }
  // Its format contradicts what was sent of it already, so it cannot go on.
  bool broken() const { return reader_ && reader_->broken(); }
  bool has_too_many_brackets() const { return reader_ && reader_->has_too_many_brackets(); }

  // Sends the text that may be sent, and counts its tokens as unread.
  void deliver(EventSink& sink, int32_t window);
  // The reader took some tokens. A reply is parked when it is `window` tokens ahead of its reader,
  // until half of them are taken: else a slow reader would park and wake it for every token.
  void credit(int32_t tokens, int32_t window);
  bool parked() const { return parked_; }
  // Tokens that it may generate before it is parked, if all of their text may be sent.
  int32_t room(int32_t window) const { return window - unread_ - undelivered_; }

  // For the tally: tokens that were drafted for it, and drafted ones that the sampler chose too.
  void drafted(int32_t tokens) { draft_tokens_ += tokens; }
  void draft_accepted() { ++draft_accepted_tokens_; }
  Clock::time_point waiting_since() const { return waiting_since_; }

  Phase phase() const;
  Tally tally() const;

 private:
  // Some of its prompt's tokens have no logprobs yet.
  bool is_scored() const { return wants_prompt_logprobs() && scored_ < prompt_tokens_; }
  // How far it may be ahead of its reader.
  int32_t ahead_max(int32_t window) const;
  void mark_first_token();
  // Gives whole characters to the ReplyReader.
  void read();
  // Suppresses calls within the reasoning, and ends the reasoning when its budget is used up.
  void update_reasoning();
  // Sends what may be sent. False where there is nothing.
  bool send(EventSink& sink);
  std::vector<Part> take_parts();
  void begin_waiting();
  void end_waiting();
  Clock::duration waiting() const;

  std::shared_ptr<Request> request_;
  std::vector<int32_t> tokens_;  // prompt and reply
  int32_t prompt_tokens_;
  int32_t n_computed_ = 0;
  int32_t cached_tokens_ = -1;  // -1 until it has its first slot
  int32_t slot_ = -1;
  std::vector<int32_t> boundaries_;  // positions where a chunk must end, ascending
  std::unique_ptr<Sampler> sampler_;
  ReplyForm form_;
  TextStream text_;
  std::optional<ReplyReader> reader_;  // none: the text is sent unchanged
  PendingLogprobs logprobs_;
  std::vector<TokenLogprobs> prompt_logprobs_;  // that were not sent
  int32_t scored_ = 0;                          // tokens of the prompt that have their logprobs
  std::vector<float> label_logprobs_;
  int32_t undelivered_ = 0;  // tokens whose text was not sent yet
  int32_t unread_ = 0;       // tokens whose text was sent and not taken
  bool parked_ = false;
  int32_t draft_tokens_ = 0, draft_accepted_tokens_ = 0;
  Clock::time_point started_, first_token_, last_token_;  // started_: it got its first slot
  Clock::time_point waiting_since_;                       // for its reader, or preempted
  Clock::duration waited_{0};
};

}  // namespace sluice
