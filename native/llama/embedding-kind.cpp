#include "llama/embedding-kind.h"

#include <algorithm>

#include "base/fault.h"
#include "llama.h"

namespace sluice {
namespace {

std::string metadata(const llama_model* model, const std::string& key) {
  char value[64];
  const int32_t length = llama_model_meta_val_str(model, key.c_str(), value, sizeof(value));
  return length < 0 ? std::string() : std::string(value);
}

std::string own_metadata(const llama_model* model, const std::string& key) {
  return metadata(model, metadata(model, "general.architecture") + "." + key);
}

bool is_causal(const llama_model* model) {
  return own_metadata(model, "attention.causal") != "false";
}

// Of those whose graphs end in hidden rows. A decoder computes logits for each row, also where its
// attention was made to look both ways.
bool is_encoder(const std::string& architecture) {
  const bool is_bert = architecture.find("bert") != std::string::npos;
  return is_bert || architecture == "gemma-embedding" || architecture == "t5encoder";
}

// The pooling types that we use. llama.cpp reads any number from the file, and aborts the process
// on one that it does not know.
const char* pooling_name(const std::string& type) {
  if (type == "1") return "mean";
  if (type == "2") return "cls";
  if (type == "3") return "last";
  if (type == "4") return "rank";
  return nullptr;
}

// Why there are no embeddings; empty where there are.
std::string why_not(const llama_model* model, const std::string& type) {
  if (type.empty() || type == "0") {
    return "its file names no pooling type, so it has no embeddings";
  }
  if (!pooling_name(type)) return "its file names pooling type " + type + ", expected 1 to 4";
  // As many scores are read as the file has labels, of what its head computed.
  if (type == "4") {
    const bool fits = int32_t(llama_model_n_cls_out(model)) <= llama_model_n_embd(model);
    return fits ? "" : "it has more labels than its layers have numbers";
  }
  // llama.cpp would read beyond the vectors that were computed.
  if (llama_model_n_embd_out(model) != llama_model_n_embd(model)) {
    return "its embeddings are of another length than its layers', which this version does not run";
  }
  return "";
}

}  // namespace

std::optional<EmbeddingKind> embedding_kind(const Model& model, EmbeddingUse use,
                                            const std::string& path) {
  const llama_model* raw = model.raw();
  const bool causal = is_causal(raw);
  const std::string type = own_metadata(raw, "pooling_type");
  const bool names_pooling = !type.empty() && type != "0";
  const bool generates =
      use == EmbeddingUse::never || (use == EmbeddingUse::automatic && causal && !names_pooling);
  if (generates && causal) return std::nullopt;
  const std::string why =
      generates ? "it is an embedding model and cannot generate text; leave embeddings out"
                : why_not(raw, type);
  if (!why.empty()) {
    throw FaultError(FaultCode::model_invalid, path + " cannot be used: " + why);
  }
  const bool one_by_one = llama_model_is_recurrent(raw) || llama_model_is_hybrid(raw);
  const bool ranks = type == "4";
  const int32_t size = ranks ? 1 : llama_model_n_embd_out(raw);
  return EmbeddingKind{size, pooling_name(type), one_by_one, ranks};
}

uint64_t embedding_bytes(const Model& model, int32_t rows, KvType kv_type) {
  const uint64_t count = uint64_t(rows);
  const bool has_logits = !is_encoder(metadata(model.raw(), "general.architecture"));
  const uint64_t logits = has_logits ? uint64_t(model.vocabulary()) * sizeof(float) : 0;
  const uint64_t scores = uint64_t(std::max(1, llama_model_n_head(model.raw()))) * sizeof(float);
  const uint64_t mask = sizeof(float) + 2;
  return count * (logits + model.kv_bytes_per_token(kv_type)) + count * count * (scores + mask);
}

}  // namespace sluice
