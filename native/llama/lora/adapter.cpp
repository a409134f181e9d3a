#include "llama/lora/adapter.h"

#include <mutex>
#include <utility>

#include "../src/llama-adapter.h"  // of llama.cpp: what an adapter holds has no other place yet
#include "../src/llama-model.h"
#include "base/fault.h"
#include "gguf/gguf-preflight.h"
#include "llama.h"
#include "llama/runtime/assert-scope.h"
#include "llama/runtime/no-memory.h"
#include "llama/runtime/runtime.h"

namespace sluice {
namespace {

// Leaked on purpose: engine threads may outlive static destruction at process exit.
std::mutex& adapters_mutex() {
  static auto* mutex = new std::mutex();
  return *mutex;
}

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw FaultError(FaultCode::model_invalid, "the LoRA adapter " + path +
                                                 " cannot be used with this model: " + why +
                                                 "; give one that was made for it");
}

// llama.cpp looks at rows and columns alone: matrices for fewer experts would be read beyond their
// end.
void check_experts(const llama_model& model, const llama_adapter_lora& adapter,
                   const std::string& path) {
  for (const auto& [name, pair] : adapter.ab_map) {
    const ggml_tensor* weight = model.get_tensor(name.c_str());
    for (const ggml_tensor* half : {pair.a, pair.b}) {
      if (half->ne[2] == weight->ne[2] && half->ne[3] == weight->ne[3]) continue;
      refuse(path, std::string(half->name) + " is for " + std::to_string(half->ne[2]) +
                       " experts, expected " + std::to_string(weight->ne[2]));
    }
  }
}

}  // namespace

uint64_t adapter_file_bytes(const std::string& path) {
  const AdapterPreflight preflight = preflight_adapter(path);
  if (preflight.ok) return preflight.bytes;
  throw FaultError(preflight.not_found ? FaultCode::model_not_found : FaultCode::model_invalid,
                   preflight.message);
}

std::shared_ptr<const Adapter> Adapter::load(const std::shared_ptr<llama_model>& model,
                                             const std::string& path) {
  std::shared_ptr<const Adapter> adapter = read(model, path);
  check_experts(*model, *adapter->raw(), path);
  return adapter;
}

std::shared_ptr<const Adapter> Adapter::read(const std::shared_ptr<llama_model>& model,
                                             const std::string& path) {
  adapter_file_bytes(path);  // before llama.cpp reads it
  const std::lock_guard<std::mutex> lock(adapters_mutex());
  ErrorLogScope log;
  AssertScope asserts;
  llama_adapter_lora* raw = llama_adapter_lora_init(model.get(), path.c_str());
  if (raw) return std::shared_ptr<const Adapter>(new Adapter(model, raw));
  const std::string why = asserts.failure().empty() ? log.text() : asserts.failure();
  if (!is_of_memory(log.text() + why)) refuse(path, why);
  throw FaultError(FaultCode::out_of_memory, "there is no memory for the LoRA adapter " + path +
                                                 ": " + why + "; give fewer, or lower gpuLayers");
}

Adapter::Adapter(std::shared_ptr<llama_model> model, llama_adapter_lora* adapter)
    : model_(std::move(model)), adapter_(adapter) {}

Adapter::~Adapter() {
  const std::lock_guard<std::mutex> lock(adapters_mutex());
  llama_adapter_lora_free(adapter_);
}

std::vector<std::pair<ggml_backend_buffer_type*, uint64_t>> Adapter::buffers() const {
  std::vector<std::pair<ggml_backend_buffer_type*, uint64_t>> buffers;
  for (const auto& buffer : adapter_->bufs) {
    buffers.emplace_back(ggml_backend_buffer_get_type(buffer.get()),
                         ggml_backend_buffer_get_size(buffer.get()));
  }
  return buffers;
}

AdaptersStay::AdaptersStay() { adapters_mutex().lock(); }
AdaptersStay::~AdaptersStay() { adapters_mutex().unlock(); }

}  // namespace sluice
