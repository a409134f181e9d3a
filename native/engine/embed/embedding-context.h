#pragma once

#include <cstdint>

#include "llama/model.h"
#include "memory/memory-budget.h"

namespace sluice {

// Tokens that an input may have in an engine that embeds: all of it is in one batch. `asked`; with
// 0 as many as there is memory for, up to 8,192. Never more than the model was trained on, because
// encoders have no positions beyond. Throws FaultError(out_of_memory) where this takes more than
// is free; with `checks` off nothing is refused.
int32_t embedding_context(const Model& model, int32_t asked, KvType kv_type, const FreeMemory& free,
                          bool checks);

// Rows of one batch of such an engine: the longest input, or several short ones.
int32_t embedding_rows(int32_t context);

// Short inputs share a batch up to so many rows: with more it gets no faster per row.
constexpr int32_t kEmbeddingRows = 512;
// And up to so many inputs, or `parallel` where that is more: their number costs nothing.
constexpr int32_t kEmbeddingSequences = 64;

}  // namespace sluice
