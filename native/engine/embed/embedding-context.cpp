#include "engine/embed/embedding-context.h"

#include <algorithm>
#include <string>

#include "base/fault.h"
#include "llama/embedding-kind.h"
#include "memory/host-memory.h"

namespace sluice {
namespace {

constexpr int32_t kDefaultMax = 8192;
constexpr int32_t kDefaultMin = 512;

}  // namespace

int32_t embedding_rows(int32_t context) { return std::max(context, kEmbeddingRows); }

int32_t embedding_context(const Model& model, int32_t asked, KvType kv_type, const FreeMemory& free,
                          bool checks) {
  const int32_t trained = std::max(1, model.trained_context());
  const auto bytes = [&](int32_t context) {
    return embedding_bytes(model, embedding_rows(context), kv_type);
  };
  const auto checked = [&](int32_t context) {
    if (!checks || bytes(context) <= free.bytes) return context;
    throw FaultError(FaultCode::out_of_memory,
                     "to embed inputs of " + std::to_string(context) + " tokens may take " +
                         std::to_string(bytes(context) >> 20) + " MiB, and " + words_of(free) +
                         "; lower context");
  };
  if (asked > 0) return checked(std::min(asked, trained));
  int32_t context = std::min(trained, kDefaultMax);
  while (context > kDefaultMin && bytes(context) > free.bytes / 4) {
    context = std::max(kDefaultMin, context / 2);
  }
  return checked(context);
}

}  // namespace sluice
