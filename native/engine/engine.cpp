#include "engine/engine.h"

#include <algorithm>
#include <exception>

#include "base/fault.h"
#include "disk/file-digest.h"
#include "disk/sha256.h"
#include "engine/embed/embedding-context.h"
#include "engine/state-origin.h"
#include "gguf/gguf-preflight.h"
#include "llama/model-store.h"

namespace sluice {
namespace {

// What an engine that ends may still write to disk, in all; of it, for copying.
constexpr auto kStoreCloseMax = std::chrono::seconds(5), kCopyStatesMax = std::chrono::seconds(2);
// States that wait to be written, and those that were read and wait for a slot.
constexpr uint64_t kStoreWaitingBytes = uint64_t(128) << 20;

DraftLengths lengths_of(const Context& context, int32_t kv_cells) {
  if (!context.can_trim()) return DraftLengths::same_for_all;  // see Context::rollback_max
  return kv_cells > 0 ? DraftLengths::any : DraftLengths::equal;
}

}  // namespace

Engine::Engine(EngineOptions options, EventSink& sink)
    : options_(std::move(options)), sink_(sink), thread_(kDeepStackBytes, [this] { run(); }) {}

Engine::~Engine() { join(); }

void Engine::submit(RequestGroup group) {
  admit({group.choices.begin(), group.choices.end()});
  std::lock_guard<std::mutex> lock(preparer_mutex_);
  // Without a Preparer the thread is ending, and answers all requests in the ledger.
  if (!preparer_) return;
  for (const auto& choice : group.choices) {
    choice->cache_salt = salt_of(choice->tenant_salt, choice->adapters, adapter_keys_);
  }
  preparer_->prepare(std::move(group));
}

void Engine::submit(std::shared_ptr<EmbeddingRequest> request) {
  admit({request});
  std::lock_guard<std::mutex> lock(preparer_mutex_);
  if (preparer_) preparer_->prepare(std::move(request));
}

void Engine::admit(const std::vector<std::shared_ptr<Ticket>>& tickets) {
  for (const auto& ticket : tickets) ticket->submitted = Clock::now();
  ledger_.admit(tickets);
}

void Engine::withdraw(RequestId id) { ledger_.retire(id); }

void Engine::credit(RequestId id, int32_t tokens) { mailbox_.push(Credit{id, tokens}); }

void Engine::cancel(RequestId id) {
  const bool is_request = ledger_.cancel(id);
  if (is_request) mailbox_.push(Cancel{});
  // The Preparer may still have it; or it is a text job.
  std::lock_guard<std::mutex> lock(preparer_mutex_);
  if (preparer_) is_request ? preparer_->look() : preparer_->cancel_text(id);
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

void Engine::tokenize_chat(RequestId id, ChatPrompt chat, bool must_fit) {
  std::lock_guard<std::mutex> lock(preparer_mutex_);
  if (preparer_) preparer_->tokenize_chat(id, std::move(chat), must_fit);
}

void Engine::close() noexcept {
  const std::lock_guard<std::mutex> lock(end_mutex_);
  closing_ = true;
  mailbox_.wake();
}

void Engine::end_by_itself(const Fault& cause) noexcept {
  const std::lock_guard<std::mutex> lock(end_mutex_);
  if (closing_) return;
  try {
    cause_ = cause;
  } catch (const std::bad_alloc&) {  // without words
    cause_ = Fault{cause.code, std::string(), 0, 0};
  }
  sink_.ended(*cause_);  // before any request fails because of it
  closing_ = true;
  mailbox_.wake();
}

void Engine::join() {
  close();
  const std::lock_guard<std::mutex> lock(join_mutex_);
  if (!joined_) thread_.join();
  joined_ = true;
}

void Engine::run() noexcept {
  std::optional<Opened> opened;
  try {
    open_and_run(opened);
  } catch (...) {  // an exception that leaves a thread ends the process
    end_by_itself(current_fault(FaultCode::engine_failed));
  }
  std::unique_ptr<Preparer> preparer = take_preparer();
  // Twice: first before the Preparer's threads are joined, which may take as long as a text that is
  // being tokenized; then for the requests that were submitted meanwhile.
  answer_the_rest();
  preparer.reset();  // joins it; the owner's thread need not wait for that
  mailbox_.drain();  // sequences that it had just prepared
  ledger_.close();
  answer_the_rest();
  if (opened && opened->store) close_store(*opened);
  opened.reset();  // before closed(), on which the owner joins this thread, and should not wait
  memory_.promise({});
  sink_.closed();
  sink_.flush();
}

void Engine::open_and_run(std::optional<Opened>& opened) {
  try {
    if (options_.estimates_only) {
      sink_.estimated(estimate_load(options_now({}), [this] { return closing_.load(); }));
      return;
    }
    opened = open();
  } catch (...) {  // the load's fault, and not the engine's
    sink_.load_failed(current_fault(FaultCode::model_invalid));
    return;
  }
  if (closing_) return;
  run_until_closed(*opened);
}

Engine::Opened Engine::open() {
  LoadPlan plan = plan_load(options_now({}), [this] { return closing_.load(); });
  if (plan.target.devices.empty()) return open_on(std::move(plan));
  Warning failed;
  try {
    return open_on(plan);
  } catch (const std::exception& error) {
    const Fault fault = fault_of(error, FaultCode::engine_failed);
    const bool is_of_device =
        fault.code == FaultCode::out_of_memory || fault.code == FaultCode::engine_failed;
    const bool is_named = options_.placement.gpu != GpuUse::automatic || !options_.workers.empty();
    if (is_named || !is_of_device || closing_) throw;
    failed = {"WARN_GPU_FAILED",
              "the CPU computes alone, because the GPU could not: " + fault.message};
  }
  LoadPlan on_cpu;
  on_cpu.target.has_heads = plan.target.has_heads;
  // Warnings about the placement on the GPU are dropped: they are true no longer.
  for (Warning& warning : plan.warnings) {
    if (warning.code == failed.code) on_cpu.warnings.push_back(std::move(warning));
  }
  on_cpu.warnings.push_back(std::move(failed));
  return open_on(std::move(on_cpu));
}

Engine::Opened Engine::open_on(LoadPlan plan) {
  Opened opened;
  check_before_loading(plan);
  for (const std::string& file : model_files(options_.model_path)) {
    opened.files.push_back(stamp_of(file));
  }
  opened.models = load(plan);
  const Models& models = opened.models;
  opened.embedding = kind_of(*models.target, options_);
  if (models.draft) {
    embedding_kind(*models.draft, EmbeddingUse::never, options_.draft_path);  // must generate
  }
  opened.plan = std::move(plan);
  make_contexts(opened);
  return opened;
}

MemoryBudget::Turn Engine::take_turn() const {
  MemoryBudget::Turn turn = memory_.turn([this] { return closing_.load(); });
  if (turn) return turn;
  throw FaultError(FaultCode::cancelled, "loading " + options_.model_path + " was abandoned");
}

void Engine::check_before_loading(const LoadPlan& plan) {
  // On devices less of the files is in the system's memory, or nothing: the plan has measured it.
  if (!plan.devices.empty()) return;
  const auto turn = take_turn();
  check_memory(options_now(plan), plan, nullptr, [this] { return closing_.load(); });
  memory_.promise({{weights_of(plan).mapped, {}}, 0});
}

void Engine::make_contexts(Opened& opened) {
  const auto turn = take_turn();
  const EngineOptions options = options_now(opened.plan);
  try {
    check_memory(options, opened.plan, &opened.models, [this] { return closing_.load(); });
    make_contexts_on(opened, options);
  } catch (...) {  // the engine whose turn is next finds nothing of this one
    opened.draft.reset();
    opened.context.reset();
    memory_.promise({});
    throw;
  }
  memory_.promise(with_cache(memory_need(opened), opened, options.free.bytes));
}

// Settles the prefix cache's bound, which comes last: out of what the rest leaves.
MemoryNeed Engine::with_cache(MemoryNeed need, Opened& opened, uint64_t free_bytes) const {
  if (opened.embedding) return need;  // an embedder keeps no states
  uint64_t taken = need.other;
  for (const auto& [key, bytes] : need.weights.copied) taken += bytes;
  const uint64_t left = free_bytes - std::min(free_bytes, taken);
  uint64_t& bound = opened.loaded.cache_bytes;
  bound = options_.cache_bytes.value_or(affordable_cache(free_bytes, left));
  need.other += expected_cache(bound, left);
  if (!options_.cache_dir.empty()) need.other += 2 * kStoreWaitingBytes;
  return need;
}

void Engine::make_contexts_on(Opened& opened, const EngineOptions& options) {
  const Models& models = opened.models;
  const Sizing sizing(options, opened.plan.context);
  try {
    opened.params = opened.embedding ? sizing.embedding(*models.target, *opened.embedding)
                                     : sizing.target(models);
    auto adapters = load_adapters(models.target, opened.adapter_keys);
    opened.context = std::make_unique<Context>(models.target, opened.params);
    opened.context->take_adapters(std::move(adapters), opened.params);
    check_speculation(opened);
    if (models.draft) {
      opened.draft = std::make_unique<Context>(
          models.draft, sizing.draft(*models.draft, opened.params), opened.context.get());
    }
  } catch (const std::exception& error) {
    throw FaultError(fault_of(error, FaultCode::engine_failed));
  }
  opened.loaded = describe(opened);
}

EngineOptions Engine::options_now(const LoadPlan& plan) const {
  EngineOptions options = options_;
  options.free = memory_.free(weights_of(plan));
  return options;
}

SharedWeights Engine::weights_of(const LoadPlan& plan) const {
  SharedWeights weights;
  const auto add = [&](const std::string& path, const ModelParams& params) {
    if (path.empty()) return;
    const uint64_t bytes = model_file_bytes(path);
    weights.mapped[file_key(path)] = bytes;
    weights.copied[model_key(path, params)] = bytes;
  };
  add(options_.model_path, plan.target);
  add(options_.draft_path, plan.draft);
  return weights;
}

MemoryNeed Engine::memory_need(const Opened& opened) const {
  MemoryNeed need;
  const std::vector<Device>& devices = opened.plan.devices;
  const auto add = [&](const std::string& path, const ModelParams& params, const Context& context) {
    const MemoryPlan memory = context.memory();
    uint64_t& mapped = need.weights.mapped[file_key(path)];
    uint64_t& copied = need.weights.copied[model_key(path, params)];
    // An engine's adapters are shared with no other.
    const uint64_t shared = memory.host.copied - context.adapter_host_bytes();
    mapped = std::max(mapped, memory.host.weights - memory.host.copied);
    copied = std::max(copied, shared);
    need.other += host_bytes(devices, all_of(devices), memory) - shared;
  };
  add(options_.model_path, opened.plan.target, *opened.context);
  if (opened.draft) add(options_.draft_path, opened.plan.draft, *opened.draft);
  return need;
}

namespace {

Warning small_stack(size_t bytes) {
  return {"WARN_SMALL_STACK",
          "the system gave a thread " + std::to_string(bytes >> 10) + " KiB of stack instead of " +
              std::to_string(kDeepStackBytes >> 10) + ": a text may hold runs of " +
              std::to_string(Model::run_bytes_max(bytes)) +
              " bytes without a space, and a reply in a format " +
              std::to_string(ChatParser::brackets_max(bytes)) +
              " brackets; for the usual limits let the process have more address space (ulimit "
              "-v, vm.overcommit_memory)"};
}

// Whether a fault of memory names one of the devices: else it is of the system's.
bool names_device(const std::string& words, const std::vector<std::string>& devices) {
  return std::any_of(devices.begin(), devices.end(), [&](const std::string& name) {
    return words.find(name) != std::string::npos;
  });
}

// The plan has read the file to its end but for the weights: what fails now is the device.
std::shared_ptr<const Model> loaded_model(const std::string& path, const ModelParams& params,
                                          const Model::Progress& progress) {
  try {
    return shared_model(path, params, progress);
  } catch (const FaultError& error) {
    const Fault& fault = error.fault;
    const bool is_of_device =
        fault.code == FaultCode::model_invalid ||
        (fault.code == FaultCode::out_of_memory && names_device(fault.message, params.devices));
    if (params.devices.empty() || !is_of_device) throw;
    throw FaultError(FaultCode::out_of_memory,
                     "the weights could not be put on the GPU: " + error.fault.message +
                         "; lower gpuLayers, or free its memory");
  }
}

}  // namespace

Models Engine::load(const LoadPlan& plan) {
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
    models.draft = loaded_model(options_.draft_path, plan.draft, silent);
  }
  models.target = loaded_model(options_.model_path, plan.target, progress);
  return models;
}

std::vector<std::shared_ptr<const Adapter>> Engine::load_adapters(
    const std::shared_ptr<const Model>& model, std::vector<std::string>& keys) const {
  std::vector<std::shared_ptr<const Adapter>> adapters;
  for (const std::string& path : options_.adapter_paths) {
    // States on disk outlive the file that was there: they need more than its time and size.
    const std::string content = options_.cache_dir.empty() ? "" : dated_file(path);
    keys.push_back(hex_of(sha256(file_key(path) + '\n' + content)));
    // The adapter keeps the model.
    adapters.push_back(Adapter::load(std::shared_ptr<llama_model>(model, model->raw()), path));
  }
  return adapters;
}

LoadedModel Engine::describe(const Opened& opened) const {
  LoadedModel loaded = described(opened.plan, *opened.models.target, opened.params);
  MemoryPlan memory = opened.context->memory();
  if (opened.draft) memory += opened.draft->memory();
  loaded.placement = placement_of(opened.plan, *opened.models.target, memory);
  loaded.embedding = opened.embedding;
  return loaded;
}

void Engine::open_preparer(const std::shared_ptr<const Model>& model, LoadedModel& loaded) {
  const bool embeds = loaded.embedding.has_value();
  auto preparer =
      std::make_unique<Preparer>(model,
                                 PreparerOptions{options_.chat_template, options_.tools_fallback,
                                                 loaded.context, embeds, options_.queue_deadline},
                                 wiring_, [this](const Fault& cause) { end_by_itself(cause); });
  if (!embeds) {
    const std::string& warning = preparer->template_warning();
    if (!warning.empty()) loaded.warnings.push_back({"WARN_CHAT_TEMPLATE", warning});
    loaded.has_chat_template = preparer->has_chat_template();
    loaded.reasoning_ends = preparer->reasoning_ends();
    loaded.call_format = preparer->call_format();
  }
  const size_t stack_bytes = std::min(thread_.stack_bytes(), preparer->stack_bytes());
  if (stack_bytes < kDeepStackBytes) loaded.warnings.push_back(small_stack(stack_bytes));
  std::lock_guard<std::mutex> lock(preparer_mutex_);
  preparer_.swap(preparer);
}

// The order of freeing is the order of lifetimes: sequences and the draft model's context,
// context, Preparer, then the models.
void Engine::run_until_closed(Opened& opened) {
  const std::unique_ptr<Context> context = std::move(opened.context);
  std::unique_ptr<Loop> loop;
  try {
    if (!opened.embedding && !options_.cache_dir.empty()) open_store(opened, *context);
    if (opened.embedding) {
      loop = std::make_unique<Embedder>(*context, embedder_options(opened), wiring_);
    } else {
      loop = std::make_unique<StepLoop>(*context, speculation(*context, opened.draft),
                                        loop_options(opened), wiring_);
    }
    adapter_keys_ = opened.adapter_keys;
    open_preparer(opened.models.target, opened.loaded);
    sink_.loaded(opened.loaded);
    sink_.flush();
  } catch (...) {
    sink_.load_failed(current_fault(FaultCode::engine_failed));
    return;
  }
  loop->run();
  if (!opened.store) return;
  answer_the_rest();  // nobody waits for the disk
  opened.store_until = Clock::now() + kStoreCloseMax;
  loop->save_states(Clock::now() + kCopyStatesMax);
}

void Engine::open_store(Opened& opened, const Context& context) {
  const StateStoreOptions options{options_.cache_dir, options_.cache_disk_bytes, kStoreWaitingBytes,
                                  !context.can_trim(), opened.params.context};
  const auto warn = [this](const std::string& message) {
    sink_.warned({"WARN_CACHE_DIR", message});
    sink_.flush();
  };
  opened.store =
      std::make_unique<StateStore>(options, state_origin(opened.files, context, opened.params),
                                   StateStore::Callbacks{[this] { mailbox_.wake(); }, warn});
}

void Engine::close_store(Opened& opened) {
  opened.store->close(opened.store_until);
  Stats last = ledger_.stats();
  last.disk = opened.store->counts();
  ledger_.publish(last);
}

void Engine::check_speculation(const Opened& opened) const {
  if (!Sizing(options_).speculates()) return;
  const char* why = nullptr;
  if (opened.embedding) {
    why = " embeds and generates no text that could be speculated for";
  } else if (opened.context->rollback_max() == 0) {
    why =
        " cannot be speculated for: recurrent, hybrid and sliding-window models, but for those of "
        "Qwen3.5, cannot take back what was not accepted";
  }
  if (!why) return;
  throw FaultError(FaultCode::model_invalid,
                   options_.model_path + why + "; leave draft, lookup and mtp out");
}

std::unique_ptr<Speculation> Engine::speculation(Context& context,
                                                 std::unique_ptr<Context>& draft) const {
  const Sizing sizing(options_);
  if (!sizing.speculates()) return nullptr;
  std::unique_ptr<Speculator> speculator;
  if (draft) {
    const SpeculatorParams params{sizing.draft_max(), options_.model_path, options_.draft_path};
    speculator = std::make_unique<Speculator>(context, std::move(draft), params);
  }
  return std::make_unique<Speculation>(
      std::move(speculator), options_.mtp ? &context : nullptr,
      SpeculationOptions{options_.draft_max, lengths_of(context, options_.kv_cells)});
}

// The thread tuner is for what the CPU computes.
StepLoopOptions Engine::loop_options(const Opened& opened) const {
  const Model& model = *opened.models.target;
  StepLoopOptions options;
  options.slots = {options_.parallel, options_.kv_cells, opened.loaded.cache_bytes,
                   options_.workers.empty()};
  options.context_tokens = opened.params.context;
  options.window = options_.window;
  options.rows_max = std::min(kRowsMax, opened.params.rows_max);
  options.logits_max = opened.params.logits_max;
  options.threads = Sizing(options_).threads();
  options.compute_threads = opened.params.threads;
  options.fixed_threads = options_.threads > 0 || model.is_whole_on_devices();
  options.can_abort = model.can_abort();
  options.queue_deadline = options_.queue_deadline;
  options.store = opened.store.get();
  options.reading_bytes_max = kStoreWaitingBytes;
  return options;
}

EmbedderOptions Engine::embedder_options(const Opened& opened) const {
  EmbedderOptions options;
  options.size = opened.embedding->size;
  options.ranks = opened.embedding->ranks;
  options.limits = {kEmbeddingRows, opened.params.sequences};
  options.threads = opened.params.threads;
  options.fixed_threads = options_.threads > 0 || opened.models.target->is_whole_on_devices();
  options.queue_deadline = options_.queue_deadline;
  return options;
}

std::unique_ptr<Preparer> Engine::take_preparer() {
  std::lock_guard<std::mutex> lock(preparer_mutex_);
  return std::move(preparer_);
}

Fault Engine::end_fault() const {
  const std::lock_guard<std::mutex> lock(end_mutex_);
  if (!cause_) {
    return {FaultCode::closed, "the engine was closed before this request was done", 0, 0};
  }
  return {FaultCode::engine_ended, "the engine ended by itself: " + cause_->message, 0, 0};
}

void Engine::answer_the_rest() noexcept {
  try {
    answer_all(end_fault());
  } catch (...) {
    // There is no memory for an event of each: on `closed`, the owner ends those that are left.
    ledger_.retire_all();
  }
  Stats last = ledger_.stats();
  last.running = last.parked = last.cells_used = last.cells_cached = 0;
  last.cache_bytes = last.cache_entries = 0;
  ledger_.publish(last);
  sink_.flush();
}

void Engine::answer_all(const Fault& fault) {
  for (const std::shared_ptr<Ticket>& request : ledger_.in_flight()) {
    if (!ledger_.retire(request->id)) continue;
    if (request->cancelled) {
      sink_.finished(request->id, FinishReason::cancelled, Tally());
    } else {
      sink_.failed(request->id, fault);
    }
  }
}

}  // namespace sluice
