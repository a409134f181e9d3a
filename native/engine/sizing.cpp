#include "engine/sizing.h"

#include <algorithm>
#include <limits>
#include <string>

#include "base/fault.h"
#include "engine/embed/embedding-context.h"
#include "engine/policy/draft-cost.h"
#include "engine/policy/prefill-cost.h"

namespace sluice {
namespace {

constexpr int32_t kDefaultContextMax = 8192;
// On a GPU a shorter context is better than a layer on the CPU, down to this.
constexpr int32_t kGpuContextMin = 2048;
constexpr int32_t kThreadsMax = 512;                                // ggml's own limit
constexpr int64_t kCellsMax = std::numeric_limits<int32_t>::max();  // that llama.cpp can count
// With prompt logprobs each row of a prompt has logits: a tile of rows in a batch, and fewer where
// their logits would take more memory than this.
constexpr int64_t kScoredBytesMax = int64_t(40) << 20;

// Of a model whose states are kept, where draftMax is not given: a state may take tens of MiB, and
// a fourth token that one layer guesses is seldom accepted.
constexpr int32_t kStatesKept = 3;

int32_t scored_rows(int32_t vocabulary) {
  const int64_t row_bytes = int64_t(std::max(1, vocabulary)) * int64_t(sizeof(float));
  return int32_t(std::clamp<int64_t>(kScoredBytesMax / row_bytes, 1, kTileRows));
}

}  // namespace

void Sizing::check_cells(int64_t cells) const {
  if (!checks_ || cells <= kCellsMax) return;
  throw FaultError(FaultCode::out_of_memory,
                   std::to_string(cells) + " tokens in all sequences together are more than the " +
                       std::to_string(kCellsMax) +
                       " that can be counted; lower parallel, context or kvCells");
}

ContextParams Sizing::target(const Models& models) const {
  ContextParams params;
  params.sequences = options_.parallel;
  params.context = context_tokens(models);
  params.shared_cells = options_.kv_cells;
  params.logits_max = std::max(options_.parallel, draft_rows());
  const int32_t scored = scored_rows(models.target->vocabulary());
  params.logits_max = std::max(params.logits_max, std::min(scored, params.context));
  const int64_t rows = std::min<int64_t>(kRowsMax, cells_of(params.context));
  params.states_kept = states_kept(*models.target);
  // llama.cpp wants more than the rows whose states it keeps.
  params.rows_max = std::max({int32_t(rows), params.logits_max, params.states_kept + 2});
  params.threads = compute_threads(*models.target);
  params.poll = options_.poll;
  params.priority = options_.priority;
  params.kv_type = options_.kv_type;
  params.flash_attention = options_.flash_attention;
  if (options_.mtp) params.heads_draft_max = draft_max();
  return params;
}

ContextParams Sizing::embedding(const Model& model, const EmbeddingKind& kind) const {
  ContextParams params;
  params.embeds = true;
  params.context =
      settled_context_ > 0
          ? std::min(settled_context_, std::max(1, model.trained_context()))
          : embedding_context(model, options_.context, options_.kv_type, options_.free, checks_);
  params.sequences = embedding_sequences(kind);
  params.rows_max = embedding_rows(params.context);
  params.threads = compute_threads(model);
  params.poll = options_.poll;
  params.priority = options_.priority;
  params.kv_type = options_.kv_type;
  params.flash_attention = options_.flash_attention;
  return params;
}

ContextParams Sizing::draft(const Model& draft, const ContextParams& target) const {
  ContextParams params;
  params.context = target.context;
  params.rows_max = std::min(kRowsMax, params.context);
  params.threads = target.threads;
  params.kv_type = draft_kv_type(draft);
  params.flash_attention = options_.flash_attention;
  return params;
}

Sizing::ContextWish Sizing::context_wish(const Model& model) const {
  int32_t most = std::clamp(model.trained_context(), 1, kDefaultContextMax);
  if (options_.context > 0) most = options_.context;
  if (options_.kv_cells > 0) most = std::min(most, options_.kv_cells);
  const bool is_open = options_.context == 0 && options_.kv_cells == 0;
  return {most, is_open ? std::min(most, kGpuContextMin) : most};
}

// Of a batch that has drafts: of one reply by a draft model, or else of several.
int32_t Sizing::draft_rows() const {
  if (!speculates()) return 0;
  const int32_t rows = 1 + draft_max();
  const bool drafts_for_all = options_.lookup || options_.mtp;
  const int32_t all = drafts_for_all ? std::min(rows * options_.parallel, DraftCost::kRowsMax) : 0;
  return std::max(rows, all);
}

int32_t Sizing::draft_max() const {
  return options_.draft_max > 0 ? options_.draft_max : DraftCost::kDraftMax;
}

// So many tokens are drafted at most.
int32_t Sizing::states_kept(const Model& model) const {
  if (!speculates() || !model.can_keep_states()) return 0;
  return options_.draft_max > 0 ? options_.draft_max : kStatesKept;
}

int32_t Sizing::embedding_sequences(const EmbeddingKind& kind) const {
  return kind.one_by_one ? 1 : std::max(options_.parallel, kEmbeddingSequences);
}

int32_t Sizing::threads() const {
  return options_.threads > 0 ? options_.threads : std::min(options_.cores_max, kThreadsMax);
}

// With all layers on a device the CPU only looks up the embedding of each row: waking more threads
// for that takes longer than it saves.
int32_t Sizing::compute_threads(const Model& model) const {
  return options_.threads == 0 && model.is_whole_on_devices() ? 1 : threads();
}

KvType Sizing::draft_kv_type(const Model& draft) const {
  return draft.can_hold_kv(options_.kv_type) ? options_.kv_type : KvType::f16;
}

int32_t Sizing::context_tokens(const Models& models) const {
  const Model& model = *models.target;
  const int32_t usual = std::clamp(model.trained_context(), 1, kDefaultContextMax);
  int32_t context = settled_context_;
  if (context == 0 && options_.context > 0) context = options_.context;
  if (context == 0 && options_.kv_cells > 0) context = usual;
  if (context == 0) {
    ContextNeed need{usual, options_.parallel, model.kv_bytes_per_token(options_.kv_type), 0};
    if (models.draft) {
      need.draft_bytes = models.draft->kv_bytes_per_token(draft_kv_type(*models.draft));
    }
    context = affordable_context(need, options_.free.bytes);
  }
  if (options_.kv_cells > 0) context = std::min(context, options_.kv_cells);
  check_cells(cells_of(context));
  return context;
}

int64_t Sizing::cells_of(int32_t context) const {
  return options_.kv_cells > 0 ? options_.kv_cells : int64_t(options_.parallel) * context;
}

RoughNeed Sizing::rough_need(const Models& models, const ContextParams& params) const {
  const Model& model = *models.target;
  RoughNeed need;
  need.weights = model.bytes();
  need.kv = model.kv_bytes_per_token(params.kv_type) * uint64_t(cells_of(params.context));
  need.is_known = !params.embeds && !model.has_states();
  if (!models.draft) return need;
  const KvType type = draft_kv_type(*models.draft);
  need.weights += models.draft->bytes();
  need.kv += models.draft->kv_bytes_per_token(type) * uint64_t(params.context);
  return need;
}

}  // namespace sluice
