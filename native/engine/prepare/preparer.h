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
#include "engine/batch/loop.h"
#include "engine/prepare/grammar-cache.h"
#include "engine/request/embedding-request.h"
#include "engine/request/event-sink.h"
#include "engine/request/ledger.h"
#include "engine/request/request.h"
#include "engine/request/turn-queue.h"
#include "llama/known-dry.h"
#include "llama/model.h"
#include "llama/template/chat-template.h"

namespace sluice {

struct PreparerOptions {
  std::string chat_template;    // instead of the model's own, or empty
  bool tools_fallback = false;  // tells of tools where the template does not
  int32_t context_tokens = 0;
  // Whether it prepares requests that embed and refuses those that generate, or the reverse.
  bool embeds = false;
  std::chrono::milliseconds queue_deadline{60000};
};

// Turns requests into sequences on threads of its own: template, tokens, length, sampler.
//
// There are three lanes, each a thread:
//  1. Quick: each job begins here, and goes on to the next lane if it takes more than some 0.1 s.
//  2. Long: texts of any length (1 MiB takes 0.4 to 1.9 s, and a tokenizer cannot be interrupted),
//     large grammars, DRY, templates that take up to a second.
//  3. Heavy: templates that take more, up to kTemplateWorkMax.
// So no job waits behind one that takes much longer. The result is the same in each lane.
//
// Between two jobs the quick lane retires the cancelled and the late jobs of all lanes.
//
// Owned by Engine's thread, which starts it after the load and joins it before the model goes.
// The public methods may be called from any thread.
class Preparer {
 public:
  // `on_end` is called if one of its threads fails; then nothing is prepared any more. Throws
  // FaultError for a bad template, and where `closing` was set meanwhile; std::system_error where
  // there is no thread.
  using OnEnd = std::function<void(const Fault& cause)>;
  Preparer(std::shared_ptr<const Model> model, PreparerOptions options, const Wiring& wiring,
           OnEnd on_end);
  ~Preparer();

  bool has_chat_template() const { return template_.exists(); }
  const std::string& template_warning() const { return template_.warning(); }
  // The marks that end the model's reasoning; none where it has none, or cannot be made to end it.
  // Takes some milliseconds.
  std::vector<std::string> reasoning_ends() const;
  // The smallest stack of its threads.
  size_t stack_bytes() const;
  CallFormat call_format() const;
  void prepare(RequestGroup group);
  void prepare(std::shared_ptr<EmbeddingRequest> request);
  // The sink gets the answers to these: tokens, text_made, pieces or failed.
  void tokenize(RequestId id, std::string text, bool add_special, bool parse_special);
  void detokenize(RequestId id, std::vector<int32_t> tokens);
  void pieces(RequestId id, std::vector<int32_t> tokens);
  void apply_template(RequestId id, ChatPrompt chat);
  // The tokens of the prompt. They may differ from those of apply_template()'s text, which does not
  // show which marks in it are content.
  // With `must_fit` a prompt that is too large for the context fails before it is tokenized.
  void tokenize_chat(RequestId id, ChatPrompt chat, bool must_fit);
  // Cancels a text job: if it was not begun, it never will be.
  void cancel_text(RequestId id);
  // Some request was cancelled: has the quick lane retire it.
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
    bool must_fit;
  };
  using TextWork = std::variant<Tokenize, Detokenize, Pieces, TokenizeChat, ChatPrompt>;
  struct TextJob {
    std::shared_ptr<Ticket> ticket;
    std::shared_ptr<const TextWork> work;
  };
  using Job = std::variant<RequestGroup, std::shared_ptr<EmbeddingRequest>, TextJob>;

