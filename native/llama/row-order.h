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

// How llama.cpp computes a batch of several sequences: where they have cells of their own, or
// states, in parts of equally many rows (llama-batch.cpp, split_equal).
struct BatchParts {
  bool are_split = false;      // else it is one part: there is one sequence, or all share cells
  bool of_neighbours = false;  // the sequences of a part follow each other
  int32_t rows_kept = 0;       // so many last rows of a sequence are in one part, if not 0
};

// Where llama_get_embeddings_nextn() has each row of a batch. llama.cpp leaves the hidden rows in
// the order of the parts, but for the first ones: those it exchanges as it does the logits
// (llama-context.cpp, output_reorder). A wrong place would make bad drafts and no wrong text.
std::vector<int32_t> places_of_hidden_rows(const std::vector<BatchRow>& rows,
                                           const BatchParts& parts);

}  // namespace sluice
