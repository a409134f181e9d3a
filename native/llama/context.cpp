#include "llama/context.h"

#include <string>

#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "llama.h"
#include "llama/fault.h"
#include "llama/runtime.h"

namespace sluice {
namespace {

// Found through the registry, because the CPU backend may be a library of its own.
template <typename Function>
Function* cpu_function(const char* name) {
  ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  ggml_backend_reg_t registry = ggml_backend_dev_backend_reg(device);
  return reinterpret_cast<Function*>(ggml_backend_reg_get_proc_address(registry, name));
}

llama_context_params context_params(const ContextParams& params) {
  llama_context_params result = llama_context_default_params();
  const bool shares = params.shared_cells > 0;
  result.n_ctx = shares ? uint32_t(params.shared_cells)
                        : uint32_t(params.context) * uint32_t(params.sequences);
  result.n_seq_max = uint32_t(params.sequences);
  result.n_batch = uint32_t(params.rows_max);
  result.n_ubatch = uint32_t(params.rows_max);
  result.n_outputs_max = uint32_t(params.sequences);
  result.n_threads = params.single_threads;
  result.n_threads_batch = params.threads;
  result.type_k = params.quantized_kv ? GGML_TYPE_Q8_0 : GGML_TYPE_F16;
  result.type_v = result.type_k;
  // With cells of its own a sequence's attention does not run over everybody's.
  result.kv_unified = shares;
  result.no_perf = true;
  return result;
}

ggml_sched_priority sched_priority(ThreadPriority priority) {
  switch (priority) {
    case ThreadPriority::low: return GGML_SCHED_PRIO_LOW;
    case ThreadPriority::normal: return GGML_SCHED_PRIO_NORMAL;
    case ThreadPriority::medium: return GGML_SCHED_PRIO_MEDIUM;
    case ThreadPriority::high: return GGML_SCHED_PRIO_HIGH;
    case ThreadPriority::realtime: return GGML_SCHED_PRIO_REALTIME;
  }
  return GGML_SCHED_PRIO_NORMAL;
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

void Context::ThreadpoolFree::operator()(ggml_threadpool* pool) const {
  cpu_function<decltype(ggml_threadpool_free)>("ggml_threadpool_free")(pool);
}

Context::Context(std::shared_ptr<const Model> model, const ContextParams& params)
    : model_(std::move(model)), can_trim_(sluice::can_trim(model_->raw())) {
  if (params.quantized_kv && !model_->can_quantize_kv()) {
    throw FaultError(FaultCode::model_invalid,
                     "this model's heads do not divide into q8_0 blocks of 32; use kvType f16");
  }
  ErrorLogScope log;
  context_.reset(llama_init_from_model(model_->raw(), context_params(params)));
  if (!context_) {
    const uint64_t cells = params.shared_cells > 0
                               ? uint64_t(params.shared_cells)
                               : uint64_t(params.context) * uint64_t(params.sequences);
    const uint64_t kv_bytes = model_->kv_bytes_per_token(params.quantized_kv) * cells;
    throw FaultError(
        FaultCode::out_of_memory,
        "no context for " + std::to_string(params.sequences) + " sequences of " +
            std::to_string(params.context) + " tokens (about " + std::to_string(kv_bytes >> 20) +
            " MiB of KV cache); lower parallel or context. llama.cpp says: " + log.text());
  }
  ggml_threadpool_params pool_params = ggml_threadpool_params_default(params.threads);
  pool_params.poll = uint32_t(params.poll);
  pool_params.prio = sched_priority(params.priority);
  threadpool_.reset(
      cpu_function<decltype(ggml_threadpool_new)>("ggml_threadpool_new")(&pool_params));
  if (!threadpool_) {
    throw FaultError(FaultCode::engine_failed,
                     "could not start " + std::to_string(params.threads) + " compute threads");
  }
  llama_attach_threadpool(context_.get(), threadpool_.get(), nullptr);
  llama_set_abort_callback(context_.get(), on_abort_poll, this);
  batch_.reset(new llama_batch(llama_batch_init(params.rows_max, 0, 1)));
}

Context::~Context() = default;

bool Context::on_abort_poll(void* self) {
  const AbortCheck* abort = static_cast<Context*>(self)->abort_;
  return abort && abort->should_abort();
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

DecodeStatus Context::decode(const AbortCheck& abort) {
  abort_ = &abort;
  int32_t code;
  try {
    code = llama_decode(context_.get(), *batch_);
    llama_synchronize(context_.get());
  } catch (const std::exception&) {
    code = -3;  // llama_decode catches nothing itself
  }
  abort_ = nullptr;
  switch (code) {
    case 0: return DecodeStatus::ok;
    case 1: return DecodeStatus::no_room;
    case 2: return DecodeStatus::aborted;
    case -1: return DecodeStatus::invalid;
    default: return DecodeStatus::fatal;
  }
}

const float* Context::logits(int32_t row) { return llama_get_logits_ith(context_.get(), row); }

bool Context::trim(int32_t sequence, int32_t position) {
  llama_memory_t memory = llama_get_memory(context_.get());
  if (llama_memory_seq_pos_max(memory, sequence) < position) return true;
  return can_trim_ && llama_memory_seq_rm(memory, sequence, position, -1);
}

void Context::remove(int32_t sequence) {
  llama_memory_seq_rm(llama_get_memory(context_.get()), sequence, -1, -1);
}

bool Context::save(int32_t sequence, StateBuffer& buffer) {
  const size_t bytes = llama_state_seq_get_size_ext(context_.get(), sequence, 0);
  buffer.resize(bytes);
  return bytes > 0 &&
         bytes == llama_state_seq_get_data_ext(context_.get(), buffer.data(), bytes, sequence, 0);
}

bool Context::restore(int32_t sequence, const StateBuffer& buffer) {
  remove(sequence);
  const size_t read =
      llama_state_seq_set_data_ext(context_.get(), buffer.data(), buffer.size(), sequence, 0);
  if (read == buffer.size()) return true;
  remove(sequence);
  return false;
}

}  // namespace sluice