  enum LaneNumber : size_t { kQuick, kLong, kHeavy };
  struct Lane {
    uint64_t template_work;      // units
    size_t text_bytes;           // to be tokenized; a token counts as some bytes
    bool may_take_long;          // to compile a grammar, or to make DRY
    TurnQueue<Job, 2> jobs{};    // of requests, whose owners take turns, and of texts
    KnownBeginning beginning{};  // of prompts
    KnownDry dry{};
    std::optional<StackThread> thread{};
  };
  // Thrown, as TemplateTakesLong is, where a job takes longer than the lane allows and must go on
  // to the next one. No std::exception, because it is no fault.
  struct TakesLong {};
  // What a lane allows one job.
  struct JobLimits {
    Lane& lane;
    std::function<bool()> given_up;
    TemplateLimits template_limits() const { return {lane.template_work, given_up}; }
  };

  // What the choices of a group have in common.
  struct Common {
    const Prompt& prompt;
    TemplatedChat chat;
    std::vector<int32_t> tokens;
    std::shared_ptr<const llama_sampler> dry;
  };

  static bool is_wanted(const Job& job);
  static bool is_text(const Job& job) { return std::holds_alternative<TextJob>(job); }
  static std::string owner_of(const Job& job);
  void push(LaneNumber lane, Job job);
  void quit();
  void run(LaneNumber number) noexcept;
  void run_jobs(LaneNumber number);
  void attempt(LaneNumber number, const Job& job);
  void defer(LaneNumber from, const Job& job);
  // When the next job that is not prepared will be late.
  std::optional<Clock::time_point> next_deadline() const;
  void retire_unwanted();

  void handle(const RequestGroup& group, const JobLimits& limits);
  void handle(const std::shared_ptr<EmbeddingRequest>& request, const JobLimits& limits);
  void handle(const TextJob& job, const JobLimits& limits);
  void answer(RequestId id, const TextWork& work, const JobLimits& limits);
  void push_text(RequestId id, TextWork work);
  void hand_over(const std::shared_ptr<Request>& request, const Common& common,
                 const JobLimits& limits);
  void give_up(const Ticket& request, const Fault& fault);
  // These throw FaultError, TakesLong and TemplateTakesLong.
  void fill(Common& common, const Request& request, const JobLimits& limits) const;
  std::unique_ptr<Sequence> make_sequence(const std::shared_ptr<Request>& request,
                                          const Common& common, const JobLimits& limits);
  ReplyForm reply_form(const Prompt& prompt, const TemplatedChat& chat) const;
  std::unique_ptr<Constraint> compiled(const GrammarSpec& spec, const JobLimits& limits);
  void set_reasoning(ReplyForm& form, const ChatPrompt& prompt, const TemplatedChat& chat) const;
  std::unique_ptr<Constraint> constraint(const Request& request, const TemplatedChat& chat,
                                         const JobLimits& limits);
  // Fills `chat` where the prompt is a conversation.
  std::vector<int32_t> prompt_tokens(const Prompt& prompt, const Request& request,
                                     TemplatedChat& chat, const JobLimits& limits) const;
  std::vector<int32_t> tokens_of(const Prompt& prompt, const TemplatedChat& chat,
                                 const std::string& salt, const JobLimits& limits) const;
  std::vector<int32_t> tokens_of(const std::string& prompt) const;
  std::vector<int32_t> tokens_of(const std::vector<int32_t>& tokens) const;
  std::vector<int32_t> tokens_of(const Infill& texts) const;
  // Whether the lane has time for so much text.
  void check_lane(size_t text_bytes, const JobLimits& limits) const;
  // What cannot fit, however it is tokenized, need not be.
  void check_fits(size_t text_bytes) const;
  FaultError too_long(const char* how_many, int64_t prompt_tokens) const;

  const std::shared_ptr<const Model> model_;
  const PreparerOptions options_;
  const Wiring wiring_;
  Ledger& ledger_;
  EventSink& sink_;
  const OnEnd on_end_;
  std::atomic<bool> quitting_{false};
  const ChatTemplate template_;
  GrammarCache grammars_;
  std::mutex texts_mutex_;
  std::unordered_map<RequestId, std::shared_ptr<Ticket>> texts_;  // text jobs without an answer
  std::array<Lane, 3> lanes_;  // last: their threads use all of the above
};

}  // namespace sluice
