#include "engine/sizing.h"

#include <algorithm>
#include <limits>
#include <string>

#include "engine/draft-cost.h"
#include "engine/embedding-context.h"
#include "llama/fault.h"

namespace sluice {
namespace {

constexpr int32_t kDefaultContextMax = 8192;
constexpr int32_t kDefaultContextMin = 512;
// On a GPU a shorter context is better than a layer on the CPU, down to this.
constexpr int32_t kGpuContextMin = 2048;
constexpr int32_t kThreadsMax = 512;                                // ggml's own limit
constexpr int64_t kCellsMax = std::numeric_limits<int32_t>::max();  // that llama.cpp can count

}  // namespace

// The KV cache is written at creation, so one that does not fit would get the process killed. What
// is on a device was measured before, and the device refuses what it has no room for.
void Sizing::check_kv_fits(const Model& model, int64_t cells, uint64_t kv_bytes) const {
  const bool is_free = !model.is_on_cpu_alone() || kv_bytes <= options_.free_bytes;
  if (!checks_ || (is_free && cells <= kCellsMax)) return;
  throw FaultError(FaultCode::out_of_memory,
                   std::to_string(cells) + " tokens in all sequences together need about " +
                       std::to_string(kv_bytes >> 20) + " MiB of KV cache, and " +
                       std::to_string(options_.free_bytes >> 20) +
                       " MiB of memory are free; lower parallel, context or kvCells");
}

ContextParams Sizing::target(const Models& models) const {
  ContextParams params;
  params.sequences = options_.parallel;
  params.context = context_tokens(models);
  params.shared_cells = options_.kv_cells;
  params.logits_max = std::max(options_.parallel, speculates() ? 1 + draft_max() : 1);
  params.rows_max = std::max(std::min(kRowsMax, params.context), params.logits_max);
  params.threads = compute_threads(*models.target);
  params.poll = options_.poll;
  params.priority = options_.priority;
  params.kv_type = options_.kv_type;
  params.flash_attention = options_.flash_attention;
  return params;
}

ContextParams Sizing::embedding(const Model& model, const EmbeddingKind& kind) const {
  const bool is_refused = checks_ || options_.context == 0;
  const uint64_t free = is_refused ? options_.free_bytes : std::numeric_limits<uint64_t>::max();
  ContextParams params;
  params.embeds = true;
  params.context = settled_context_ > 0
                       ? std::min(settled_context_, std::max(1, model.trained_context()))
                       : embedding_context(model, options_.context, options_.kv_type, free);
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

int32_t Sizing::draft_max() const {
  return options_.draft_max > 0 ? options_.draft_max : DraftCost::kDraftMax;
}

int32_t Sizing::embedding_sequences(const EmbeddingKind& kind) const {
  return kind.one_by_one ? 1 : std::max(options_.parallel, kEmbeddingSequences);
}

int32_t Sizing::threads() const {
  return options_.threads > 0 ? options_.threads : std::min(options_.cores_max, kThreadsMax);
}

// With all layers on a device the CPU looks up the embeddings of a row and nothing else, and each
// thread that is woken for that only takes time.
int32_t Sizing::compute_threads(const Model& model) const {
  return options_.threads == 0 && model.is_whole_on_devices() ? 1 : threads();
}

KvType Sizing::draft_kv_type(const Model& draft) const {
  return draft.can_hold_kv(options_.kv_type) ? options_.kv_type : KvType::f16;
}

int32_t Sizing::context_tokens(const Models& models) const {
  const Model& model = *models.target;
  const uint64_t cell_bytes = model.kv_bytes_per_token(options_.kv_type);
  if (settled_context_ > 0) {
    const int64_t cells =
        options_.kv_cells > 0 ? options_.kv_cells : int64_t(options_.parallel) * settled_context_;
    check_kv_fits(model, cells, uint64_t(cells) * cell_bytes);
    return settled_context_;
  }
  const uint64_t draft_bytes =
      models.draft ? models.draft->kv_bytes_per_token(draft_kv_type(*models.draft)) : 0;
  const int32_t wanted = std::clamp(model.trained_context(), 1, kDefaultContextMax);
  if (options_.kv_cells > 0) {
    const int32_t context =
        std::min(options_.context > 0 ? options_.context : wanted, options_.kv_cells);
    check_kv_fits(model, options_.kv_cells,
                  uint64_t(options_.kv_cells) * cell_bytes + uint64_t(context) * draft_bytes);
    return context;
  }
  if (options_.context > 0) {
    const int64_t cells = int64_t(options_.parallel) * options_.context;
    check_kv_fits(model, cells,
                  uint64_t(cells) * cell_bytes + uint64_t(options_.context) * draft_bytes);
    return options_.context;
  }
  const uint64_t context_bytes =
      std::max<uint64_t>(1, cell_bytes * uint64_t(options_.parallel) + draft_bytes);
  const uint64_t affordable = options_.free_bytes / 4 / context_bytes;
  if (affordable >= uint64_t(wanted)) return wanted;
  return std::min(wanted, std::max(kDefaultContextMin, int32_t(affordable) / 256 * 256));
}

}  // namespace sluice
