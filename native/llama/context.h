#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <vector>

#include "llama/decode-status.h"
#include "llama/kv-type.h"
#include "llama/lora/adapter-set.h"
#include "llama/lora/adapter.h"
#include "llama/model.h"
#include "llama/mtp-heads.h"
#include "llama/runtime/compute-threads.h"
#include "memory/state-buffer.h"

struct llama_context;
struct llama_batch;

namespace sluice {

// `automatic` is on where the model and its devices support it.
enum class FlashAttention { automatic, on, off };

struct ContextParams {
  int32_t sequences = 1;     // 1 to 256
  int32_t context = 0;       // tokens per sequence
  int32_t shared_cells = 0;  // one KV cache for all sequences; 0 gives each `context` cells
  int32_t rows_max = 1;      // rows of one batch
  int32_t logits_max = 0;    // of them, those that have logits; 0 is one for each sequence
  int32_t threads = 1;       // for computing, at most
  int32_t poll = 0;          // ggml's polling level, 0 to 100
  ThreadPriority priority = ThreadPriority::normal;  // of the compute threads
  KvType kv_type = KvType::f16;
  FlashAttention flash_attention = FlashAttention::automatic;
  // Of one draft by the model's MTP heads, which then read all that is computed; 0: not at all.
  int32_t heads_draft_max = 0;
  // Where Model::can_keep_states(): for each sequence, the states before so many last tokens of a
  // batch. Each is as large as the state itself.
  int32_t states_kept = 0;
  bool embeds = false;  // whole sequences become vectors; then rows_max is all there is room for
};

// Asked between graph nodes while a batch is computed; true aborts the whole batch.
class AbortCheck {
 public:
  virtual ~AbortCheck() = default;
  virtual bool should_abort() const = 0;
};

// A llama_context with its batch and compute threads. Owned by Engine, the draft model's by
// Speculator. Engine thread only.
class Context {
 public:
  // With `beside` it computes on the threads of that context: the two must never compute at once,
  // and params.threads is at most what that one has. Throws FaultError: out_of_memory,
  // engine_failed.
  Context(std::shared_ptr<const Model> model, const ContextParams& params,
          const Context* beside = nullptr);
  ~Context();
  // What a context of an outline (Model::outline) would take, its weights included. Throws as the
  // constructor does.
  static MemoryPlan measure(const Model& model, const ContextParams& params);
  // What this one took.
  MemoryPlan memory() const;

  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // Those that batches may be computed with, loaded before the context was made. Reserves memory
  // for all of them at once. Throws FaultError: model_invalid where they cannot be computed,
  // out_of_memory.
  void take_adapters(std::vector<std::shared_ptr<const Adapter>> adapters,
                     const ContextParams& params);
  // For all rows of the next batches. Each names one that was taken. Heads have none.
  void use_adapters(const AdapterSet& set);
  // Of the adapters' weights, those in the system's memory.
  uint64_t adapter_host_bytes() const;
  bool has_adapters_on() const { return has_adapters_on_; }

  // From the next batch on; at most params.threads.
  void use_threads(int32_t count);
  // Fill a batch, then decode it. At most rows_max rows; a sequence's rows in order of position.
  void clear_rows();
  // Returns the row's index, to be used with logits().
  int32_t add_row(int32_t token, int32_t position, int32_t sequence, bool wants_logits);
  int32_t rows() const;
  // With heads: what the batch did to both, so that a sequence has the same positions in both.
  DecodeStatus decode(const AbortCheck& abort);
  // With heads: what they guess, up to heads_draft_max tokens for each start.
  std::vector<std::vector<int32_t>> draft(const std::vector<DraftStart>& starts,
                                          const AbortCheck& abort);
  // While it lives, anything that computes in this context is aborted when the check says so: for
  // llama.cpp's own helpers. decode() needs none.
  class AbortScope {
   public:
    AbortScope(Context& context, const AbortCheck& abort) : context_(context) {
      context_.abort_ = &abort;
    }
    ~AbortScope() { context_.abort_ = nullptr; }
    AbortScope(const AbortScope&) = delete;
    AbortScope& operator=(const AbortScope&) = delete;

   private:
    Context& context_;
  };

  // vocabulary() values of a row that wanted logits; valid until the next decode.
  float* logits(int32_t row);
  // Of a context that embeds: the vector of a sequence that was in the last decode, until the next
  // one. Null when there is none.
  const float* embedding(int32_t sequence);

  // Whether a sequence can be cut back to any length. Recurrent, hybrid and sliding-window models
  // do not keep earlier states: theirs can only be used whole.
  bool can_trim() const { return can_trim_; }
  // Frees the cells from this position on. False when that cannot be done; then only remove() may
  // follow.
  bool trim(int32_t sequence, int32_t position);
  // How many of the tokens that the last batch computed of a sequence roll_back() can take back. Of
  // a model that cannot be trimmed only where llama.cpp computed that batch in one part: its
  // sequences follow each other and have equally many rows.
  int32_t rollback_max() const { return can_trim_ ? rows_max_ : states_kept_; }
  // Takes back what the last batch computed from this position on; as trim() otherwise.
  bool roll_back(int32_t sequence, int32_t position);
  // Frees every cell of the sequence. Never fails.
  void remove(int32_t sequence);
  // Frees every cell there is.
  void remove_all();
  // How many tokens of the sequence are computed.
  int32_t computed(int32_t sequence) const;
  // What save() would take.
  size_t state_bytes(int32_t sequence);
  // Copies the sequence's state to host memory, reusing the buffer's memory. False when there is no
  // memory; the sequence is as it was.
  bool save(int32_t sequence, StateBuffer& buffer);
  // Replaces the sequence's state. False when there is no room for it; then it has no cells.
  bool restore(int32_t sequence, const StateBuffer& buffer);

  const Model& model() const { return *model_; }
  int32_t rows_max() const { return rows_max_; }
  // Of each sequence: llama.cpp rounds up, and decides by that how it scales them.
  int32_t positions() const;
  llama_context* raw() const { return context_.get(); }

 private:
  struct ContextFree {
    void operator()(llama_context* context) const;
  };
  struct BatchFree {
    void operator()(llama_batch* batch) const;
  };
  static bool on_abort_poll(void* self);
  void apply(const AdapterSet& set);
  void make_heads(const ContextParams& params);
  bool take_back();
  void rethrow_abort_failure();

  // Destroyed from the last to the first: the context before the threads it computes on, and
  // the weights after both.
  std::shared_ptr<const Model> model_;
  std::vector<std::shared_ptr<const Adapter>> adapters_;
  std::shared_ptr<ComputeThreads> threads_;
  std::unique_ptr<llama_context, ContextFree> context_;
  std::unique_ptr<MtpHeads> heads_;  // null where they are not asked for
  std::unique_ptr<llama_batch, BatchFree> batch_;
  int32_t rows_max_;
  bool can_trim_;
  int32_t states_kept_ = 0;
  bool has_adapters_on_ = false;
  const AbortCheck* abort_ = nullptr;
  std::exception_ptr abort_failure_;  // what abort_ threw, in the middle of C code
};

}  // namespace sluice
