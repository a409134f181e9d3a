#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/batch/reply-reader.h"
#include "engine/policy/scheduler.h"
#include "engine/request/event-sink.h"
#include "engine/request/held-logprobs.h"
#include "engine/request/ledger.h"
#include "engine/request/request.h"
#include "engine/request/text-stream.h"
#include "engine/request/thoughts.h"
#include "llama/chat/chat-parser.h"
#include "llama/sampler.h"

namespace sluice {

// A sequence that computes what another one needs first.
struct Leader {
  RequestId id;
  int32_t shared;  // tokens, after which the other one may start
};

// How a reply's tokens are read, apart from what its request says of it.
struct ReplyForm {
  std::vector<std::string> stops;      // the format's, beside the request's
  std::vector<int32_t> spoken_tokens;  // control tokens whose names are part of the text
  std::unique_ptr<ChatParser> parser;  // null: the text is the reply, or its form
  bool has_form = false;               // of the request, and the parser reads what is around it
  std::unique_ptr<Thoughts> thoughts;  // null: it is not known of any
  std::vector<int32_t> thoughts_end;   // what is written where thoughts must end
  bool thinks_of_calls = true;         // what begins a call begins none in thoughts
};

// One conversation on its way: its tokens, how far they are computed, and the text they became.
// Owned by WaitingLine while it waits for a slot, and by Slots in one. Engine thread only.
class Sequence {
 public:
  Sequence(std::shared_ptr<Request> request, std::vector<int32_t> prompt,
           std::unique_ptr<Sampler> sampler, ReplyForm form = {});

  const Request& request() const { return *request_; }
  Sampler& sampler() { return *sampler_; }
  bool cancelled() const { return request_->cancelled.load(std::memory_order_relaxed); }

  // It has a slot, and the state that it starts from covers so many of its tokens.
  void enter(int32_t slot, int32_t n_computed);
  void move(int32_t slot) { slot_ = slot; }
  // It gives its slot up, to come back as if it were new.
  void leave();
  // What was computed is lost.
  void forget() { n_computed_ = 0; }
  int32_t slot() const { return slot_; }

  SequenceView view() const;
  const std::vector<int32_t>& tokens() const { return tokens_; }
  std::vector<int32_t> computed_tokens() const;
  int32_t n_tokens() const { return static_cast<int32_t>(tokens_.size()); }
  int32_t n_computed() const { return n_computed_; }
  int32_t token(int32_t position) const { return tokens_[size_t(position)]; }
  void computed(int32_t rows) { n_computed_ += rows; }
  // So many of its tokens at most may come from what others computed: one at least is computed for
  // its logits, and where the prompt's tokens are told of, all whose followers are still to be.
  int32_t shared_max() const;
  bool has_begun() const { return cached_tokens_ >= 0; }
  // Its reply is under way, though it may have had no slot yet: it waits for a leader that had
  // one, or is a choice whose reader has others to read.
  bool is_served() const { return leader.has_value() || request_->group->has_begun; }
  int32_t prompt_tokens() const { return prompt_tokens_; }
  int32_t cached_tokens() const { return std::max(0, cached_tokens_); }
  int32_t completion_tokens() const { return n_tokens() - prompt_tokens_; }
  bool is_generating() const { return n_tokens() - n_computed_ == 1 && completion_tokens() > 0; }

  // Somebody waits for the state at this position, or it is to be kept: a chunk shall end there.
  void add_stop(int32_t position);
  bool at_stop() const;

  // The leader it waits for, to start from what that one computes (see Slots::leader_of).
  std::optional<Leader> leader;

  // The end-of-generation token: it ends the reply and is not part of it.
  void end();
  void append(int32_t token, std::string_view piece);
  // Of the token that was appended last; for all of a reply's tokens or for none.
  void append_logprobs(TokenLogprobs entry) { logprobs_.push(std::move(entry)); }
  bool wants_logprobs() const { return request_->sampling.logprobs >= 0; }
  // Of the prompt's tokens, in their order: they leave before anything of the reply does.
  void append_prompt_logprobs(std::vector<TokenLogprobs> entries);
  bool wants_prompt_logprobs() const { return request_->prompt_logprobs >= 0; }
  // Whether the row at this position tells of the token that follows it in the prompt.
  bool scores(int32_t position) const {
    return is_scored() && position + 1 >= told_ && position + 1 < prompt_tokens_;
  }
  // Whether the token's name is part of the text, though it is a control token.
  bool speaks(int32_t token) const;
  // It has come to a stop string.
  bool stopped() const { return text_.stopped() || (reader_ && reader_->stopped()); }
  // The reply is over, by the model or a stop string, or because it was cut.
  void finish(bool was_cut);
  // It is to end here: what it says now was not asked for.
  bool has_enough() const { return reader_ && reader_->has_enough(); }
  // It calls tools, and waits for what they say. Only once it is finished.
  bool calls_tools() const { return reader_ && reader_->calls_tools(); }
  // It contradicts what has left of it, and cannot go on.
  bool broken() const { return reader_ && reader_->broken(); }
  bool has_too_many_brackets() const { return reader_ && reader_->has_too_many_brackets(); }

  // Hands over the text that may leave and counts its tokens as unread.
  void deliver(EventSink& sink, int32_t window);
  // The reader took some. A reply is parked when it is `window` tokens ahead of its reader, and
  // until half of them are taken: a slow reader would else park and wake it for every token.
  void credit(int32_t tokens, int32_t window);
  bool parked() const { return parked_; }
  // Tokens it may generate before it is parked, if all of their text may leave.
  int32_t room(int32_t window) const { return window - unread_ - undelivered_; }

  // For the tally: so many tokens were drafted for it; the sampler chose the drafted one.
  void drafted(int32_t tokens) { draft_tokens_ += tokens; }
  void draft_accepted() { ++draft_accepted_tokens_; }
  Clock::time_point waiting_since() const { return waiting_since_; }

  Phase phase() const;
  Tally tally() const;

 private:
  // Some of its prompt's rows are to be told of.
  bool is_scored() const { return wants_prompt_logprobs() && told_ < prompt_tokens_; }
  // How far it may be ahead of its reader.
  int32_t ahead_max(int32_t window) const;
  void mark_first_token();
  // Hands whole characters to the reader.
  void read();
  // In thoughts nothing is called; where they have had their tokens, the next ones end them.
  void mind_thoughts();
  // What may leave; nothing where there is nothing.
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
  std::vector<int32_t> stops_;  // ascending
  std::unique_ptr<Sampler> sampler_;
  ReplyForm form_;
  TextStream text_;
  std::optional<ReplyReader> reader_;  // none: the text leaves as it is
  HeldLogprobs logprobs_;
  std::vector<TokenLogprobs> prompt_logprobs_;  // that have not left
  int32_t told_ = 0;         // tokens of the prompt, of those that were asked for
  int32_t undelivered_ = 0;  // tokens whose text has not left yet
  int32_t unread_ = 0;       // tokens whose text left and was not taken
  bool parked_ = false;
  int32_t draft_tokens_ = 0, draft_accepted_tokens_ = 0;
  Clock::time_point placed_, first_token_, last_token_;
  Clock::time_point waiting_since_;  // for its reader, or for a slot to come back to
  Clock::duration waited_{0};
};

}  // namespace sluice
