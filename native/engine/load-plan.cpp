#include "engine/load-plan.h"

#include <algorithm>
#include <utility>

#include "base/fault.h"
#include "engine/prepare/reasoning-end.h"
#include "gguf/gguf-preflight.h"
#include "llama/lora/adapter.h"
#include "llama/runtime/devices.h"
#include "llama/runtime/workers.h"
#include "llama/template/chat-template.h"

namespace sluice {
namespace {

constexpr int32_t kAllLayers = 1 << 16;  // as many as there are

// Measuring takes memory for each cell in llama.cpp, though none is allocated: beyond so many
// cells, what a context takes is extrapolated.
constexpr int64_t kCellsMeasuredMax = 1 << 22;
constexpr int64_t kCellsStep = 256;  // of a sequence; llama.cpp rounds up to it

int64_t cells_of(const ContextParams& params) {
  return params.shared_cells > 0 ? params.shared_cells
                                 : int64_t(params.context) * int64_t(params.sequences);
}

// With about so many cells.
ContextParams with_cells(ContextParams params, int64_t cells) {
  if (params.shared_cells > 0) {
    params.shared_cells = int32_t(cells);
  } else {
    params.context = int32_t(cells / params.sequences / kCellsStep * kCellsStep);
  }
  return params;
}

MemoryPlan measured(const Model& model, const ContextParams& params) {
  const int64_t cells = cells_of(params);
  if (params.embeds || cells <= kCellsMeasuredMax) return Context::measure(model, params);
  // Some of it grows with the cells, some (a recurrent state, a window) is there in any case.
  const ContextParams fewer = with_cells(params, kCellsMeasuredMax / 2);
  const ContextParams more = with_cells(params, kCellsMeasuredMax);
  const MemoryPlan least = Context::measure(model, fewer);
  MemoryPlan plan = Context::measure(model, more);
  const double beyond = double(cells - cells_of(more)) / double(cells_of(more) - cells_of(fewer));
  const auto grow = [&](uint64_t& bytes, uint64_t before) {
    if (bytes > before) bytes += uint64_t(double(bytes - before) * beyond);
  };
  const auto extrapolate = [&](MemoryUse& use, const MemoryUse& before) {
    grow(use.kv, before.kv);
    grow(use.compute, before.compute);
  };
  for (size_t i = 0; i < plan.devices.size(); ++i) extrapolate(plan.devices[i], least.devices[i]);
  extrapolate(plan.host, least.host);
  return plan;
}

uint64_t adapter_bytes(const EngineOptions& options) {
  uint64_t bytes = 0;
  for (const std::string& path : options.adapter_paths) bytes += adapter_file_bytes(path);
  return bytes;
}

// An adapter's weights go where those are that they change: on the devices as large a part as of
// the layers, which is all that is known before the load.
void add_adapter(MemoryPlan& plan, const Model& model, uint64_t bytes) {
  const int32_t on_devices = std::min(model.params().gpu_layers, model.layers());
  const size_t devices = plan.devices.size();
  const uint64_t each =
      devices == 0 ? 0 : bytes * uint64_t(on_devices) / uint64_t(model.layers()) / devices;
  for (MemoryUse& device : plan.devices) device += {each, 0, 0, 0};
  const uint64_t rest = bytes - each * devices;
  plan.host += {rest, 0, 0, rest};
}

// The models without their weights, placed as asked; the last ones are kept, since a fit measures
// several contexts of them. Owned by one plan.
class Outlines {
 public:
  Outlines(const EngineOptions& options, const IsAbandoned& is_abandoned)
      : options_(options), is_abandoned_(is_abandoned) {}

  const Models& at(const ModelParams& target, const ModelParams& draft) {
    if (is_abandoned_()) {
      throw FaultError(FaultCode::cancelled, "loading " + options_.model_path + " was abandoned");
    }
    const auto key = std::make_pair(target.devices, target.gpu_layers);
    if (models_.target && key == key_) return models_;
    models_.target = Model::outline(options_.model_path, target);
    if (!options_.draft_path.empty()) models_.draft = Model::outline(options_.draft_path, draft);
    key_ = key;
    return models_;
  }

  struct Measured {
    MemoryPlan memory;
    ContextParams params;
    std::optional<EmbeddingKind> embedding;
  };
  Measured measure(const ModelParams& target, const ModelParams& draft, const Sizing& sizing) {
    const Models& models = at(target, draft);
    Measured found;
    found.embedding = kind_of(*models.target, options_);
    found.params = found.embedding ? sizing.embedding(*models.target, *found.embedding)
                                   : sizing.target(models);
    found.memory = measured(*models.target, found.params);
    for (const std::string& path : options_.adapter_paths) {
      add_adapter(found.memory, *models.target, adapter_file_bytes(path));
    }
    if (!models.draft || found.embedding) return found;
    found.memory += measured(*models.draft, sizing.draft(*models.draft, found.params));
    return found;
  }

