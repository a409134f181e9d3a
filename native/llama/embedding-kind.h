#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "llama/model.h"

namespace sluice {

// Whether an engine embeds. With `automatic` it does where the file names a pooling type (how rows
// become one vector), which only models made to embed do.
enum class EmbeddingUse { automatic, never, always };

// How a model embeds.
struct EmbeddingKind {
  int32_t size;         // numbers of an embedding
  std::string pooling;  // "mean", "cls", "last" or "rank"
  // llama.cpp computes the inputs of a batch one after the other, and each has a state of its own,
  // which may be megabytes: several in a batch gain nothing.
  bool one_by_one;
  bool ranks = false;  // its vectors are one number: how well a document answers a query
};

// Nothing where the engine is to generate text. Throws FaultError(model_invalid) where the model
// can do neither, or not what `use` asks for; `path` is for the message.
std::optional<EmbeddingKind> embedding_kind(const Model& model, EmbeddingUse use,
                                            const std::string& path);

// Bytes that llama.cpp's buffers may take for a batch of so many rows that embeds: attention
// between all rows, their KV cells, and logits, which a model that also generates text computes for
// each row though they are not needed. An upper estimate.
uint64_t embedding_bytes(const Model& model, int32_t rows, KvType kv_type);

}  // namespace sluice
