#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "engine/embedding-request.h"
#include "engine/event-sink.h"
#include "engine/grammar-cache.h"
#include "engine/ledger.h"
#include "engine/mailbox.h"
#include "engine/messages.h"
#include "engine/request.h"
#include "engine/stack-thread.h"
#include "llama/chat-template.h"
#include "llama/model.h"

namespace sluice {

// Turns requests into sequences on a thread of its own: template, tokens, length, sampler.
// Tokenizing 1 MiB takes 0.4 to 1.9 s, so neither the event loop nor the step loop may do it.
// Owned by Engine's thread, which starts it after the load and joins it before the model goes.
// The public methods may be called from any thread.
class Preparer {
 public:
  // With `embeds` it prepares what is to be embedded and refuses what is to be answered, else the
  // other way round. `chat_template` is one in the place of the model's own, or empty. Throws
  // FaultError for a bad one.
  Preparer(std::shared_ptr<const Model> model, const std::string& chat_template,
           int32_t context_tokens, bool embeds, Ledger& ledger, EventSink& sink,
           Mailbox<EngineMessage>& engine);
  ~Preparer();

  bool has_chat_template() const { return template_.exists(); }
  // What thoughts of the model end with, where they are known and can be made to end. Takes some
  // milliseconds.
  std::vector<std::string> thinking_ends() const;
  // Of the thread that tokenizes.
  size_t stack_bytes() const { return thread_.stack_bytes(); }
  CallFormat call_format() const { return template_.call_format(); }
  void prepare(Choices choices);
  void prepare(std::shared_ptr<EmbeddingRequest> request);
  void tokenize(RequestId id, std::string text, bool add_special, bool parse_special);
  void detokenize(RequestId id, std::vector<int32_t> tokens);
  void pieces(RequestId id, std::vector<int32_t> tokens);
  void apply_template(RequestId id, ChatPrompt chat);

 private:
  struct Tokenize {
    RequestId id;
    std::string text;
    bool add_special, parse_special;
  };
  struct Detokenize {
    RequestId id;
    std::vector<int32_t> tokens;
  };
  struct Pieces {
    RequestId id;
    std::vector<int32_t> tokens;
  };
  struct ApplyTemplate {
    RequestId id;
    ChatPrompt chat;
  };
  struct Stop {};
  using Job = std::variant<Choices, std::shared_ptr<EmbeddingRequest>, Tokenize, Detokenize, Pieces,
                           ApplyTemplate, Stop>;

  void run();
  void handle(const Choices& choices);
  void handle(const std::shared_ptr<EmbeddingRequest>& request);
  void hand_over(const std::shared_ptr<Request>& request, std::vector<int32_t> prompt,
                 const TemplatedChat& chat);
  void give_up(const Ticket& request, const Fault& fault);
  // Calls `answer`, or tells the sink of the job's id what it threw.
  template <typename Answer>
  void answer(RequestId id, const Answer& answer);
  void handle(const Tokenize& job);
  void handle(const Detokenize& job);
  void handle(const Pieces& job);
  void handle(const ApplyTemplate& job);
  void handle(const Stop&) {}
  // These throw FaultError.
  std::unique_ptr<Sequence> make_sequence(const std::shared_ptr<Request>& request,
                                          std::vector<int32_t> prompt, const TemplatedChat& chat);
  ReplyForm reply_form(const Request& request, const TemplatedChat& chat) const;
  void set_thoughts(ReplyForm& form, const ChatPrompt& prompt, const TemplatedChat& chat) const;
  std::unique_ptr<Constraint> constraint(const Request& request, const TemplatedChat& chat);
  // Fills `chat` where the prompt is a conversation.
  std::vector<int32_t> prompt_tokens(const Request& request, TemplatedChat& chat) const;
  std::vector<int32_t> tokens_of(const Request& request, const TemplatedChat& chat) const;
  std::vector<int32_t> tokens_of(const std::string& prompt) const;
  std::vector<int32_t> tokens_of(const std::vector<int32_t>& tokens) const;
  std::vector<int32_t> tokens_of(const Infill& texts) const;
  // What cannot fit, however it is tokenized, need not be.
  void check_fits(size_t text_bytes) const;
  FaultError too_long(const char* how_many, int64_t prompt_tokens) const;

  const std::shared_ptr<const Model> model_;
  const ChatTemplate template_;
  const int32_t context_tokens_;
  const bool embeds_;
  Ledger& ledger_;
  EventSink& sink_;
  Mailbox<EngineMessage>& engine_;
  Mailbox<Job> jobs_;
  GrammarCache grammars_;
  std::atomic<bool> stopping_{false};
  StackThread thread_;  // last: it uses all of the above
};

}  // namespace sluice
