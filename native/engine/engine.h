#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/mailbox.h"
#include "base/stack-thread.h"
#include "engine/batch/messages.h"
#include "engine/embed/embedder.h"
#include "engine/engine-options.h"
#include "engine/load-plan.h"
#include "engine/prepare/preparer.h"
#include "engine/request/embedding-request.h"
#include "engine/request/event-sink.h"
#include "engine/request/ledger.h"
#include "engine/request/request.h"
#include "engine/sizing.h"
#include "engine/speculation.h"
#include "engine/step-loop.h"
#include "llama/context.h"
#include "llama/model.h"
#include "memory/memory-budget.h"

namespace sluice {

// Runs a model on a thread of its own: loads it, runs the step loop, frees it. The methods are for
// the owner's thread (JavaScript's), and none waits but join(). Where one of the engine's threads
// throws something that is not one request's fault, the engine ends by itself: requests in flight
// fail with the cause, the memory is freed, and no exception leaves the thread. Owned by
// EngineWrap. `sink` must outlive join().
class Engine {
 public:
  // Starts loading at once; the sink hears loaded() or load_failed(), and closed() last. Throws
  // std::system_error where there is no thread for it.
  Engine(EngineOptions options, EventSink& sink);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // However many: the owner says how many may be in flight.
  void submit(RequestGroup group);
  void submit(std::shared_ptr<EmbeddingRequest> request);
  // As if it had never come: it is told of by the caller, who could not submit it whole.
  void withdraw(RequestId id);
  void credit(RequestId id, int32_t tokens);
  // Its end may be another one, if the request had just come to that.
  void cancel(RequestId id);
  // Only after loaded(), and until close().
  void tokenize(RequestId id, std::string text, bool add_special, bool parse_special);
  void detokenize(RequestId id, std::vector<int32_t> tokens);
  void pieces(RequestId id, std::vector<int32_t> tokens);
  void apply_template(RequestId id, ChatPrompt chat);
  void tokenize_chat(RequestId id, ChatPrompt chat, bool must_fit);
  Stats stats() const { return ledger_.stats(); }
  // Of an engine that embeds, and once the engine has ended, there are none.
  std::vector<SlotView> slots() const { return ledger_.slots(); }

  // Asks the thread to end. A decode under way is aborted. Twice is safe. Any thread.
  void close() noexcept;
  // close(), and wait for the thread. Any thread but the engine's own.
  void join();

 private:
  // What was loaded, and the contexts that compute with it. Destroyed from the last to the first.
  struct Opened {
    LoadPlan plan;
    std::vector<FileStamp> files;  // the model's, from before it was loaded
    Models models;
    std::optional<EmbeddingKind> embedding;  // of an engine that embeds
    std::vector<std::string> adapter_keys;
    ContextParams params{};
    LoadedModel loaded;
    std::unique_ptr<Context> context, draft;  // the draft's is null where there is none
    std::unique_ptr<StateStore> store;        // null where states are not kept on disk
    Clock::time_point store_until{};          // at the end: how long it may write
  };
  void run() noexcept;
  void open_and_run(std::optional<Opened>& opened);
  // Any thread of the engine. The first cause counts, and none after close().
  void end_by_itself(const Fault& cause) noexcept;
  // The fault of requests that are in flight when the engine ends.
  Fault end_fault() const;
  // On the GPU where the plan says so; where that fails and may, on the CPU.
  Opened open();
  Opened open_on(LoadPlan plan);
  Models load(const LoadPlan& plan);
  // Waits until no other engine measures what is left. Throws FaultError(cancelled) where this
  // engine is to close.
  MemoryBudget::Turn take_turn() const;
  // Throws FaultError(out_of_memory) before any weights are loaded for nothing.
  void check_before_loading(const LoadPlan& plan);
  // What the loaded models compute with, as large as memory is there for.
  void make_contexts(Opened& opened);
  void make_contexts_on(Opened& opened, const EngineOptions& options);
  // With what this engine may count on now: other engines of the process take memory as well.
  EngineOptions options_now(const LoadPlan& plan) const;
  // Of the plan's model, in the order of the options; and what each is: a key changes when its file
  // does.
  std::vector<std::shared_ptr<const Adapter>> load_adapters(
      const std::shared_ptr<const Model>& model, std::vector<std::string>& keys) const;
  // At most: all of the files.
  SharedWeights weights_of(const LoadPlan& plan) const;
  MemoryNeed memory_need(const Opened& opened) const;
  MemoryNeed with_cache(MemoryNeed need, Opened& opened, uint64_t free_bytes) const;
  void admit(const std::vector<std::shared_ptr<Ticket>>& tickets);
  void run_until_closed(Opened& opened);
  // Fills in what the Preparer knows of the chat template.
  void open_preparer(const std::shared_ptr<const Model>& model, LoadedModel& loaded);
  // Makes the store of states on disk, where one is asked for.
  void open_store(Opened& opened, const Context& context);
  // Waits for what it still writes, and tells how much that was.
  void close_store(Opened& opened);
  LoadedModel describe(const Opened& opened) const;
  void check_speculation(const Opened& opened) const;
  // Takes the draft model's context, where there is one.
  std::unique_ptr<Speculation> speculation(Context& context, std::unique_ptr<Context>& draft) const;
  // Nothing comes to it from then on.
  std::unique_ptr<Preparer> take_preparer();
  void answer_the_rest() noexcept;
  void answer_all(const Fault& fault);
  StepLoopOptions loop_options(const Opened& opened) const;
  EmbedderOptions embedder_options(const Opened& opened) const;

  const EngineOptions options_;
  const MemoryBudget::Share memory_{MemoryBudget::of_process(), options_.free.bytes};
  EventSink& sink_;
  Ledger ledger_;
  Mailbox<EngineMessage> mailbox_;
  std::atomic<bool> closing_{false};
  const Wiring wiring_{ledger_, sink_, mailbox_, closing_};
  mutable std::mutex end_mutex_;
  std::optional<Fault> cause_;  // of an end by itself; under end_mutex_

  std::vector<std::string> adapter_keys_;  // Opened's; there before the Preparer
  std::mutex preparer_mutex_;              // the thread makes and ends it, the owner's calls use it
  std::unique_ptr<Preparer> preparer_;
  std::mutex join_mutex_;  // the owner joins, and the exit of the process
  bool joined_ = false;
  StackThread thread_;  // last: it uses all of the above
};

}  // namespace sluice
