#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/embedder.h"
#include "engine/embedding-request.h"
#include "engine/event-sink.h"
#include "engine/ledger.h"
#include "engine/mailbox.h"
#include "engine/messages.h"
#include "engine/preparer.h"
#include "engine/request.h"
#include "engine/speculation.h"
#include "engine/stack-thread.h"
#include "engine/step-loop.h"
#include "llama/context.h"
#include "llama/embedding-kind.h"
#include "llama/model.h"

namespace sluice {

struct EngineOptions {
  std::string model_path;
  int32_t parallel = 4;
  int32_t context = 0;        // tokens per sequence; 0 chooses
  uint64_t free_bytes = 0;    // memory that is free now; a quarter of it bounds what is chosen
  int32_t kv_cells = 0;       // shared by all sequences; 0 gives each `context` of its own
  uint64_t cache_bytes = 0;   // host memory for states of finished and set-aside sequences
  bool quantized_kv = false;  // q8_0 instead of f16
  int32_t threads = 0;        // compute threads; 0 chooses
  int32_t cores_max = 1;      // that the process may use
  int32_t poll = 0;           // how long compute threads spin before they sleep, 0 to 100
  ThreadPriority priority = ThreadPriority::normal;
  int32_t gpu_layers = -1;       // -1 is all
  std::string chat_template;     // in the place of the model's own; empty is none
  std::string draft_path;        // of a draft model; empty is none
  bool lookup = false;           // drafts by looking up; not beside a draft model
  int32_t draft_max = 0;         // tokens drafted for one step; 0 chooses, by measure
  int32_t window = 64;           // tokens
  int32_t queue_depth_max = 64;  // requests
  EmbeddingUse embeddings = EmbeddingUse::automatic;
  std::chrono::milliseconds queue_deadline{60000};
};

// A model at work on a thread of its own: loads it, runs the step loop, frees it. The methods
// are for the owner's thread (JavaScript's) and never wait, but for join().
// Owned by EngineWrap. `sink` must outlive join().
class Engine {
 public:
  // Starts loading at once; the sink hears loaded() or load_failed(), and closed() last.
  Engine(EngineOptions options, EventSink& sink);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // All of them or none. False when more than parallel + queue_depth_max requests would be in
  // flight: refused before any work.
  bool submit(Choices choices);
  bool submit(std::shared_ptr<EmbeddingRequest> request);
  void credit(RequestId id, int32_t tokens);
  void cancel(RequestId id);
  // Only after loaded(), and until close().
  void tokenize(RequestId id, std::string text, bool add_special, bool parse_special);
  void detokenize(RequestId id, std::vector<int32_t> tokens);
  void pieces(RequestId id, std::vector<int32_t> tokens);
  void apply_template(RequestId id, ChatPrompt chat);
  Stats stats() const { return ledger_.stats(); }

  // Asks the thread to end. A decode under way is aborted. Twice is safe.
  void close();
  // close(), and wait for the thread.
  void join();

 private:
  void run();
  // The draft model's pointer is null when there is none.
  struct Models {
    std::shared_ptr<const Model> target, draft;
  };
  Models load();
  bool admit(const std::vector<std::shared_ptr<Ticket>>& tickets);
  void work_until_closed(const Models& models);
  void step_until_closed(const Models& models);
  void embed_until_closed(const std::shared_ptr<const Model>& model, const EmbeddingKind& kind);
  // Tells of the chat template what the Preparer knows of it.
  void open_preparer(const std::shared_ptr<const Model>& model, LoadedModel& loaded);
  std::unique_ptr<Speculation> speculation(const Models& models, const Context& context,
                                           const ContextParams& params) const;
  // Nothing comes to it from then on.
  std::unique_ptr<Preparer> take_preparer();
  void answer_the_rest(const Fault& fault);
  StepLoopOptions loop_options(int32_t context_tokens) const;
  EmbedderOptions embedder_options(const EmbeddingKind& kind) const;
  ContextParams embedding_params(const Model& model, const EmbeddingKind& kind) const;
  int32_t embedding_sequences(const EmbeddingKind& kind) const;
  int32_t draft_max() const;
  bool speculates() const { return options_.lookup || !options_.draft_path.empty(); }
  ContextParams context_params(const Models& models) const;
  bool quantizes_kv_of(const Model& draft) const;
  ContextParams draft_context_params(const Model& draft, const ContextParams& target) const;
  int32_t context_tokens(const Models& models) const;
  int32_t compute_threads() const;

  const EngineOptions options_;
  EventSink& sink_;
  Ledger ledger_;
  Mailbox<EngineMessage> mailbox_;
  std::atomic<bool> closing_{false};

  std::mutex preparer_mutex_;  // the thread makes and ends it, the owner's calls use it
  std::unique_ptr<Preparer> preparer_;
  bool joined_ = false;
  StackThread thread_;  // last: it uses all of the above
};

}  // namespace sluice
