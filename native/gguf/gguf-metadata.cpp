#include "gguf/gguf-metadata.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "gguf/gguf-reader.h"

namespace sluice {
namespace {

constexpr double kLengthMax = 1 << 24;  // of a row: far more than any model has
constexpr double kHeadsMax = 1 << 16;
constexpr double kInt32Max = 2147483647.0;
constexpr double kLayersMax = 512;    // LLAMA_MAX_LAYERS
constexpr double kExpertsMax = 1024;  // LLAMA_MAX_EXPERTS

constexpr const char* kAll = nullptr;
constexpr const char* kStateSpace =
    "mamba mamba2 jamba falcon-h1 granitehybrid nemotron_h nemotron_h_moe plamo2 qwen3next qwen35 "
    "qwen35moe qwen4exp";
constexpr const char* kGroupedState =
    "mamba2 falcon-h1 granitehybrid nemotron_h nemotron_h_moe qwen3next qwen35 qwen35moe qwen4exp";
constexpr const char* kRwkv = "rwkv6 rwkv6qwen2 rwkv7 arwkv7";
constexpr const char* kWithoutHeads =
    "mamba mamba2 rwkv6 rwkv6qwen2 rwkv7 arwkv7 wavtokenizer-dec clip";

// The values that llama.cpp reads, and their ranges. Each number by this key, and every element of
// an array, must lie between `least` and `most`. Keys without the architecture's prefix.
struct Range {
  const char* key;
  double least;
  double most;
  const char* architectures;  // that the row is for; kAll
  const char* guards;         // the place in llama.cpp v0.5.0
  const char* reason;         // what the number is, for the message
};
constexpr Range kRanges[] = {
    {"block_count", 1, kLayersMax, kAll, "llama-model.cpp load_hparams", "layers"},
    {"context_length", 1, kInt32Max, kAll, "counted in int32 everywhere", "tokens"},
    {"embedding_length", 1, kLengthMax, kAll, "ggml.c new_tensor", "numbers of a token"},
    {"feed_forward_length", 0, kInt32Max, kAll, "ggml.c new_tensor", "numbers inside a layer"},
    {"expert_count", 0, kExpertsMax, kAll, "llama-model.cpp load_hparams", "experts"},
    {"expert_used_count", 0, kExpertsMax, kAll, "llama-model.cpp load_hparams", "experts"},
    {"expert_gating_func", 0, 4, kAll, "llama-graph.cpp build_moe_ffn", "a function's number"},
    {"attention.head_count", 0, kHeadsMax, kAll, "llama-model.cpp load_hparams", "heads"},
    {"attention.head_count_kv", 0, kHeadsMax, kAll, "llama-hparams.cpp n_gqa", "heads"},
    {"attention.key_length", 0, kHeadsMax, kAll, "ggml.c new_tensor", "numbers of a head"},
    {"attention.value_length", 0, kHeadsMax, kAll, "ggml.c new_tensor", "numbers of a head"},
    {"attention.key_length_swa", 0, kHeadsMax, kAll, "ggml.c new_tensor", "numbers of a head"},
    {"attention.value_length_swa", 0, kHeadsMax, kAll, "ggml.c new_tensor", "numbers of a head"},
    {"attention.key_length_mla", 0, kHeadsMax, kAll, "ggml.c new_tensor", "numbers of a head"},
    {"attention.value_length_mla", 0, kHeadsMax, kAll, "ggml.c new_tensor", "numbers of a head"},
    {"attention.sliding_window", 0, kInt32Max, kAll, "llama-kv-cache-iswa.cpp", "tokens"},
    {"attention.layer_norm_epsilon", 0, 1, kAll, "ops.cpp norm_f32", "an epsilon"},
    {"attention.layer_norm_rms_epsilon", 0, 1, kAll, "ops.cpp rms_norm_f32", "an epsilon"},
    {"attention.group_norm_epsilon", 0, 1, kAll, "ops.cpp group_norm_f32", "an epsilon"},
    {"hyper_connection.epsilon", 0, 1, kAll, "ops.cpp rms_norm_f32", "an epsilon"},
    {"rope.dimension_count", 0, kHeadsMax, kAll, "ops.cpp rope_flt", "rotated numbers of a head"},
    {"rope.dimension_count_swa", 0, kHeadsMax, kAll, "ops.cpp rope_flt", "rotated numbers"},
    {"rope.dimension_sections", 0, kHeadsMax, kAll, "ops.cpp mrope_cache_init", "rotated numbers"},
    {"ssm.conv_kernel", 1, kLengthMax, kStateSpace, "ggml.c ssm_conv", "columns"},
    {"ssm.inner_size", 1, kLengthMax, kStateSpace, "mamba-base.cpp", "numbers of a state"},
    {"ssm.state_size", 1, kLengthMax, kStateSpace, "ggml.c ssm_scan", "numbers of a state"},
    {"ssm.time_step_rank", 1, kLengthMax, kStateSpace, "mamba-base.cpp d_inner / n_head", "heads"},
    {"ssm.group_count", 1, kLengthMax, kGroupedState, "mamba2.cpp d_inner / n_group", "groups"},
    {"wkv.head_size", 1, kHeadsMax, kRwkv, "rwkv6.cpp n_embd / head_size", "numbers of a head"},
    {"attention.output_group_count", 1, kHeadsMax, "deepseek4", "deepseek4.cpp n_head / n_groups",
     "groups of heads"},
    {"attention.indexer.block_size", 1, kInt32Max, "minimax-m3 qwen4exp",
     "llama-kv-cache-msa.cpp set_input", "tokens"},
    {"experts_per_group", 1, kExpertsMax, "grovemoe", "grovemoe.cpp n_expert / n", "experts"},
    {"interleave_moe_layer_step", 1, kLayersMax, "ernie4_5-moe", "ernie4-5-moe.cpp", "layers"},
};

// Tensors of a layer that llama.cpp takes as optional when it loads a model, and for given when it
// builds the graph. Found by leaving out each tensor of each architecture in turn.
struct Need {
  const char* tensor;   // where it is there,
  const char* needed;   // so must be this,
  const char* instead;  // or this; null where nothing else does
  const char* architectures;
  const char* guards;
};
constexpr Need kNeeds[] = {
    {"ssm_conv1d.weight", "ssm_conv1d.bias", nullptr,
     "mamba2 falcon-h1 granitehybrid nemotron_h nemotron_h_moe",
     "mamba-base.cpp build_mamba2_layer"},
    {"ffn_down_exps.weight", "ffn_up_exps.weight", "ffn_gate_up_exps.weight", "hy_v3",
     "llama-graph.cpp build_moe_ffn"},
};

const char* const kDividingByHeads = "olmo2 phimoe gemma2 gemma3 deepseek2";

bool is_among(const std::string& name, const char* names) {
  std::istringstream all(names);
  for (std::string one; all >> one;) {
    if (one == name) return true;
  }
  return false;
}

std::string as_text(double value) {
  char text[40];
  const bool is_whole = std::floor(value) == value && std::fabs(value) < 1e15;
  std::snprintf(text, sizeof(text), is_whole ? "%.0f" : "%g", value);
  return text;
}

std::string as_text(double least, double most) { return as_text(least) + " to " + as_text(most); }

// The values of one file by their names without the architecture's prefix. Lives for one check.
struct Hyperparameters {
  const GgufMetadata& metadata;
  const std::string architecture;

