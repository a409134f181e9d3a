#include "gguf/gguf-preflight.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <unordered_map>
#include <utility>

#include "base/ends-with.h"
#include "gguf/gguf-header.h"
#include "gguf/gguf-metadata.h"
#include "gguf/gguf-reader.h"

namespace sluice {
namespace {

constexpr uint32_t kUint16 = 2;            // what llama.cpp reads a part's number as
constexpr uint64_t kMappedAlignment = 32;  // TENSOR_ALIGNMENT of ggml-backend.cpp
constexpr uint32_t kFloat32 = 6;           // what llama.cpp reads an adapter's alpha as
constexpr double kPartsMax = 65535;

// Ends a check because a file is not there. Never leaves this file.
struct NotFound : std::runtime_error {
  using std::runtime_error::runtime_error;
};

GgufHeader header_of(const std::string& path) {
  const std::filesystem::path place = std::filesystem::u8path(path);
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(place, error);
  if (!std::filesystem::exists(status)) {
    throw NotFound("No model file at " + path + "; check the path");
  }
  if (!std::filesystem::is_regular_file(status)) {
    throw NotFound(path + " is not a file; give the path of a .gguf file");
  }
  const uint64_t size = std::filesystem::file_size(place, error);
  GgufReader file(place, error ? 0 : size);
  if (error || !file.readable()) {
    throw NotFound(path + " cannot be read; check its permissions");
  }
  try {
    return read_gguf_header(file);
  } catch (const GgufRefusal& refusal) {
    throw GgufRefusal(path + " " + refusal.what());
  }
}

std::string part_suffix(uint64_t part, uint64_t parts) {
  char text[48];
  std::snprintf(text, sizeof(text), "-%05llu-of-%05llu.gguf", (unsigned long long)(part),
                (unsigned long long)(parts));
  return text;
}

// What all parts of a split model have in common, collected from part to part. Owned by one check.
class Split {
 public:
  Split(std::string first, const GgufHeader& header)
      : first_(std::move(first)),
        parts_(static_cast<uint64_t>(header.metadata.number("split.count", 0))),
        tensors_(header.metadata.number("split.tensors.count", -1)) {
    if (parts_ < 2) parts_ = 1;
    add(first_, header);
  }

  // Reads the parts after the first.
  void read_others() {
    if (parts_ == 1) return;
    const std::string suffix = part_suffix(1, parts_);
    const bool is_named = first_.size() > suffix.size() &&
                          first_.compare(first_.size() - suffix.size(), suffix.size(), suffix) == 0;
    if (!is_named) {
      throw GgufRefusal(first_ + " is the first of " + with_commas(parts_) +
                        " parts, whose name must end in " + suffix +
                        ", as the others are found by it; give it its old name back");
    }
    const std::string prefix = first_.substr(0, first_.size() - suffix.size());
    for (uint64_t part = 2; part <= parts_; ++part) {
      read(prefix + part_suffix(part, parts_), part);
    }
    if (tensors_ == static_cast<double>(part_of_.size())) return;
    throw GgufRefusal(first_ +
                      " is the first of parts that do not belong together: all together "
                      "hold " +
                      with_commas(part_of_.size()) + " tensors, expected " +
                      with_commas(tensors_ < 0 ? 0 : static_cast<uint64_t>(tensors_)) +
                      "; download all parts again");
  }

  bool can_be_mapped() const { return can_be_mapped_; }
  bool is_empty() const { return part_of_.empty(); }
  bool has(const std::string& tensor) const { return part_of_.count(tensor) > 0; }

 private:
  void read(const std::string& path, uint64_t part) {
    try {
      const GgufHeader header = header_of(path);
      check_belongs(path, header.metadata, part);
      add(path, header);
    } catch (const NotFound& missing) {
      throw NotFound(std::string(missing.what()) + ". It is part " + with_commas(part) + " of " +
                     with_commas(parts_) + " of " + first_ + ": keep all parts in one folder");
    }
  }

