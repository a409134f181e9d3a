#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/stack-thread.h"
#include "base/turn-queue.h"
#include "engine/batch/loop.h"
#include "engine/prepare/grammar-cache.h"
#include "engine/request/embedding-request.h"
#include "engine/request/event-sink.h"
#include "engine/request/ledger.h"
#include "engine/request/request.h"
#include "llama/model.h"
#include "llama/template/chat-template.h"

namespace sluice {

struct PreparerOptions {
  std::string chat_template;  // one in the place of the model's own, or empty
  int32_t context_tokens = 0;
  // It prepares what is to be embedded and refuses what is to be answered, else the other way
  // round.
  bool embeds = false;
  std::chrono::milliseconds queue_deadline{60000};
};

// Turns requests into sequences on threads of its own: template, tokens, length, sampler.
//
// There are three lanes, each a thread. All begins in the quick one, which gives up what takes more
// than some 0.1 s. The long one takes texts of any length (1 MiB takes 0.4 to 1.9 s, and a
// tokenizer cannot be interrupted), large grammars, and templates of up to a second; the heavy one
// templates that take more, up to kTemplateWorkMax. So nothing stands before what takes much less
// than itself, and what it comes to is the same in each lane.
//
// Between two jobs the quick lane retires those that nobody waits for any more, wherever they are.
//
// Owned by Engine's thread, which starts it after the load and joins it before the model goes.
// The public methods may be called from any thread.
class Preparer {
 public:
  // `on_end` is called where one of its threads ends by itself; then nothing is prepared any more.
  // Throws FaultError for a bad template, and where `closing` was set meanwhile; std::system_error
  // where there is no thread.
  using OnEnd = std::function<void(const Fault& cause)>;
  Preparer(std::shared_ptr<const Model> model, PreparerOptions options, const Wiring& wiring,
           OnEnd on_end);
  ~Preparer();

  bool has_chat_template() const { return template_.exists(); }
  const std::string& template_warning() const { return template_.warning(); }
  // What thoughts of the model end with, where they are known and can be made to end. Takes some
  // milliseconds.
  std::vector<std::string> thinking_ends() const;
  // Of the threads that tokenize, the smallest.
  size_t stack_bytes() const;
  CallFormat call_format() const;
  void prepare(Choices choices);
  void prepare(std::shared_ptr<EmbeddingRequest> request);
  // What these come to, the sink hears of as tokens, text_made, pieces or failed.
  void tokenize(RequestId id, std::string text, bool add_special, bool parse_special);
  void detokenize(RequestId id, std::vector<int32_t> tokens);
  void pieces(RequestId id, std::vector<int32_t> tokens);
  void apply_template(RequestId id, ChatPrompt chat);
  // The tokens of what that gives: not those of its text alone, in which one cannot see what
  // somebody said.
  void tokenize_chat(RequestId id, ChatPrompt chat);
  // Nobody waits any more for the text with this id: what was not begun will not be.
  void cancel_text(RequestId id);
  // Some request was cancelled.
  void look() { lanes_[kQuick].jobs.wake(); }

 private:
  struct Tokenize {
    std::string text;
    bool add_special, parse_special;
  };
  struct Detokenize {
    std::vector<int32_t> tokens;
  };
  struct Pieces {
    std::vector<int32_t> tokens;
  };
  struct TokenizeChat {
    ChatPrompt chat;
  };
  using TextWork = std::variant<Tokenize, Detokenize, Pieces, TokenizeChat, ChatPrompt>;
  struct TextJob {
    std::shared_ptr<Ticket> ticket;
    std::shared_ptr<const TextWork> work;
  };
  using Job = std::variant<Choices, std::shared_ptr<EmbeddingRequest>, TextJob>;

  enum LaneNumber : size_t { kQuick, kLong, kHeavy };
  struct Lane {
    uint64_t template_work;  // units
    size_t text_bytes;       // to be tokenized; tokens count as some
    bool takes_large_grammars;
    TurnQueue<Job, 2> jobs{};  // of requests, and of texts
    std::optional<StackThread> thread{};
  };
  // Thrown where a lane gives a job up because the next has more time for it, as TemplateTakesLong.
  // No std::exception, since nothing went wrong.
  struct TakesLong {};
  // What a lane does for one job.
  struct Effort {
    const Lane& lane;
    std::function<bool()> given_up;
    TemplateLimits of_template() const { return {lane.template_work, given_up}; }
  };

  static bool is_wanted(const Job& job);
  static bool is_text(const Job& job) { return std::holds_alternative<TextJob>(job); }
  void stop();
  TemplateLimits while_loading() const;
  void run(LaneNumber number) noexcept;
  void run_jobs(LaneNumber number);
  void attempt(LaneNumber number, const Job& job);
  void set_aside(LaneNumber from, const Job& job);
  // When the quick lane must look at who has waited too long.
  std::optional<Clock::time_point> next_deadline() const;
  void retire_unwanted();

  void handle(const Choices& choices, const Effort& effort);
  void handle(const std::shared_ptr<EmbeddingRequest>& request, const Effort& effort);
  void handle(const TextJob& job, const Effort& effort);
  void answer(RequestId id, const TextWork& work, const Effort& effort);
  void push_text(RequestId id, TextWork work);
  void hand_over(const std::shared_ptr<Request>& request, std::vector<int32_t> prompt,
                 const TemplatedChat& chat, const Effort& effort);
  void give_up(const Ticket& request, const Fault& fault);
  // These throw FaultError, TakesLong and TemplateTakesLong.
  std::unique_ptr<Sequence> make_sequence(const std::shared_ptr<Request>& request,
                                          std::vector<int32_t> prompt, const TemplatedChat& chat,
                                          const Effort& effort);
  ReplyForm reply_form(const Request& request, const TemplatedChat& chat) const;
  std::unique_ptr<Constraint> compiled(const GrammarSpec& spec, const Effort& effort);
  void set_thoughts(ReplyForm& form, const ChatPrompt& prompt, const TemplatedChat& chat) const;
  std::unique_ptr<Constraint> constraint(const Request& request, const TemplatedChat& chat,
                                         const Effort& effort);
  // Fills `chat` where the prompt is a conversation.
  std::vector<int32_t> prompt_tokens(const Request& request, TemplatedChat& chat,
                                     const Effort& effort) const;
  std::vector<int32_t> tokens_of(const Prompt& prompt, const TemplatedChat& chat) const;
  std::vector<int32_t> tokens_of(const std::string& prompt) const;
  std::vector<int32_t> tokens_of(const std::vector<int32_t>& tokens) const;
  std::vector<int32_t> tokens_of(const Infill& texts) const;
  // Whether the lane has time for so much text.
  void check_lane(size_t text_bytes, const Effort& effort) const;
  // What cannot fit, however it is tokenized, need not be.
  void check_fits(size_t text_bytes) const;
  FaultError too_long(const char* how_many, int64_t prompt_tokens) const;

  const std::shared_ptr<const Model> model_;
  const PreparerOptions options_;
  const Wiring wiring_;
  Ledger& ledger_;
  EventSink& sink_;
  const OnEnd on_end_;
  std::atomic<bool> stopping_{false};
  const ChatTemplate template_;
  GrammarCache grammars_;
  std::mutex texts_mutex_;
  std::unordered_map<RequestId, std::shared_ptr<Ticket>> texts_;  // that were not answered
  std::array<Lane, 3> lanes_;  // last: their threads use all of the above
};

}  // namespace sluice
