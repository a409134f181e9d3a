#include "engine/engine.h"

#include <algorithm>
#include <exception>
#include <limits>

#include "engine/embedding-context.h"
#include "llama/context.h"
#include "llama/fault.h"
#include "llama/model-store.h"
#include "llama/runtime.h"

namespace sluice {
namespace {

constexpr int32_t kDefaultContextMax = 8192;
constexpr int32_t kDefaultContextMin = 512;
constexpr int32_t kThreadsMax = 512;  // ggml's own limit
// Of one call. It is time that bounds a prefill call (scheduler.h); beyond this a call gets no
// faster per row on a CPU, and its buffers only larger.
constexpr int32_t kRowsMax = 512;

LoadedModel describe(const Model& model, const ContextParams& params) {
  LoadedModel loaded;
  loaded.name = model.name();
  loaded.description = model.description();
  loaded.parameters = model.parameters();
  loaded.bytes = model.bytes();
  loaded.trained_context = model.trained_context();
  loaded.context = params.context;
  loaded.threads = params.threads;
  loaded.vocabulary = model.vocabulary();
  loaded.can_infill = model.can_infill();
  loaded.sampling = model.recommended_sampling();
  return loaded;
}

// The KV cache is written at creation, so one that does not fit would get the process killed.
void check_kv_fits(int64_t cells, uint64_t kv_bytes, uint64_t free_bytes) {
  const bool countable = cells <= std::numeric_limits<int32_t>::max();
  if (countable && (has_gpu() || kv_bytes <= free_bytes)) return;
  throw FaultError(FaultCode::out_of_memory,
                   std::to_string(cells) + " tokens in all sequences together need about " +
                       std::to_string(kv_bytes >> 20) + " MiB of KV cache, and " +
                       std::to_string(free_bytes >> 20) +
                       " MiB of memory are free; lower parallel, context or kvCells");
}

}  // namespace

Engine::Engine(EngineOptions options, EventSink& sink)
    : options_(std::move(options)), sink_(sink), thread_(kDeepStackBytes, [this] { run(); }) {}

Engine::~Engine() { join(); }

bool Engine::submit(Choices choices) {
  if (!admit({choices.begin(), choices.end()})) return false;
  std::lock_guard<std::mutex> lock(preparer_mutex_);
  // Without a Preparer the thread is ending, and answers everything in the ledger.
  if (preparer_) preparer_->prepare(std::move(choices));
  return true;
}

bool Engine::submit(std::shared_ptr<EmbeddingRequest> request) {
  if (!admit({request})) return false;
  std::lock_guard<std::mutex> lock(preparer_mutex_);
  if (preparer_) preparer_->prepare(std::move(request));
  return true;
}

bool Engine::admit(const std::vector<std::shared_ptr<Ticket>>& tickets) {
  const size_t in_flight_max = size_t(options_.parallel) + size_t(options_.queue_depth_max);
  for (const auto& ticket : tickets) ticket->submitted = Clock::now();
  return ledger_.admit(tickets, in_flight_max);
}

void Engine::credit(RequestId id, int32_t tokens) { mailbox_.push(Credit{id, tokens}); }

void Engine::cancel(RequestId id) {
  const std::shared_ptr<Ticket> request = ledger_.find(id);
  if (!request) return;
  request->cancelled = true;
  mailbox_.push(Cancel{});
}

void Engine::tokenize(RequestId id, std::string text, bool add_special, bool parse_special) {
  std::lock_guard<std::mutex> lock(preparer_mutex_);
  if (preparer_) preparer_->tokenize(id, std::move(text), add_special, parse_special);
}

void Engine::detokenize(RequestId id, std::vector<int32_t> tokens) {
  std::lock_guard<std::mutex> lock(preparer_mutex_);
  if (preparer_) preparer_->detokenize(id, std::move(tokens));
}

void Engine::pieces(RequestId id, std::vector<int32_t> tokens) {
  std::lock_guard<std::mutex> lock(preparer_mutex_);
  if (preparer_) preparer_->pieces(id, std::move(tokens));
}

void Engine::apply_template(RequestId id, ChatPrompt chat) {
  std::lock_guard<std::mutex> lock(preparer_mutex_);
  if (preparer_) preparer_->apply_template(id, std::move(chat));
}

void Engine::close() {
  if (closing_.exchange(true)) return;
  mailbox_.push(Close{});
}

void Engine::join() {
  close();
  if (!joined_) thread_.join();
  joined_ = true;
}

void Engine::run() {
  Fault end{FaultCode::closed, "the engine was closed before this request was done", 0, 0};
  Models models;
  try {
    models = load();
  } catch (const std::exception& error) {
    sink_.load_failed(fault_of(error, FaultCode::model_invalid));
  }
  try {
    if (models.target && !closing_) work_until_closed(models);
  } catch (const std::exception& error) {
    end = fault_of(error, FaultCode::engine_failed);
  }
  std::unique_ptr<Preparer> preparer = take_preparer();
  // Twice: nobody waits for the text that is being tokenized, and what was submitted while the
  // first of them was told is told by the second.
  answer_the_rest(end);
  preparer.reset();  // joins it; the owner's thread need not wait for that
  mailbox_.drain();  // sequences that it had just prepared
  answer_the_rest(end);
  models = Models();  // before `closed`: whoever hears that joins this thread, and shall not wait
  sink_.closed();
  sink_.flush();
}

Engine::Models Engine::load() {
  int shown = -1;
  const auto progress = [&](float fraction) {
    const int percent = static_cast<int>(fraction * 100);
    if (percent != shown) {
      sink_.progress(fraction);
      sink_.flush();
    }
    shown = percent;
    return !closing_.load();
  };
  Models models;
  // First, because it is small: its progress is not worth telling.
  const auto silent = [&](float) { return !closing_.load(); };
  if (!options_.draft_path.empty()) {
    models.draft = shared_model(options_.draft_path, options_.gpu_layers, silent);
  }
  models.target = shared_model(options_.model_path, options_.gpu_layers, progress);
  return models;
}

void Engine::work_until_closed(const Models& models) {
  std::optional<EmbeddingKind> embedding;
  try {
    embedding = embedding_kind(*models.target, options_.embeddings, options_.model_path);
    if (models.draft) {
      embedding_kind(*models.draft, EmbeddingUse::never, options_.draft_path);  // must generate
    }
  } catch (const std::exception& error) {
    sink_.load_failed(fault_of(error, FaultCode::model_invalid));
    return;
  }
  if (embedding) {
    embed_until_closed(models.target, *embedding);
  } else {
    step_until_closed(models);
  }
}

void Engine::embed_until_closed(const std::shared_ptr<const Model>& model,
                                const EmbeddingKind& kind) {
  std::unique_ptr<Context> context;
  std::unique_ptr<Embedder> embedder;
  try {
    if (speculates()) {
      throw FaultError(FaultCode::model_invalid, options_.model_path +
                                                     " embeds and generates no text that could be "
                                                     "speculated for; leave draft and lookup out");
    }
    const ContextParams params = embedding_params(*model, kind);
    context = std::make_unique<Context>(model, params);
    embedder = std::make_unique<Embedder>(*context, embedder_options(kind), ledger_, sink_,
                                          mailbox_, closing_);
    LoadedModel loaded = describe(*model, params);
    loaded.embedding = kind;
    open_preparer(model, loaded);
    sink_.loaded(loaded);
    sink_.flush();
  } catch (const std::exception& error) {
    sink_.load_failed(fault_of(error, FaultCode::engine_failed));
    return;
  }
  embedder->run();
}

void Engine::open_preparer(const std::shared_ptr<const Model>& model, LoadedModel& loaded) {
  const bool embeds = loaded.embedding.has_value();
  auto preparer = std::make_unique<Preparer>(model, options_.chat_template, loaded.context, embeds,
                                             ledger_, sink_, mailbox_);
  if (!embeds) {
    loaded.has_chat_template = preparer->has_chat_template();
    loaded.thinking_ends = preparer->thinking_ends();
    loaded.call_format = preparer->call_format();
  }
  std::lock_guard<std::mutex> lock(preparer_mutex_);
  preparer_.swap(preparer);
}

// The order of freeing is the order of lifetimes: sequences and the draft model's context,
// context, Preparer, then the models.
void Engine::step_until_closed(const Models& models) {
  const std::shared_ptr<const Model>& model = models.target;
  std::unique_ptr<Context> context;
  std::unique_ptr<StepLoop> loop;
  try {
    const ContextParams params = context_params(models);
    context = std::make_unique<Context>(model, params);
    loop = std::make_unique<StepLoop>(*context, speculation(models, *context, params),
                                      loop_options(params.context), ledger_, sink_, mailbox_,
                                      closing_);
    LoadedModel loaded = describe(*model, params);
    open_preparer(model, loaded);
    sink_.loaded(loaded);
    sink_.flush();
  } catch (const std::exception& error) {
    sink_.load_failed(fault_of(error, FaultCode::engine_failed));
    return;
  }
  loop->run();
}

std::unique_ptr<Speculation> Engine::speculation(const Models& models, const Context& context,
                                                 const ContextParams& params) const {
  if (!speculates()) return nullptr;
  if (!context.can_trim()) {
    throw FaultError(FaultCode::model_invalid,
                     options_.model_path +
                         " cannot be speculated for: recurrent, hybrid and sliding-window models "
                         "cannot take back what was not accepted; leave draft and lookup out");
  }
  std::unique_ptr<Context> draft;
  if (models.draft) {
    draft = std::make_unique<Context>(models.draft, draft_context_params(*models.draft, params),
                                      &context);
  }
  auto speculator = std::make_unique<Speculator>(
      context, std::move(draft),
      SpeculatorParams{draft_max(), options_.model_path, options_.draft_path});
  return std::make_unique<Speculation>(std::move(speculator), options_.draft_max);
}

StepLoopOptions Engine::loop_options(int32_t context_tokens) const {
  StepLoopOptions options;
  options.places = {options_.parallel, options_.kv_cells, options_.cache_bytes};
  options.context_tokens = context_tokens;
  options.window = options_.window;
  options.rows_max = std::min(kRowsMax, context_tokens);
  options.threads = compute_threads();
  options.fixed_threads = options_.threads > 0 || has_gpu();
  options.queue_deadline = options_.queue_deadline;
  return options;
}

EmbedderOptions Engine::embedder_options(const EmbeddingKind& kind) const {
  EmbedderOptions options;
  options.size = kind.size;
  options.limits = {kEmbeddingRows, embedding_sequences(kind)};
  options.threads = compute_threads();
  options.fixed_threads = options_.threads > 0 || has_gpu();
  options.queue_deadline = options_.queue_deadline;
  return options;
}

std::unique_ptr<Preparer> Engine::take_preparer() {
  std::lock_guard<std::mutex> lock(preparer_mutex_);
  return std::move(preparer_);
}

void Engine::answer_the_rest(const Fault& fault) {
  for (const std::shared_ptr<Ticket>& request : ledger_.in_flight()) {
    if (request->cancelled) {
      if (!ledger_.retire(request->id, Outcome::cancelled)) continue;
      sink_.finished(request->id, FinishReason::cancelled, Tally());
    } else if (ledger_.retire(request->id, Outcome::failed)) {
      sink_.failed(request->id, fault);
    }
  }
  Stats last = ledger_.stats();
  last.running = last.parked = last.cells_used = last.cells_cached = 0;
  last.cache_bytes = last.cache_entries = 0;
  ledger_.publish(last);
  sink_.flush();
}

ContextParams Engine::context_params(const Models& models) const {
  ContextParams params;
  params.sequences = options_.parallel;
  params.context = context_tokens(models);
  params.shared_cells = options_.kv_cells;
  params.logits_max = std::max(options_.parallel, speculates() ? 1 + draft_max() : 1);
  params.rows_max = std::max(std::min(kRowsMax, params.context), params.logits_max);
  params.threads = compute_threads();
  params.poll = options_.poll;
  params.priority = options_.priority;
  params.quantized_kv = options_.quantized_kv;
  return params;
}

int32_t Engine::embedding_sequences(const EmbeddingKind& kind) const {
  return kind.one_by_one ? 1 : std::max(options_.parallel, kEmbeddingSequences);
}

ContextParams Engine::embedding_params(const Model& model, const EmbeddingKind& kind) const {
  ContextParams params;
  params.embeds = true;
  params.context =
      embedding_context(model, options_.context, options_.quantized_kv, options_.free_bytes);
  params.sequences = embedding_sequences(kind);
  params.rows_max = embedding_rows(params.context);
  params.threads = compute_threads();
  params.poll = options_.poll;
  params.priority = options_.priority;
  params.quantized_kv = options_.quantized_kv;
  return params;
}

// One sequence, as long as the target's, on the target's threads.
ContextParams Engine::draft_context_params(const Model& draft, const ContextParams& target) const {
  ContextParams params;
  params.context = target.context;
  params.rows_max = std::min(kRowsMax, params.context);
  params.threads = target.threads;
  params.quantized_kv = quantizes_kv_of(draft);
  return params;
}

int32_t Engine::draft_max() const {
  return options_.draft_max > 0 ? options_.draft_max : DraftCost::kDraftMax;
}

bool Engine::quantizes_kv_of(const Model& draft) const {
  return options_.quantized_kv && draft.can_quantize_kv();
}

int32_t Engine::context_tokens(const Models& models) const {
  const Model& model = *models.target;
  const uint64_t cell_bytes = model.kv_bytes_per_token(options_.quantized_kv);
  const uint64_t draft_bytes =
      models.draft ? models.draft->kv_bytes_per_token(quantizes_kv_of(*models.draft)) : 0;
  const int32_t wanted = std::clamp(model.trained_context(), 1, kDefaultContextMax);
  if (options_.kv_cells > 0) {
    const int32_t context =
        std::min(options_.context > 0 ? options_.context : wanted, options_.kv_cells);
    check_kv_fits(options_.kv_cells,
                  uint64_t(options_.kv_cells) * cell_bytes + uint64_t(context) * draft_bytes,
                  options_.free_bytes);
    return context;
  }
  if (options_.context > 0) {
    const int64_t cells = int64_t(options_.parallel) * options_.context;
    check_kv_fits(cells, uint64_t(cells) * cell_bytes + uint64_t(options_.context) * draft_bytes,
                  options_.free_bytes);
    return options_.context;
  }
  const uint64_t context_bytes =
      std::max<uint64_t>(1, cell_bytes * uint64_t(options_.parallel) + draft_bytes);
  const uint64_t affordable = options_.free_bytes / 4 / context_bytes;
  if (affordable >= uint64_t(wanted)) return wanted;
  return std::min(wanted, std::max(kDefaultContextMin, int32_t(affordable) / 256 * 256));
}

int32_t Engine::compute_threads() const {
  return options_.threads > 0 ? options_.threads : std::min(options_.cores_max, kThreadsMax);
}

}  // namespace sluice
