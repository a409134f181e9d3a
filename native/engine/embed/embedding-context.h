#pragma once

#include <cstdint>

#include "llama/model.h"
#include "memory/memory-budget.h"

namespace sluice {

// Tokens that an input may have in an engine that embeds: all of it is in one call. `asked`, or
// what memory is there for (0), up to 8,192; never more than the model was trained on, because
// encoders have no positions beyond. Throws FaultError(out_of_memory) where what was asked for
// takes more than is free, or the least does; with `checks` off nothing is refused.
int32_t embedding_context(const Model& model, int32_t asked, KvType kv_type, const FreeMemory& free,
                          bool checks);

// Rows of one call of such an engine: an input as long as may be, or several short ones.
int32_t embedding_rows(int32_t context);

// As many rows are filled with short inputs: with more a call gets no faster per row.
constexpr int32_t kEmbeddingRows = 512;
// And as many inputs, where `parallel` does not ask for more: they cost nothing by themselves.
constexpr int32_t kEmbeddingSequences = 64;

}  // namespace sluice
