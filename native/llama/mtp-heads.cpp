#include "llama/mtp-heads.h"

#include <algorithm>
#include <cstring>

#include "../src/llama-ext.h"  // of llama.cpp: hidden rows have no other place yet
#include "llama.h"
#include "llama/raw-decode.h"

namespace sluice {

void MtpHeads::ContextFree::operator()(llama_context* context) const { llama_free(context); }

MtpHeads::MtpHeads(llama_context* target, llama_context* own, const Shape& shape)
    : target_(target),
      context_(own),
      shape_(shape),
      width_(size_t(llama_model_n_embd_out(llama_get_model(own)))),
      vocabulary_(llama_vocab_n_tokens(llama_model_get_vocab(llama_get_model(own)))),
      zeros_(width_, 0.0f),
      kept_(size_t(shape.sequences)) {
  const size_t rows = size_t(shape.rows_max);
  for (auto* list : {&rows_.tokens, &rows_.positions, &rows_.counts, &rows_.sequences}) {
    list->reserve(rows);
  }
  rows_.sequence_of.reserve(rows);
  rows_.has_logits.reserve(rows);
  rows_.hidden.reserve(rows * width_);
  llama_set_embeddings_nextn(target_, true, false);        // of every row
  llama_set_embeddings_nextn(context_.get(), true, true);  // of rows that have logits
}

MtpHeads::~MtpHeads() = default;

void MtpHeads::clear_rows() {
  for (auto* list : {&rows_.tokens, &rows_.positions, &rows_.counts, &rows_.sequences}) {
    list->clear();
  }
  rows_.sequence_of.clear();
  rows_.has_logits.clear();
  rows_.hidden.clear();
}

int32_t MtpHeads::add_row(int32_t token, int32_t position, int32_t sequence, bool wants_logits,
                          const float* hidden) {
  rows_.tokens.push_back(token);
  rows_.positions.push_back(position);
  rows_.counts.push_back(1);
  rows_.sequences.push_back(sequence);
  rows_.sequence_of.push_back(&rows_.sequences.back());  // reserved, so it stays where it is
  rows_.has_logits.push_back(wants_logits);
  rows_.hidden.insert(rows_.hidden.end(), hidden, hidden + width_);
  return row_count() - 1;
}

DecodeStatus MtpHeads::decode() {
  llama_batch batch{};
  batch.n_tokens = row_count();
  batch.token = rows_.tokens.data();
  batch.embd = rows_.hidden.data();
  batch.pos = rows_.positions.data();
  batch.n_seq_id = rows_.counts.data();
  batch.seq_id = rows_.sequence_of.data();
  batch.logits = rows_.has_logits.data();
  return raw_decode(context_.get(), batch);
}

DecodeStatus MtpHeads::read(const llama_batch& computed) {
  std::vector<BatchRow> rows;
  for (int32_t i = 0; i < computed.n_tokens; ++i) {
    rows.push_back({computed.seq_id[i][0], computed.logits[i] != 0});
  }
  const std::vector<int32_t> places = places_of_hidden_rows(rows, shape_.parts);
  const float* const hidden = llama_get_embeddings_nextn(target_);
  if (!hidden) return DecodeStatus::fatal;
  const auto hidden_of = [&](size_t row) { return hidden + size_t(places[row]) * width_; };
  clear_rows();
  for (size_t i = 0; i < rows.size(); ++i) {
    const int32_t sequence = rows[i].sequence, position = computed.pos[i];
    const bool goes_on = i > 0 && rows[i - 1].sequence == sequence;
    if (!goes_on) trim(sequence, position);  // of a draft's rows too
    const float* before = goes_on ? hidden_of(i - 1) : hidden_before(sequence, position);
    add_row(computed.token[i], position, sequence, false, before);
  }
  const DecodeStatus status = decode();
  if (status != DecodeStatus::ok) return status;
  for (size_t i = 0; i < rows.size(); ++i) {
    const bool begins = i == 0 || rows[i - 1].sequence != rows[i].sequence;
    if (begins) kept_[size_t(rows[i].sequence)].values.clear();
    const size_t later = i + size_t(shape_.rows_kept);  // then the last ones are enough
    if (later < rows.size() && rows[later].sequence == rows[i].sequence) continue;
    keep(rows[i].sequence, computed.pos[i], hidden_of(i));
  }
  return status;
}

std::vector<std::vector<int32_t>> MtpHeads::draft(const std::vector<DraftStart>& starts) {
  std::vector<std::vector<int32_t>> drafts(starts.size());
  std::vector<int32_t> row_of(starts.size(), -1);
  for (int32_t depth = 0;; ++depth) {
    clear_rows();
    for (size_t i = 0; i < starts.size(); ++i) {
      const auto& [sequence, token, position, count] = starts[i];
      if (depth >= count) continue;
      if (depth == 0) trim(sequence, position);
      const float* hidden = depth == 0 ? hidden_before(sequence, position)
                                       : llama_get_embeddings_nextn_ith(context_.get(), row_of[i]);
      row_of[i] = add_row(depth == 0 ? token : drafts[i].back(), position + depth, sequence, true,
                          hidden ? hidden : zeros_.data());
    }
    if (row_count() == 0 || decode() != DecodeStatus::ok) break;
    for (size_t i = 0; i < starts.size(); ++i) {
      if (depth < starts[i].count) drafts[i].push_back(likeliest(row_of[i]));
    }
  }
  for (const DraftStart& start : starts) trim(start.sequence, start.position);
  return drafts;
}

int32_t MtpHeads::likeliest(int32_t row) {
  const float* logits = llama_get_logits_ith(context_.get(), row);
  return int32_t(std::max_element(logits, logits + vocabulary_) - logits);
}

const float* MtpHeads::hidden_before(int32_t sequence, int32_t position) const {
  const HiddenRows& kept = kept_[size_t(sequence)];
  const int32_t at = position - 1 - kept.first;
  const bool is_there = at >= 0 && size_t(at) < kept.values.size() / width_;
  return is_there ? kept.values.data() + size_t(at) * width_ : zeros_.data();
}

void MtpHeads::keep(int32_t sequence, int32_t position, const float* hidden) {
  HiddenRows& kept = kept_[size_t(sequence)];
  if (kept.values.empty()) kept.first = position;
  kept.values.insert(kept.values.end(), hidden, hidden + width_);
}

void MtpHeads::trim(int32_t sequence, int32_t position) {
  llama_memory_seq_rm(llama_get_memory(context_.get()), sequence, position, -1);
  HiddenRows& kept = kept_[size_t(sequence)];
  const size_t rows = size_t(std::max(0, position - kept.first));
  if (rows * width_ < kept.values.size()) kept.values.resize(rows * width_);
}

void MtpHeads::remove(int32_t sequence) {
  llama_memory_seq_rm(llama_get_memory(context_.get()), sequence, -1, -1);
  kept_[size_t(sequence)].values.clear();
}

void MtpHeads::remove_all() {
  llama_memory_clear(llama_get_memory(context_.get()), false);
  for (HiddenRows& kept : kept_) kept.values.clear();
}

int32_t MtpHeads::computed(int32_t sequence) const {
  return 1 + llama_memory_seq_pos_max(llama_get_memory(context_.get()), sequence);
}

size_t MtpHeads::state_bytes(int32_t sequence) {
  return llama_state_seq_get_size_ext(context_.get(), sequence, 0) + width_ * sizeof(float);
}

// The last hidden row, then llama.cpp's state.
bool MtpHeads::save(int32_t sequence, uint8_t* state, size_t bytes) {
  const size_t row_bytes = width_ * sizeof(float);
  std::memcpy(state, hidden_before(sequence, computed(sequence)), row_bytes);
  const size_t own = bytes - row_bytes;
  return own == llama_state_seq_get_data_ext(context_.get(), state + row_bytes, own, sequence, 0);
}

bool MtpHeads::restore(int32_t sequence, const uint8_t* state, size_t bytes) {
  const size_t row_bytes = width_ * sizeof(float);
  remove(sequence);
  if (bytes < row_bytes) return false;
  const size_t own = bytes - row_bytes;
  if (own != llama_state_seq_set_data_ext(context_.get(), state + row_bytes, own, sequence, 0)) {
    remove(sequence);
    return false;
  }
  std::vector<float> row(width_);
  std::memcpy(row.data(), state, row_bytes);
  keep(sequence, computed(sequence) - 1, row.data());
  return true;
}

}  // namespace sluice
