#pragma once

#include <cstdint>
#include <vector>

namespace sluice {

// A row of a batch, as far as its place among the hidden rows hangs on it. A sequence's rows follow
// each other.
struct BatchRow {
  int32_t sequence;
  bool has_logits;
};

// Where llama_get_embeddings_nextn() has each row of a batch. Where sequences have cells of their
// own, llama.cpp computes a batch in parts of equally many rows of neighbouring sequences
// (llama-batch.cpp, split_equal) and leaves the hidden rows in that order, but for the first ones:
// those it exchanges as it does the logits (llama-context.cpp, output_reorder). `splits` is false
// where all sequences share cells, or there is one only: then nothing is moved. A wrong place would
// make bad drafts and no wrong text.
std::vector<int32_t> places_of_hidden_rows(const std::vector<BatchRow>& rows, bool splits);

}  // namespace sluice
