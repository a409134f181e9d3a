#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "llama/decode-status.h"
#include "llama/row-order.h"

struct llama_batch;
struct llama_context;

namespace sluice {

// Where a draft begins: a sequence's last token, which is not computed yet.
struct DraftStart {
  int32_t sequence;
  int32_t token, position;
  int32_t count;  // tokens to draft
};

// The layer of a model that guesses the token after the next one (multi-token prediction, MTP;
// llama.cpp and GGUF files say nextn). It reads a token together with what the model's last layer
// made of the token before, its hidden row, and has a llama_context and cells of its own.
//
// It reads each batch that the model has computed, so of each sequence it has cells of the same
// positions. The hidden row before the first of them may be missing, where a sequence was cut in
// its middle: a row of zeros is taken instead. That, like all it does, has a say in drafts and none
// in the text.
//
// Owned by Context, which has it do with sequences what it does itself. Engine thread only.
class MtpHeads {
 public:
  struct Shape {
    int32_t sequences;
    int32_t rows_max;   // of one batch
    int32_t rows_kept;  // of a sequence: the last hidden rows of a batch, for as long a draft
    BatchParts parts;   // of the model's batches
  };
  // `target` computes the model, and must outlive it.
  MtpHeads(llama_context* target, llama_context* own, const Shape& shape);
  ~MtpHeads();
  MtpHeads(const MtpHeads&) = delete;
  MtpHeads& operator=(const MtpHeads&) = delete;

  // Reads the rows that the target has just computed.
  DecodeStatus read(const llama_batch& computed);
  // For each start its likeliest next tokens; fewer, or none, where it failed or was aborted.
  std::vector<std::vector<int32_t>> draft(const std::vector<DraftStart>& starts);

  // As Context has them.
  void trim(int32_t sequence, int32_t position);
  void remove(int32_t sequence);
  void remove_all();
  int32_t computed(int32_t sequence) const;
  size_t state_bytes(int32_t sequence);
  bool save(int32_t sequence, uint8_t* state, size_t bytes);
  bool restore(int32_t sequence, const uint8_t* state, size_t bytes);

  llama_context* raw() const { return context_.get(); }
  const Shape& shape() const { return shape_; }

 private:
  struct ContextFree {
    void operator()(llama_context* context) const;
  };
  // Hidden rows of positions that follow each other.
  struct HiddenRows {
    int32_t first = 0;
    std::vector<float> values;
  };
  // What llama_batch points to: it wants a token and a hidden row for each of its rows.
  struct Rows {
    std::vector<int32_t> tokens, positions, counts, sequences;
    std::vector<int32_t*> sequence_of;
    std::vector<int8_t> has_logits;
    std::vector<float> hidden;
  };

  int32_t row_count() const { return int32_t(rows_.tokens.size()); }
  void clear_rows();
  int32_t add_row(int32_t token, int32_t position, int32_t sequence, bool wants_logits,
                  const float* hidden);
  DecodeStatus decode();
  const float* hidden_before(int32_t sequence, int32_t position) const;
  // Behind those that are kept of the sequence.
  void keep(int32_t sequence, int32_t position, const float* hidden);
  int32_t likeliest(int32_t row);

  llama_context* const target_;
  const std::unique_ptr<llama_context, ContextFree> context_;
  const Shape shape_;
  const size_t width_;  // of a hidden row
  const int32_t vocabulary_;
  const std::vector<float> zeros_;
  std::vector<HiddenRows> kept_;  // by sequence
  Rows rows_;
};

}  // namespace sluice
