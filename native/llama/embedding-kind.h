#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "llama/model.h"

namespace sluice {

// Whether an engine is to embed. With `automatic` it does where the file says how its rows become
// one vector (its pooling type), which only models made for that do.
enum class EmbeddingUse { automatic, never, always };

// How a model embeds.
struct EmbeddingKind {
  int32_t size;         // numbers of an embedding
  std::string pooling;  // "mean", "cls" or "last"
  // llama.cpp computes the inputs of a call one after the other, and each has a state of its own,
  // which may be megabytes: more than one in a call gain nothing.
  bool one_by_one;
};

// Nothing where the engine is to generate text. Throws FaultError(model_invalid) where the model
// can do neither, or not what `use` asks for; `path` is for its words.
std::optional<EmbeddingKind> embedding_kind(const Model& model, EmbeddingUse use,
                                            const std::string& path);

// Bytes that llama.cpp's buffers may take for a call of so many rows that embeds: logits, which it
// keeps for each row although nobody asks, attention between all rows, and their KV cells. An
// estimate from above.
uint64_t embedding_bytes(const Model& model, int32_t rows, KvType kv_type);

}  // namespace sluice
