#pragma once

#include <cstdint>
#include <memory>

#include "llama/decode-status.h"
#include "llama/model.h"
#include "llama/state-buffer.h"

struct llama_context;
struct llama_batch;
struct ggml_threadpool;

namespace sluice {

// As ggml has them. On Linux `low` is SCHED_BATCH; above `normal` is SCHED_FIFO, which needs
// rights.
enum class ThreadPriority { low, normal, medium, high, realtime };

struct ContextParams {
  int32_t sequences = 1;       // 1 to 256
  int32_t context = 0;         // tokens per sequence
  int32_t shared_cells = 0;    // one KV cache for all sequences; 0 gives each `context` cells
  int32_t rows_max = 1;        // rows of one decode call
  int32_t threads = 1;         // for calls of several rows
  int32_t single_threads = 1;  // for calls of one row, at most `threads`
  int32_t poll = 0;            // ggml's polling level, 0 to 100
  ThreadPriority priority = ThreadPriority::normal;  // of the compute threads
  bool quantized_kv = false;                         // q8_0 instead of f16
};

// Asked between graph nodes while a decode runs; true abandons the whole call.
class AbortCheck {
 public:
  virtual ~AbortCheck() = default;
  virtual bool should_abort() const = 0;
};

// A llama_context with its batch and compute threads. Owned by Engine. Engine thread only.
class Context {
 public:
  // Throws FaultError: out_of_memory, engine_failed.
  Context(std::shared_ptr<const Model> model, const ContextParams& params);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // Fill one call, then run it. At most rows_max rows; a sequence's rows in order of position.
  void clear_rows();
  // Returns the row's index, to be used with logits().
  int32_t add_row(int32_t token, int32_t position, int32_t sequence, bool wants_logits);
  DecodeStatus decode(const AbortCheck& abort);

  // vocabulary() values of a row that wanted logits; valid until the next decode.
  const float* logits(int32_t row);

  // Whether a sequence can be cut back to any length. Recurrent, hybrid and sliding-window models
  // have forgotten what they were there: their states are of use only as they are.
  bool can_trim() const { return can_trim_; }
  // Frees the cells from this position on. False when that cannot be done; then nothing is sure
  // but that remove() works.
  bool trim(int32_t sequence, int32_t position);
  // Frees every cell of the sequence. Never fails.
  void remove(int32_t sequence);
  // Copies what the sequence computed to host memory, reusing the buffer's memory. False when it
  // cannot be had; the sequence is as it was.
  bool save(int32_t sequence, StateBuffer& buffer);
  // Replaces what the sequence holds. False when there is no room for it; then it holds nothing.
  bool restore(int32_t sequence, const StateBuffer& buffer);

  const Model& model() const { return *model_; }
  llama_context* raw() const { return context_.get(); }

 private:
  struct ContextFree {
    void operator()(llama_context* context) const;
  };
  struct BatchFree {
    void operator()(llama_batch* batch) const;
  };
  struct ThreadpoolFree {
    void operator()(ggml_threadpool* pool) const;
  };

  static bool on_abort_poll(void* self);

  // Destroyed from the last to the first: the context before the threads it computes on, and
  // the weights after both.
  std::shared_ptr<const Model> model_;
  std::unique_ptr<ggml_threadpool, ThreadpoolFree> threadpool_;
  std::unique_ptr<llama_context, ContextFree> context_;
  std::unique_ptr<llama_batch, BatchFree> batch_;
  bool can_trim_;
  const AbortCheck* abort_ = nullptr;
};

}  // namespace sluice