  void check_belongs(const std::string& path, const GgufMetadata& metadata, uint64_t part) const {
    const auto number = metadata.numbers.find("split.no");
    const bool is_number = number != metadata.numbers.end() && !number->second.is_array &&
                           number->second.type == kUint16;
    if (!is_number) {
      throw GgufRefusal(path + " is no part of a split model (it has no split.no), expected part " +
                        with_commas(part) + " of " + first_ + "; download it again");
    }
    const auto found = static_cast<uint64_t>(number->second.values[0]) + 1;
    const double parts = metadata.number("split.count", static_cast<double>(parts_));
    const double tensors = metadata.number("split.tensors.count", tensors_);
    if (found == part && parts == static_cast<double>(parts_) && tensors == tensors_) return;
    throw GgufRefusal(path + " says that it is part " + with_commas(found) + " of " +
                      with_commas(static_cast<uint64_t>(parts < 0 ? 0 : parts)) +
                      " of another model, expected part " + with_commas(part) + " of " +
                      with_commas(parts_) + " of " + first_ + "; download it again");
  }

  void add(const std::string& path, const GgufHeader& header) {
    can_be_mapped_ = can_be_mapped_ && header.alignment >= kMappedAlignment;
    for (const GgufTensor& tensor : header.tensors) {
      const auto [place, is_new] = part_of_.emplace(tensor.name, path);
      if (is_new) continue;
      throw GgufRefusal(path + " holds tensor " + printable(tensor.name) + ", which is in " +
                        place->second + " already; download all parts again");
    }
  }

