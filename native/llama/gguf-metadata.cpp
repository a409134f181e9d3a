#include "llama/gguf-metadata.h"

#include <array>

namespace sluice {
namespace {

constexpr uint64_t kLayersMax = 512;  // LLAMA_MAX_LAYERS
constexpr uint64_t kContextMax = (uint64_t(1) << 31) - 1;
constexpr uint64_t kExpertsMax = 1024;  // LLAMA_MAX_EXPERTS
constexpr std::array<const char*, 4> kRopeScalings = {"none", "linear", "yarn", "longrope"};

// The values of one file by their names without the architecture's prefix. Lives for one check.
struct Hyperparameters {
  const GgufMetadata& metadata;
  const std::string prefix;

  uint64_t number(const std::string& name, uint64_t otherwise) const {
    const auto found = metadata.numbers.find(prefix + name);
    return found == metadata.numbers.end() ? otherwise : found->second;
  }

  std::string complaint(const std::string& name, const std::string& expected) const {
    return prefix + name + " is " + std::to_string(number(name, 0)) + ", expected " + expected;
  }
};

std::string wrong_layers(const Hyperparameters& model) {
  const uint64_t layers = model.number("block_count", 1);
  if (layers < 1 || layers > kLayersMax) {
    return model.complaint("block_count", "1 to " + std::to_string(kLayersMax));
  }
  if (model.number("nextn_predict_layers", 0) > layers) {
    return model.complaint("nextn_predict_layers", "at most " + std::to_string(layers));
  }
  return "";
}

std::string wrong_experts(const Hyperparameters& model) {
  const uint64_t experts = model.number("expert_count", 0);
  const uint64_t used = model.number("expert_used_count", experts > 0 ? 1 : 0);
  const uint64_t groups = model.number("expert_group_count", 0);
  const uint64_t groups_used = model.number("expert_group_used_count", 0);
  const std::string of_experts = " (there are " + std::to_string(experts) + " experts)";
  if (experts > kExpertsMax) {
    return model.complaint("expert_count", "at most " + std::to_string(kExpertsMax));
  }
  if (used > experts || (experts > 0 && used == 0)) {
    return model.complaint("expert_used_count", "1 to all of them" + of_experts);
  }
  if (groups > 0 && (groups >= experts || experts % groups != 0)) {
    return model.complaint("expert_group_count", "a divisor" + of_experts);
  }
  if (groups > 1 && (groups_used == 0 || groups_used >= groups)) {
    return model.complaint("expert_group_used_count", "fewer than the groups" + of_experts);
  }
  return "";
}

std::string wrong_rope(const Hyperparameters& model) {
  const auto found = model.metadata.words.find(model.prefix + "rope.scaling.type");
  if (found == model.metadata.words.end()) return "";
  for (const char* known : kRopeScalings) {
    if (found->second == known) return "";
  }
  return found->first + " is none of none, linear, yarn, longrope";
}

// A length that a 32-bit integer holds: llama.cpp asserts on none, and counts in int32.
std::string wrong_context(const Hyperparameters& model) {
  const uint64_t context = model.number("context_length", 1);
  if (context >= 1 && context <= kContextMax) return "";
  return model.complaint("context_length", "1 to " + std::to_string(kContextMax));
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

std::string unusable_metadata(const GgufMetadata& metadata) {
  const auto architecture = metadata.words.find("general.architecture");
  if (architecture == metadata.words.end()) return "general.architecture is missing";
  const Hyperparameters model{metadata, architecture->second + "."};
  for (const auto check :
       {wrong_layers, wrong_experts, wrong_rope, wrong_context, wrong_tokenizer}) {
    const std::string wrong = check(model);
    if (!wrong.empty()) return wrong;
  }
  return "";
}

}  // namespace sluice