 private:
  const EngineOptions& options_;
  const IsAbandoned& is_abandoned_;
  Models models_;
  std::pair<std::vector<std::string>, int32_t> key_;
};

// The CPU alone, with what the options say of the models.
LoadPlan plan_of(const EngineOptions& options) {
  LoadPlan plan;
  plan.target.has_heads = options.mtp;
  return plan;
}

// The plan's parameters for a set of devices; none is the CPU.
void place(LoadPlan& plan, const std::vector<Device>& devices, const DeviceSet& set, int32_t layers,
           const std::vector<float>& shares) {
  const bool has_heads = plan.target.has_heads;
  plan.target = plan.draft = ModelParams();
  plan.devices.clear();
  for (size_t at : set) {
    plan.target.devices.push_back(devices[at].name);
    plan.devices.push_back(devices[at]);
  }
  plan.target.gpu_layers = layers;
  if (set.size() > 1) plan.target.tensor_split = shares;
  plan.draft = plan.target;
  plan.draft.gpu_layers = set.empty() ? 0 : kAllLayers;
  plan.target.has_heads = has_heads;
}

void fit(LoadPlan& plan, const std::vector<Device>& devices, const DeviceChoice& choice,
         const EngineOptions& options, const IsAbandoned& is_abandoned) {
  const PlacementRequest& asked = options.placement;
  Outlines outlines(options, is_abandoned);
  int32_t layers_total = kAllLayers;
  const Measure measure = [&](const DeviceSet& set, int32_t layers, int32_t context) {
    LoadPlan trial = plan_of(options);
    // All of them by one number: the first outline is the one that is measured first.
    place(trial, devices, set, layers < layers_total ? layers : kAllLayers, choice.shares);
    return outlines.measure(trial.target, trial.draft, Sizing(options, context)).memory;
  };
  place(plan, devices, choice.sets.front(), kAllLayers, choice.shares);
  const Model& outline = *outlines.at(plan.target, plan.draft).target;
  const Sizing::ContextWish context = Sizing(options).context_wish(outline);
  FitRequest request;
  request.is_named = !backend_name(asked.gpu).empty() || !options.workers.empty();
  request.layers_total = layers_total = outline.layers();
  request.gpu_layers = asked.gpu_layers;
  request.context = context.most;
  request.context_min = context.least;
  request.host_free_bytes = options.free.bytes;
  const Fit found = fit_layers(devices, choice.sets, request, measure);
  place(plan, devices, found.devices, found.gpu_layers, choice.shares);
  plan.context = found.devices.empty() ? 0 : found.context;
  plan.warnings.insert(plan.warnings.end(), found.warnings.begin(), found.warnings.end());
}

bool is_ample_for(const Models& models, const Sizing& sizing, const EngineOptions& options) {
  if (kind_of(*models.target, options)) return false;
  RoughNeed need = sizing.rough_need(models, sizing.target(models));
  need.weights += adapter_bytes(options);
  return is_ample(need, options.free.bytes);
}

// Whether its weights, should they be copied while they load, take at most half of free memory.
bool is_small_file(const EngineOptions& options) {
  return model_file_bytes(options.model_path) + adapter_bytes(options) <= options.free.bytes / 2;
}

Warning trusted_network(const std::vector<std::string>& workers) {
  std::string names;
  for (const std::string& one : workers) names += (names.empty() ? "" : ", ") + one;
  return {"WARN_TRUSTED_NETWORK",
          "weights, prompts and replies cross the network to " + names +
              " without a key and unencrypted, and whoever reaches a worker can run code on it: "
              "for a network that you trust, and no other"};
}

// Whether the fault is the file's or the caller's, and no device's.
bool is_final(const FaultError& error) {
  switch (error.fault.code) {
    case FaultCode::model_not_found:
    case FaultCode::model_invalid:
    case FaultCode::cancelled: return true;
    default: return false;
  }
}

}  // namespace

std::optional<EmbeddingKind> kind_of(const Model& model, const EngineOptions& options) {
  const auto kind = embedding_kind(model, options.embeddings, options.model_path);
  if (!kind || options.adapter_paths.empty()) return kind;
  throw FaultError(FaultCode::model_invalid,
                   options.model_path + (kind->ranks ? " ranks" : " embeds") +
                       " and generates no text; leave lora out, which is for text");
}

LoadPlan plan_load(const EngineOptions& options, const IsAbandoned& is_abandoned) {
  const PlacementRequest& asked = options.placement;
  const std::string named = backend_name(asked.gpu);
  LoadPlan plan = plan_of(options);
  const bool has_workers = !options.workers.empty();
  const bool has_no_gpu = asked.gpu == GpuUse::off || (named.empty() && asked.gpu_layers == 0);
  if (has_no_gpu && !has_workers) return plan;
  add_workers(options.workers);
  // Without layers for it a named backend only has to be there.
  const Look look = asked.gpu_layers == 0 ? Look::names : Look::started;
  const std::vector<Device> devices =
      find_devices(look, asked.gpu == GpuUse::off ? kWorkerBackend : named);
  DeviceChoice choice = choose_devices(devices, asked);
  if (has_workers) choice.warnings.push_back(trusted_network(options.workers));
  plan.warnings = choice.warnings;
  if (choice.sets.empty()) return plan;
  try {
    fit(plan, devices, choice, options, is_abandoned);
  } catch (const FaultError& error) {
    if (!named.empty() || has_workers || is_final(error)) throw;
    plan = plan_of(options);
    plan.warnings = choice.warnings;
    plan.warnings.push_back(
        {"WARN_GPU_FAILED",
         std::string("the CPU computes alone, because the GPU could not be planned for: ") +
             error.what()});
  }
  return plan;
}

void check_memory(const EngineOptions& options, const LoadPlan& plan, const Models* loaded,
                  const IsAbandoned& is_abandoned) {
  const Sizing sizing(options, plan.context);
  if (loaded ? is_ample_for(*loaded, sizing, options) : is_small_file(options)) return;
  const std::string shortage = memory_shortage(
      plan.devices, Outlines(options, is_abandoned).measure(plan.target, plan.draft, sizing).memory,
      options.free);
  if (!shortage.empty()) throw FaultError(FaultCode::out_of_memory, shortage);
}

namespace {

// What the Preparer tells of it in a load.
void describe_template(LoadedModel& loaded, const EngineOptions& options,
                       const std::shared_ptr<const Model>& model, const IsAbandoned& is_abandoned) {
  const ChatTemplate chat_template(model, options.chat_template, options.tools_fallback,
                                   is_abandoned);
  if (!chat_template.warning().empty()) {
    loaded.warnings.push_back({"WARN_CHAT_TEMPLATE", chat_template.warning()});
  }
  loaded.has_chat_template = chat_template.exists();
  loaded.reasoning_ends = reasoning_ends(*model, chat_template, is_abandoned);
  loaded.call_format = chat_template.call_format(is_abandoned);
}

}  // namespace

Estimate estimate_load(const EngineOptions& options, const IsAbandoned& is_abandoned) {
  const LoadPlan plan = plan_load(options, is_abandoned);
  Outlines outlines(options, is_abandoned);
  const Sizing sizing(options, plan.context, false);
  const Outlines::Measured found = outlines.measure(plan.target, plan.draft, sizing);
  const Model& model = *outlines.at(plan.target, plan.draft).target;
  Estimate estimate;
  estimate.model = described(plan, model, found.params);
  estimate.model.embedding = found.embedding;
  estimate.model.placement = placement_of(plan, model, found.memory);
  estimate.free_bytes = options.free.bytes;
  if (!found.embedding) {
    describe_template(estimate.model, options, outlines.at(plan.target, plan.draft).target,
                      is_abandoned);
  }
  estimate.fits =
      is_fitting_whole(plan.devices, all_of(plan.devices), found.memory, options.free.bytes);
  return estimate;
}

Placement placement_of(const LoadPlan& plan, const Model& model, const MemoryPlan& memory) {
  Placement placement;
  placement.layers = model.layers();
  placement.gpu_layers = std::min(model.params().gpu_layers, placement.layers);
  placement.host = memory.host;
  for (size_t i = 0; i < plan.devices.size(); ++i) {
    if (memory.devices[i].total() == 0) continue;  // there were fewer layers than devices
    placement.devices.push_back({plan.devices[i], memory.devices[i]});
  }
  return placement;
}

namespace {

Warning beyond_trained(int32_t context, int32_t reach) {
  const std::string most = std::to_string(reach);
  return {"WARN_CONTEXT_BEYOND_TRAINED",
          "a context of " + std::to_string(context) + " tokens is longer than the " + most +
              " that the model was trained on: what it says beyond those may make no sense. Ask "
              "for " +
              most + " at most, or take a model that was trained on more."};
}

}  // namespace

LoadedModel described(const LoadPlan& plan, const Model& model, const ContextParams& params) {
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
  loaded.warnings = plan.warnings;
  const int32_t reach = model.context_reach();
  // An engine that embeds takes no more than the trained context.
  const bool is_beyond = !params.embeds && reach > 0 && params.context > reach;
  if (is_beyond) loaded.warnings.push_back(beyond_trained(params.context, reach));
  return loaded;
}

}  // namespace sluice
