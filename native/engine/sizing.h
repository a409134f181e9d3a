#pragma once

#include <cstdint>
#include <memory>

#include "engine/engine-options.h"
#include "llama/context.h"
#include "llama/embedding-kind.h"
#include "llama/model.h"
#include "memory/host-memory.h"

namespace sluice {

// The draft model's pointer is null when there is none.
struct Models {
  std::shared_ptr<const Model> target, draft;
};

// The parameters of contexts, from the options, the models and their placement. The context's
// length is the one that a fit chose before, or it is chosen here by the free memory. A value, used
// while an engine opens.
class Sizing {
 public:
  // `checks`: whether to refuse more cells than can be counted, and a context for embeddings that
  // does not fit into free memory.
  explicit Sizing(const EngineOptions& options, int32_t settled_context = 0, bool checks = true)
      : options_(options), settled_context_(settled_context), checks_(checks) {}

  // Throws FaultError(out_of_memory).
  ContextParams target(const Models& models) const;
  // Throws FaultError(out_of_memory).
  ContextParams embedding(const Model& model, const EmbeddingKind& kind) const;
  // One sequence, as long as the target's, on the target's threads.
  ContextParams draft(const Model& draft, const ContextParams& target) const;

  // Tokens per sequence that are wished for on a GPU, and that are enough.
  struct ContextWish {
    int32_t most, least;
  };
  ContextWish context_wish(const Model& model) const;

  // Of all models, by their metadata.
  RoughNeed rough_need(const Models& models, const ContextParams& params) const;

  int32_t draft_max() const;
  int32_t embedding_sequences(const EmbeddingKind& kind) const;
  // For sampling, and for computing where the CPU does.
  int32_t threads() const;
  int32_t compute_threads(const Model& model) const;
  bool speculates() const {
    return options_.lookup || options_.mtp || !options_.draft_path.empty();
  }

 private:
  int32_t context_tokens(const Models& models) const;
  int64_t cells_of(int32_t context) const;
  void check_cells(int64_t cells) const;
  int32_t draft_rows() const;
  int32_t states_kept(const Model& model) const;
  KvType draft_kv_type(const Model& draft) const;

  const EngineOptions& options_;
  const int32_t settled_context_;
  const bool checks_;
};

// Rows of one batch at most. How many a prefill batch has is learned (prefill-cost.h). Beyond this
// many a row costs no less on a CPU, and the batch's buffers are only larger.
constexpr int32_t kRowsMax = 512;

}  // namespace sluice