  std::string key(const std::string& name) const { return architecture + "." + name; }
  std::string shown(const std::string& name) const { return printable(key(name)); }

  double number(const std::string& name, double otherwise) const {
    return metadata.number(key(name), otherwise);
  }

  const GgufNumbers* numbers(const std::string& name) const {
    const auto found = metadata.numbers.find(key(name));
    return found == metadata.numbers.end() ? nullptr : &found->second;
  }

  std::string complaint(const std::string& name, const std::string& expected) const {
    return shown(name) + " is " + as_text(number(name, 0)) + ", expected " + expected;
  }
};

std::string wrong_range(const Hyperparameters& model) {
  for (const Range& range : kRanges) {
    if (range.architectures && !is_among(model.architecture, range.architectures)) continue;
    const GgufNumbers* numbers = model.numbers(range.key);
    if (!numbers) continue;
    for (size_t i = 0; i < numbers->values.size(); ++i) {
      const double value = numbers->values[i];
      if (value >= range.least && value <= range.most) continue;  // false for NaN too
      const std::string element = numbers->is_array ? "[" + std::to_string(i) + "]" : "";
      return model.shown(range.key) + element + " is " + as_text(value) + ", expected " +
             as_text(range.least, range.most) + " (" + range.reason + ")";
    }
  }
  return "";
}

std::string wrong_layers(const Hyperparameters& model) {
  const double layers = model.number("block_count", 1);
  if (model.number("nextn_predict_layers", 0) <= layers) return "";
  return model.complaint("nextn_predict_layers", "at most " + as_text(layers));
}

// Layers may use different numbers of experts; where they do, each must be one that works.
std::string wrong_used_experts(const Hyperparameters& model, double experts) {
  const GgufNumbers* used = model.numbers("expert_used_count");
  double most = 0;
  if (used) {
    for (const double value : used->values) most = std::fmax(most, value);
  }
  const std::string of_experts = " (there are " + as_text(experts) + " experts)";
  if (most <= experts && (experts == 0 || most > 0)) return "";
  return model.shown("expert_used_count") + " is " + as_text(most) + ", expected 1 to all of them" +
         of_experts;
}

std::string wrong_experts(const Hyperparameters& model) {
  const double experts = model.number("expert_count", 0);
  const double groups = model.number("expert_group_count", 0);
  const double groups_used = model.number("expert_group_used_count", 0);
  const std::string of_experts = " (there are " + as_text(experts) + " experts)";
  const std::string wrong = wrong_used_experts(model, experts);
  if (!wrong.empty()) return wrong;
  if (groups > 0 && (groups >= experts || std::fmod(experts, groups) != 0)) {
    return model.complaint("expert_group_count", "a divisor" + of_experts);
  }
  if (groups > 1 && (groups_used < 1 || groups_used >= groups)) {
    return model.complaint("expert_group_used_count", "fewer than the groups" + of_experts);
  }
  return "";
}

// llama.cpp shares heads out evenly; some architectures divide by those of the first layer.
std::string wrong_heads(const Hyperparameters& model) {
  const GgufNumbers* heads = model.numbers("attention.head_count");
  if (is_among(model.architecture, kWithoutHeads)) return "";
  const bool has_first = heads && !heads->values.empty() && heads->values[0] >= 1;
  if (!has_first && is_among(model.architecture, kDividingByHeads)) {
    return model.shown("attention.head_count") + " is 0 or missing, expected 1 or more";
  }
  if (!heads || heads->values.empty()) return "";
  if (!heads->is_array && heads->values[0] < 1) {
    return model.complaint("attention.head_count", "1 or more");
  }
  const double shared = model.number("attention.head_count_kv", 0);
  if (heads->is_array || shared < 1 || std::fmod(heads->values[0], shared) == 0) return "";
  return model.complaint("attention.head_count_kv", "a divisor of attention.head_count, which is " +
                                                        as_text(heads->values[0]));
}

std::string wrong_rope(const Hyperparameters& model) {
  for (const char* name : {"rope.dimension_count", "rope.dimension_count_swa"}) {
    if (std::fmod(model.number(name, 0), 2) != 0) return model.complaint(name, "an even number");
  }
  constexpr std::array<const char*, 4> kScalings = {"none", "linear", "yarn", "longrope"};
  const auto found = model.metadata.words.find(model.key("rope.scaling.type"));
  if (found == model.metadata.words.end()) return "";
  for (const char* known : kScalings) {
    if (found->second == known) return "";
  }
  return model.shown("rope.scaling.type") + " is none of none, linear, yarn, longrope";
}

// afmoe.cpp builds its graph for two caches, which llama.cpp makes only where there is a window.
std::string wrong_window(const Hyperparameters& model) {
  if (model.architecture != "afmoe" || model.number("attention.sliding_window", 0) >= 1) return "";
  return model.complaint("attention.sliding_window", "1 or more");
}

// llama-graph.cpp divides by the length where there is a scale; two architectures have their own.
std::string wrong_temperature(const Hyperparameters& model) {
  if (is_among(model.architecture, "llama4 mistral3 grok")) return "";
  if (model.number("attention.temperature_scale", 0) == 0) return "";
  if (model.number("attention.temperature_length", 0) >= 1) return "";
  return model.complaint("attention.temperature_length", "1 or more, because there is a scale");
}

// llama.cpp asserts at the first text with two spaces.
std::string wrong_tokenizer(const Hyperparameters& model) {
  const auto& words = model.metadata.words;
  const auto pre = words.find("tokenizer.ggml.pre");
  const auto kind = words.find("tokenizer.ggml.model");
  const bool unusable = pre != words.end() && pre->second == "whitespace" && kind != words.end() &&
                        kind->second == "gpt2";
  return unusable ? "tokenizer.ggml.pre is whitespace, which gpt2 tokenizers cannot use" : "";
}

}  // namespace

double GgufMetadata::number(const std::string& key, double otherwise) const {
  const auto found = numbers.find(key);
  const bool is_one = found != numbers.end() && !found->second.is_array;
  return is_one ? found->second.values[0] : otherwise;
}

std::string unusable_metadata(const GgufMetadata& metadata) {
  const auto architecture = metadata.words.find("general.architecture");
  if (architecture == metadata.words.end()) return "general.architecture is missing";
  const Hyperparameters model{metadata, architecture->second};
  for (const auto check : {wrong_range, wrong_layers, wrong_experts, wrong_heads, wrong_rope,
                           wrong_window, wrong_temperature, wrong_tokenizer}) {
    const std::string wrong = check(model);
    if (!wrong.empty()) return wrong;
  }
  return "";
}

std::string missing_tensor(const GgufMetadata& metadata,
                           const std::function<bool(const std::string&)>& has) {
  const auto architecture = metadata.words.find("general.architecture");
  if (architecture == metadata.words.end()) return "";
  // Without its head llama.cpp would read scores from numbers that are none.
  constexpr double kRank = 4;
  const bool ranks = metadata.number(architecture->second + ".pooling_type", 0) == kRank;
  if (ranks && !has("cls.output.weight")) {
    return "it says that it is a reranker, and has no head for that (tensor cls.output.weight)";
  }
  const double layers = metadata.number(architecture->second + ".block_count", 0);
  for (const Need& need : kNeeds) {
    if (!is_among(architecture->second, need.architectures)) continue;
    for (int layer = 0; layer < layers; ++layer) {
      const std::string prefix = "blk." + std::to_string(layer) + ".";
      if (!has(prefix + need.tensor) || has(prefix + need.needed)) continue;
      if (need.instead && has(prefix + need.instead)) continue;
      return "tensor " + prefix + need.needed + " is missing, which " + prefix + need.tensor +
             " is used with";
    }
  }
  return "";
}

}  // namespace sluice
