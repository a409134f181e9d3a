#include "llama/context.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "../src/llama-ext.h"  // of llama.cpp: memory by device has no other place yet
#include "base/fault.h"
#include "ggml-backend.h"
#include "llama.h"
#include "llama/raw-decode.h"
#include "llama/runtime/assert-scope.h"
#include "llama/runtime/graph-check.h"
#include "llama/runtime/no-memory.h"
#include "llama/runtime/runtime.h"

// Of llama.cpp's src/llama-model.h, which takes in most of the others.
const std::vector<std::pair<std::string, ggml_tensor*>>& llama_internal_get_tensor_map(
    const llama_model* model);

namespace sluice {
namespace {

ggml_type type_of(KvType type) {
  switch (type) {
    case KvType::bf16: return GGML_TYPE_BF16;
    case KvType::q8_0: return GGML_TYPE_Q8_0;
    case KvType::q4_0: return GGML_TYPE_Q4_0;
    default: return GGML_TYPE_F16;
  }
}

llama_flash_attn_type type_of(FlashAttention flash_attention) {
  switch (flash_attention) {
    case FlashAttention::on: return LLAMA_FLASH_ATTN_TYPE_ENABLED;
    case FlashAttention::off: return LLAMA_FLASH_ATTN_TYPE_DISABLED;
    default: return LLAMA_FLASH_ATTN_TYPE_AUTO;
  }
}

llama_context_params context_params(const Model& model, const ContextParams& params) {
  llama_context_params result = llama_context_default_params();
  const bool shares = params.shared_cells > 0;
  result.n_ctx = shares ? uint32_t(params.shared_cells)
                        : uint32_t(params.context) * uint32_t(params.sequences);
  result.n_seq_max = uint32_t(params.sequences);
  result.n_batch = uint32_t(params.rows_max);
  result.n_ubatch = uint32_t(params.rows_max);
  result.n_outputs_max = uint32_t(params.logits_max > 0 ? params.logits_max : params.sequences);
  result.type_k = type_of(params.kv_type);
  result.type_v = result.type_k;
  result.flash_attn_type = type_of(params.flash_attention);
  // Else a device without any weights would be used too.
  result.offload_kqv = !model.is_on_cpu_alone();
  result.op_offload = !model.is_on_cpu_alone();
  // A sliding window's cells are kept for the window only.
  result.swa_full = false;
  if (model.can_keep_states()) result.n_rs_seq = uint32_t(params.states_kept);
  // With cells of its own a sequence's attention does not run over all sequences' cells.
  result.kv_unified = shares;
  result.no_perf = true;
  if (!params.embeds) return result;
  result.embeddings = true;
  // llama.cpp pools each part of a batch by itself. Only with shared cells is a batch always one
  // part, whatever the lengths of its sequences.
  result.kv_unified = true;
  result.n_ctx = uint32_t(params.rows_max);
  result.n_outputs_max = uint32_t(params.rows_max);
  return result;
}

// Of the heads: one row of each sequence has logits, the last of its draft.
llama_context_params heads_params(const Model& model, const ContextParams& params) {
  llama_context_params result = context_params(model, params);
  result.ctx_type = LLAMA_CONTEXT_TYPE_MTP;
  result.n_rs_seq = 0;  // they have cells and no states
  result.n_outputs_max = uint32_t(params.sequences);
  return result;
}

using RawContext = std::unique_ptr<llama_context, decltype(&llama_free)>;

[[noreturn]] void refuse(const std::string& why) {
  throw FaultError(FaultCode::model_invalid, "this model cannot be computed: " + why +
                                                 "; its file is damaged, or was not made for this "
                                                 "version of llama.cpp: download or convert it "
                                                 "again");
}

void check_graph(ggml_cgraph* graph, int32_t context) {
  const std::string why = uncomputable(graph);
  if (!why.empty()) refuse(why);
  const int64_t positions = positions_max(graph);
  if (context <= positions) return;
  throw FaultError(FaultCode::model_invalid,
                   "this model knows " + std::to_string(positions) + " positions, fewer than the " +
                       std::to_string(context) + " tokens of the context; lower context");
}

// Builds the graph that llama.cpp itself reserved last, so that nothing is allocated anew. False
// where there is no memory for it.
bool check_computable(llama_context* context, const llama_context_params& made, int32_t positions) {
  const uint32_t rows = std::min(llama_n_ctx(context), llama_n_ubatch(context));
  ErrorLogScope log;
  const AssertScope asserts;
  try {
    ggml_cgraph* graph =
        llama_graph_reserve(context, rows, made.n_seq_max, std::min(rows, made.n_outputs_max));
    if (!graph) return false;
    check_graph(graph, positions);
    return true;
  } catch (const AssertionError& error) {
    if (is_of_memory(log.text() + error.what())) return false;
    refuse(error.what());
  }
}

void require_computable(llama_context* context, const llama_context_params& made,
                        int32_t positions) {
  if (check_computable(context, made, positions)) return;
  throw FaultError(FaultCode::out_of_memory,
                   "there is no memory to compute with this model; lower context or parallel");
}

// Why llama.cpp made nothing: an assertion may follow what it logged.
std::string said_by(const ErrorLogScope& log, const AssertScope& asserts) {
  const std::string logged = log.text();
  const std::string& failure = asserts.failure();
  return logged.empty() || failure.empty() ? logged + failure : logged + "; " + failure;
}

RawContext make_context(const Model& model, const ContextParams& params) {
  if (!model.can_hold_kv(params.kv_type)) {
    throw FaultError(FaultCode::model_invalid,
                     std::string("this model's heads do not divide into ") +
                         name_of(params.kv_type) + " blocks of 32; use kvType f16");
  }
  const AdaptersStay stay;
  ErrorLogScope log;
  AssertScope asserts;
  RawContext context(llama_init_from_model(model.raw(), context_params(model, params)), llama_free);
  if (context) return context;
  const std::string said = said_by(log, asserts);
  if (!asserts.failure().empty() && !is_of_memory(said)) refuse(asserts.failure());
  const uint64_t cells = params.shared_cells > 0
                             ? uint64_t(params.shared_cells)
                             : uint64_t(params.context) * uint64_t(params.sequences);
  const uint64_t kv_bytes = model.kv_bytes_per_token(params.kv_type) * cells;
  throw FaultError(FaultCode::out_of_memory,
                   "no context for " + std::to_string(params.sequences) + " sequences of " +
                       std::to_string(params.context) + " tokens (about " +
                       std::to_string(kv_bytes >> 20) +
                       " MiB of KV cache); lower parallel or context. llama.cpp says: " + said);
}

RawContext make_heads_context(const Model& model, const ContextParams& params) {
  const AdaptersStay stay;
  ErrorLogScope log;
  AssertScope asserts;
  RawContext context(llama_init_from_model(model.raw(), heads_params(model, params)), llama_free);
  if (context) return context;
  const std::string said = said_by(log, asserts);
  const bool is_file = !asserts.failure().empty() && !is_of_memory(said);
  throw FaultError(is_file ? FaultCode::model_invalid : FaultCode::out_of_memory,
                   "no context for the model's MTP heads; leave mtp out. llama.cpp says: " +
                       (is_file ? asserts.failure() : said));
}

// The entry of a buffer type; null where it belongs to no device of the model.
MemoryUse* use_of(MemoryPlan& plan, const Model& model, ggml_backend_buffer_type_t type) {
  if (ggml_backend_buft_is_host(type)) return &plan.host;
  ggml_backend_dev_t device = ggml_backend_buft_get_device(type);
  const auto& names = model.params().devices;
  for (size_t i = 0; device && i < names.size(); ++i) {
    if (names[i] == ggml_backend_dev_name(device)) return &plan.devices[i];
  }
  // Weights that are kept in the CPU's own order are in no buffer that others could read.
  const bool is_cpu = device && ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_CPU;
  return is_cpu ? &plan.host : nullptr;
}

// Of an adapter: its weights are in memory of their own.
void add_adapter(MemoryPlan& plan, const Model& model, const Adapter& adapter) {
  for (const auto& [type, bytes] : adapter.buffers()) {
    MemoryUse* use = use_of(plan, model, type);
    if (use) *use += {bytes, 0, 0, use == &plan.host ? bytes : 0};
  }
}

MemoryPlan memory_of(const llama_context* context, const Model& model) {
  MemoryPlan plan;
  plan.devices.resize(model.params().devices.size());
  for (const auto& [type, bytes] : llama_get_memory_breakdown(context)) {
    MemoryUse* use = use_of(plan, model, type);
    // What is in the CPU's own order is not what the file has, so it cannot be mapped.
    const bool can_be_mapped = model.can_be_mapped() && ggml_backend_buft_is_host(type);
    const bool is_copied = use == &plan.host && !can_be_mapped;
    if (use) *use += {bytes.model, bytes.context, bytes.compute, is_copied ? bytes.model : 0};
  }
  return plan;
}

// Of a mapped file llama.cpp counts all that lies between the first and the last weight that is
// used where it is. Those between that are elsewhere, as in AMX's order, would be counted twice.
void count_weights_once(MemoryPlan& plan, const Model& model) {
  if (!model.can_be_mapped()) return;
  uint64_t in_place = 0;
  for (const auto& [name, tensor] : llama_internal_get_tensor_map(model.raw())) {
    ggml_backend_buffer_type_t type = ggml_backend_buffer_get_type(tensor->buffer);
    if (use_of(plan, model, type) != &plan.host || !ggml_backend_buft_is_host(type)) continue;
    in_place += GGML_PAD(ggml_backend_buft_get_alloc_size(type, tensor),
                         ggml_backend_buft_get_alignment(type));
  }
  plan.host.weights = plan.host.copied + in_place;
}

MtpHeads::Shape shape_of(const Model& model, const ContextParams& params) {
  BatchParts parts;
  parts.of_neighbours = params.shared_cells == 0;
  parts.are_split = params.sequences > 1 && (parts.of_neighbours || model.has_states());
  if (model.can_keep_states() && params.states_kept > 0) parts.rows_kept = params.states_kept + 1;
  return {params.sequences, params.rows_max, params.heads_draft_max + 1, parts};
}

// The weights are counted once. Hidden rows are told by no count of llama.cpp's: the model's and
// the heads' of a batch, and what is kept of each sequence for as long a draft.
MemoryPlan with_heads(MemoryPlan plan, const llama_context* heads, const Model& model,
                      const MtpHeads::Shape& shape) {
  MemoryPlan more = memory_of(heads, model);
  const auto without_weights = [](MemoryUse& use) { use.weights = use.copied = 0; };
  std::for_each(more.devices.begin(), more.devices.end(), without_weights);
  without_weights(more.host);
  const uint64_t rows =
      2 * uint64_t(shape.rows_max) + uint64_t(shape.sequences) * uint64_t(shape.rows_kept);
  more.host.compute += rows * uint64_t(llama_model_n_embd_out(model.raw())) * sizeof(float);
  plan += more;
  return plan;
}

bool can_trim(const llama_model* model) {
  return !llama_model_is_recurrent(model) && !llama_model_is_hybrid(model) &&
         llama_model_n_swa(model) == 0;
}

}  // namespace

void Context::ContextFree::operator()(llama_context* context) const { llama_free(context); }

void Context::BatchFree::operator()(llama_batch* batch) const {
  llama_batch_free(*batch);
  delete batch;
}

Context::Context(std::shared_ptr<const Model> model, const ContextParams& params,
                 const Context* beside)
    : model_(std::move(model)),
      rows_max_(params.rows_max),
      can_trim_(sluice::can_trim(model_->raw())) {
  context_.reset(make_context(*model_, params).release());
  if (!can_trim_) states_kept_ = int32_t(llama_n_rs_seq(context_.get()));
  if (params.heads_draft_max > 0) make_heads(params);
  require_computable(context_.get(), context_params(*model_, params), params.context);
  // Encoders have none, whatever their metadata says of them.
  if (!params.embeds && !llama_get_memory(context_.get())) {
    throw FaultError(FaultCode::model_invalid,
                     "this model keeps nothing of what it read, so it cannot generate text");
  }
  threads_ = beside
                 ? beside->threads_
                 : std::make_shared<ComputeThreads>(params.threads, params.poll, params.priority);
  use_threads(params.threads);
  llama_set_abort_callback(context_.get(), on_abort_poll, this);
  if (heads_) llama_set_abort_callback(heads_->raw(), on_abort_poll, this);
  batch_.reset(new llama_batch(llama_batch_init(params.rows_max, 0, 1)));
}

Context::~Context() = default;

void Context::make_heads(const ContextParams& params) {
  heads_ = std::make_unique<MtpHeads>(context_.get(), make_heads_context(*model_, params).release(),
                                      shape_of(*model_, params));
  require_computable(heads_->raw(), heads_params(*model_, params), params.context);
}

MemoryPlan Context::measure(const Model& model, const ContextParams& params) {
  const MemoryPlan plan = memory_of(make_context(model, params).get(), model);
  if (params.heads_draft_max == 0) return plan;
  return with_heads(plan, make_heads_context(model, params).get(), model, shape_of(model, params));
}

MemoryPlan Context::memory() const {
  MemoryPlan plan = memory_of(context_.get(), *model_);
  count_weights_once(plan, *model_);
  for (const auto& adapter : adapters_) add_adapter(plan, *model_, *adapter);
  return heads_ ? with_heads(plan, heads_->raw(), *model_, heads_->shape()) : plan;
}

uint64_t Context::adapter_host_bytes() const {
  MemoryPlan plan;
  plan.devices.resize(model_->params().devices.size());
  for (const auto& adapter : adapters_) add_adapter(plan, *model_, *adapter);
  return plan.host.copied;
}

bool Context::on_abort_poll(void* self) {
  auto* context = static_cast<Context*>(self);
  try {
    return context->abort_ && context->abort_->should_abort();
  } catch (...) {  // not through ggml, whose other threads would wait for this one for ever
    context->abort_failure_ = std::current_exception();
    return true;
  }
}

void Context::use_threads(int32_t count) {
  threads_->attach(context_.get(), count);
  if (heads_) threads_->attach(heads_->raw(), count);
}

void Context::take_adapters(std::vector<std::shared_ptr<const Adapter>> adapters,
                            const ContextParams& params) {
  adapters_ = std::move(adapters);
  if (adapters_.empty()) return;
  AdapterSet all;
  for (size_t i = 0; i < adapters_.size(); ++i) all.push_back({int32_t(i), 1});
  apply(all);
  if (!check_computable(context_.get(), context_params(*model_, params), params.context)) {
    throw FaultError(FaultCode::out_of_memory,
                     "there is no memory to compute with " + std::to_string(adapters_.size()) +
                         " LoRA adapters; give fewer, or lower context or parallel");
  }
  apply({});
}

void Context::use_adapters(const AdapterSet& set) {
  if (adapters_.empty()) return;
  apply(set);
  has_adapters_on_ = !set.empty();
}

// llama.cpp does nothing where they are the same as before.
void Context::apply(const AdapterSet& set) {
  std::vector<llama_adapter_lora*> adapters;
  std::vector<float> scales;
  for (const auto& [adapter, scale] : set) {
    adapters.push_back(adapters_[size_t(adapter)]->raw());
    scales.push_back(scale);
  }
  llama_set_adapters_lora(context_.get(), adapters.data(), adapters.size(), scales.data());
}

void Context::clear_rows() { batch_->n_tokens = 0; }

int32_t Context::add_row(int32_t token, int32_t position, int32_t sequence, bool wants_logits) {
  const int32_t row = batch_->n_tokens++;
  batch_->token[row] = token;
  batch_->pos[row] = position;
  batch_->n_seq_id[row] = 1;
  batch_->seq_id[row][0] = sequence;
  batch_->logits[row] = wants_logits;
  return row;
}

int32_t Context::rows() const { return batch_->n_tokens; }

DecodeStatus Context::decode(const AbortCheck& abort) {
  const AbortScope scope(*this, abort);
  DecodeStatus status = raw_decode(context_.get(), *batch_);
  if (status == DecodeStatus::ok && heads_) {
    status = heads_->read(*batch_);
    if (status == DecodeStatus::no_room && !take_back()) status = DecodeStatus::fatal;
  }
  rethrow_abort_failure();
  return status;
}

// The batch, which the model has computed and its heads have not. False where it cannot be.
bool Context::take_back() {
  bool is_back = true;
  for (int32_t row = 0; row < rows(); ++row) {
    const int32_t sequence = batch_->seq_id[row][0];
    const bool begins = row == 0 || batch_->seq_id[row - 1][0] != sequence;
    if (begins) is_back &= trim(sequence, batch_->pos[row]);
  }
  return is_back;
}

std::vector<std::vector<int32_t>> Context::draft(const std::vector<DraftStart>& starts,
                                                 const AbortCheck& abort) {
  const AbortScope scope(*this, abort);
  auto drafts = heads_->draft(starts);
  rethrow_abort_failure();
  return drafts;
}

void Context::rethrow_abort_failure() {
  if (abort_failure_) std::rethrow_exception(std::exchange(abort_failure_, nullptr));
}

float* Context::logits(int32_t row) { return llama_get_logits_ith(context_.get(), row); }

const float* Context::embedding(int32_t sequence) {
  return llama_get_embeddings_seq(context_.get(), sequence);
}

bool Context::trim(int32_t sequence, int32_t position) {
  if (heads_) heads_->trim(sequence, position);
  llama_memory_t memory = llama_get_memory(context_.get());
  if (llama_memory_seq_pos_max(memory, sequence) < position) return true;
  return can_trim_ && llama_memory_seq_rm(memory, sequence, position, -1);
}

bool Context::roll_back(int32_t sequence, int32_t position) {
  if (can_trim_ || states_kept_ == 0) return trim(sequence, position);
  if (heads_) heads_->trim(sequence, position);
  llama_memory_t memory = llama_get_memory(context_.get());
  if (llama_memory_seq_pos_max(memory, sequence) < position) return true;
  return llama_memory_seq_rm(memory, sequence, position, -1);
}

void Context::remove(int32_t sequence) {
  if (heads_) heads_->remove(sequence);
  llama_memory_seq_rm(llama_get_memory(context_.get()), sequence, -1, -1);
}

void Context::remove_all() {
  if (heads_) heads_->remove_all();
  if (llama_memory_t memory = llama_get_memory(context_.get())) llama_memory_clear(memory, false);
}

int32_t Context::computed(int32_t sequence) const {
  const int32_t own = 1 + llama_memory_seq_pos_max(llama_get_memory(context_.get()), sequence);
  return heads_ ? std::min(own, heads_->computed(sequence)) : own;
}

// With heads: the model's state, theirs, and how long the first one is.
size_t Context::state_bytes(int32_t sequence) {
  const size_t own = llama_state_seq_get_size_ext(context_.get(), sequence, 0);
  return heads_ ? own + heads_->state_bytes(sequence) + sizeof(uint64_t) : own;
}

int32_t Context::positions() const { return int32_t(llama_n_ctx_seq(context_.get())); }

bool Context::save(int32_t sequence, StateBuffer& buffer) {
  const uint64_t own = llama_state_seq_get_size_ext(context_.get(), sequence, 0);
  const size_t bytes = state_bytes(sequence);
  if (own == 0 || !buffer.resize(bytes)) return false;
  uint8_t* const state = buffer.data();
  if (own != llama_state_seq_get_data_ext(context_.get(), state, own, sequence, 0)) return false;
  if (!heads_) return true;
  const size_t rest = bytes - own - sizeof(own);
  std::memcpy(state + own + rest, &own, sizeof(own));
  return heads_->save(sequence, state + own, rest);
}

bool Context::restore(int32_t sequence, const StateBuffer& buffer) {
  remove(sequence);
  const uint8_t* const state = buffer.data();
  uint64_t own = buffer.size();
  if (own == 0) return false;
  if (heads_) {
    if (own < sizeof(own)) return false;
    std::memcpy(&own, state + buffer.size() - sizeof(own), sizeof(own));
    if (own > buffer.size() - sizeof(own)) return false;
  }
  const size_t read = llama_state_seq_set_data_ext(context_.get(), state, own, sequence, 0);
  bool is_there = read == own;
  if (is_there && heads_) {
    is_there = heads_->restore(sequence, state + own, buffer.size() - own - sizeof(own));
  }
  if (!is_there) remove(sequence);
  return is_there;
}

}  // namespace sluice