  const std::string first_;
  uint64_t parts_;
  const double tensors_;  // of all parts together; -1 where the first does not say
  std::unordered_map<std::string, std::string> part_of_;
  bool can_be_mapped_ = true;
};

void check_is_first(const std::string& path, const GgufMetadata& metadata) {
  const double part = metadata.number("split.no", 0);
  if (part > 0) {
    throw GgufRefusal(
        path + " is part " + with_commas(static_cast<uint64_t>(part) + 1) +
        " of a split model; give the first part, whose name ends in -00001-of-0000N.gguf");
  }
  const double parts = metadata.number("split.count", 0);
  if (parts >= 0 && parts <= kPartsMax) return;
  throw GgufRefusal(path + " is damaged: split.count is no number of parts" + kDownloadAgain);
}

void check_usable(const std::string& path, const std::string& wrong) {
  if (wrong.empty()) return;
  throw GgufRefusal(path + " cannot be used: " + wrong + "; download or convert it again");
}

PreflightResult check_model(const std::string& path) {
  const GgufHeader header = header_of(path);
  check_is_first(path, header.metadata);
  check_usable(path, unusable_metadata(header.metadata));
  Split split(path, header);
  split.read_others();
  if (split.is_empty()) {
    throw GgufRefusal(path + " holds no weights, only metadata; give the file of a whole model");
  }
  check_usable(path, missing_tensor(header.metadata,
                                    [&](const std::string& tensor) { return split.has(tensor); }));
  PreflightResult result;
  result.ok = true;
  result.can_be_mapped = split.can_be_mapped();
  return result;
}

std::string word_of(const GgufMetadata& metadata, const std::string& key) {
  const auto found = metadata.words.find(key);
  return found == metadata.words.end() ? "" : found->second;
}

// What llama.cpp would assert on, or would not understand.
std::string unusable_adapter(const GgufMetadata& metadata) {
  const std::string type = word_of(metadata, "general.type");
  if (type != "adapter") {
    return "it is no adapter (general.type is '" + printable(type) + "', expected 'adapter')";
  }
  const std::string kind = word_of(metadata, "adapter.type");
  if (kind != "lora") {
    return "it is an adapter of another kind (adapter.type is '" + printable(kind) +
           "', expected 'lora')";
  }
  if (word_of(metadata, "general.architecture").empty()) return "general.architecture is missing";
  if (metadata.array_lengths.count("adapter.alora.invocation_tokens") > 0 ||
      metadata.numbers.count("adapter.alora.invocation_tokens") > 0) {
    return "it takes effect from certain tokens on (aLoRA), which is not supported";
  }
  const auto alpha = metadata.numbers.find("adapter.lora.alpha");
  const bool is_other = metadata.words.count("adapter.lora.alpha") > 0 ||
                        metadata.array_lengths.count("adapter.lora.alpha") > 0;
  if (alpha == metadata.numbers.end()) return is_other ? "adapter.lora.alpha is no number" : "";
  const bool is_float = !alpha->second.is_array && alpha->second.type == kFloat32;
  return is_float && std::isfinite(alpha->second.values[0])
             ? ""
             : "adapter.lora.alpha is no finite float32";
}

// Each weight that is changed has two matrices.
std::string unpaired_tensor(const std::vector<GgufTensor>& tensors) {
  const std::string a = ".lora_a", b = ".lora_b";
  std::unordered_map<std::string, int> halves;
  for (const GgufTensor& tensor : tensors) {
    if (ends_with(tensor.name, "_norm.weight")) continue;
    const bool is_half = ends_with(tensor.name, a) || ends_with(tensor.name, b);
    if (!is_half) return "tensor " + printable(tensor.name) + " is no part of a LoRA adapter";
    ++halves[tensor.name.substr(0, tensor.name.size() - a.size())];
  }
  for (const auto& [name, count] : halves) {
    if (count != 2) return "tensor " + printable(name) + " has one of its two matrices only";
  }
  return halves.empty() ? "it holds no weights" : "";
}

AdapterPreflight check_adapter(const std::string& path) {
  const GgufHeader header = header_of(path);
  check_usable(path, unusable_adapter(header.metadata));
  check_usable(path, unpaired_tensor(header.tensors));
  AdapterPreflight result;
  result.ok = true;
  for (const GgufTensor& tensor : header.tensors) result.bytes += tensor.bytes;
  return result;
}

AdapterPreflight refused_adapter(bool not_found, const std::string& message) {
  AdapterPreflight result;
  result.not_found = not_found;
  result.message = message;
  return result;
}

uint64_t file_bytes(const std::string& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(std::filesystem::u8path(path), error);
  return error ? 0 : bytes;
}

PreflightResult refused(bool not_found, const std::string& message) {
  PreflightResult result;
  result.not_found = not_found;
  result.message = message;
  return result;
}

}  // namespace

PreflightResult preflight_gguf(const std::string& path) {
  try {
    return check_model(path);
  } catch (const NotFound& missing) {
    return refused(true, missing.what());
  } catch (const GgufRefusal& refusal) {
    return refused(false, refusal.what());
  } catch (const std::exception& error) {
    return refused(false, path + " could not be checked: " + error.what());
  }
}

AdapterPreflight preflight_adapter(const std::string& path) {
  try {
    return check_adapter(path);
  } catch (const NotFound& missing) {
    return refused_adapter(true, missing.what());
  } catch (const GgufRefusal& refusal) {
    return refused_adapter(false, refusal.what());
  } catch (const std::exception& error) {
    return refused_adapter(false, path + " could not be checked: " + error.what());
  }
}

std::vector<std::string> model_files(const std::string& path) {
  const size_t length = part_suffix(1, 1).size();
  const std::string prefix = path.substr(0, path.size() - std::min(path.size(), length));
  unsigned long long parts = 0;
  if (std::sscanf(path.c_str() + prefix.size(), "-00001-of-%5llu.gguf", &parts) != 1 ||
      path != prefix + part_suffix(1, parts)) {
    return {path};
  }
  std::vector<std::string> files;
  for (uint64_t part = 1; part <= parts; ++part) files.push_back(prefix + part_suffix(part, parts));
  return files;
}

uint64_t model_file_bytes(const std::string& path) {
  uint64_t bytes = 0;
  for (const std::string& file : model_files(path)) {
    const uint64_t more = file_bytes(file);
    if (more == 0) break;
    bytes += more;
  }
  return bytes;
}

}  // namespace sluice
