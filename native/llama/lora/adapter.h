#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

struct ggml_backend_buffer_type;
struct llama_adapter_lora;
struct llama_model;

namespace sluice {

// Bytes of its weights. Throws FaultError: model_not_found, model_invalid. Any thread.
uint64_t adapter_file_bytes(const std::string& path);

// The weights of one LoRA adapter, made for one model. Immutable. Each engine has its own, which it
// frees; the model lives at least as long.
class Adapter {
 public:
  // Throws FaultError: model_not_found, model_invalid (also where it belongs to another model),
  // out_of_memory. Any thread: adapters of one model are loaded and freed one at a time.
  static std::shared_ptr<const Adapter> load(const std::shared_ptr<llama_model>& model,
                                             const std::string& path);
  ~Adapter();
  Adapter(const Adapter&) = delete;
  Adapter& operator=(const Adapter&) = delete;

  // Bytes of its weights, by where they are.
  std::vector<std::pair<ggml_backend_buffer_type*, uint64_t>> buffers() const;
  llama_adapter_lora* raw() const { return adapter_; }

 private:
  static std::shared_ptr<const Adapter> read(const std::shared_ptr<llama_model>& model,
                                             const std::string& path);
  Adapter(std::shared_ptr<llama_model> model, llama_adapter_lora* adapter);

  const std::shared_ptr<llama_model> model_;
  llama_adapter_lora* const adapter_;
};

// While it lives, no adapter is added to a model or taken from it: llama.cpp counts a model's
// adapters when it makes a context. Owned by a block.
class AdaptersStay {
 public:
  AdaptersStay();
  ~AdaptersStay();
  AdaptersStay(const AdaptersStay&) = delete;
  AdaptersStay& operator=(const AdaptersStay&) = delete;
};

}  // namespace sluice
