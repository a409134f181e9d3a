#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llama/kv-type.h"
#include "memory/placement.h"

struct llama_model;
struct llama_vocab;

namespace sluice {

class GrammarVocabulary;
class TokenMarks;
struct PromptText;

// The sampling values that a GGUF recommends (general.sampling.*).
struct RecommendedSampling {
  std::optional<double> temperature, top_p, min_p, repeat_penalty;
  std::optional<int32_t> top_k, repeat_last_n;
};

// The chat templates of a GGUF. llama.cpp uses two of them.
struct ModelTemplates {
  std::string without_name, tool_use;  // empty where there is none
  std::vector<std::string> others;     // names of those that are not used
};

// Where a model's weights go.
struct ModelParams {
  std::vector<std::string> devices;  // ggml's names; without any, only the CPU is used
  int32_t gpu_layers = 0;            // on them; the output counts as one
  std::vector<float> tensor_split;   // shares of them, by layers; empty is by free memory
  bool has_heads = false;            // with its MTP heads (see MtpHeads), which else stay unread
};

// Weights and vocabulary of one GGUF file. Immutable after load, so every method is const and safe
// from any thread. Shared by all engines of the process that load the same file; the last one frees
// it.
class Model {
 public:
  // Called with 0 to 1; returning false abandons the load.
  using Progress = std::function<bool(float)>;

  // Throws FaultError: model_not_found, model_invalid (also where it has no heads that can be used,
  // and they are asked for), cancelled.
  static std::shared_ptr<const Model> load(const std::string& path, const ModelParams& params,
                                           const Progress& progress);
  // Without its weights: to measure what it would take. Throws as load() does.
  static std::shared_ptr<const Model> outline(const std::string& path, const ModelParams& params);
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  std::string name() const;
  std::string description() const;
  uint64_t parameters() const;
  uint64_t bytes() const;
  int32_t trained_context() const;
  // The same, or as far as the file scales positions beyond it.
  int32_t context_reach() const;
  // Of positions that were not scaled: beyond it some models turn them by other factors.
  int32_t unscaled_context() const;
  int32_t vocabulary() const;
  ModelTemplates chat_templates() const;
  RecommendedSampling recommended_sampling() const;
  // Bytes that one token takes in the KV cache; an estimate for choosing a context.
  uint64_t kv_bytes_per_token(KvType type) const;
  // Quantized, each head's keys and values must divide into blocks of 32.
  bool can_hold_kv(KvType type) const;
  // Whether a sequence has a state beside its cells, or instead of them.
  bool has_states() const;
  // Whether llama.cpp keeps, beside such a state, those before the last tokens of a batch, so that
  // what was drafted and not accepted can be taken back (ContextParams::states_kept).
  bool can_keep_states() const;
  // The tokens that a text of so many bytes has at least; 0 where that is not known.
  int64_t tokens_min(size_t text_bytes) const;

  // The longest run, without a change between spaces and other characters, that a stack of this
  // size allows: 1,000,000 bytes at most.
  static size_t run_bytes_max(size_t stack_bytes);
  // With `parse_special` the names of control tokens in the text are those tokens. With both, the
  // text may itself name the token that every text begins or ends with: it is added only once.
  // Throws FaultError(invalid_request) when the text is over 8 MiB, or has a longer run than the
  // calling thread's stack allows.
  std::vector<int32_t> tokenize(std::string_view text, bool add_special, bool parse_special) const;
  // Adds the token that every text begins with. The prompt's content never becomes one of the
  // marks. Throws as the other one does.
  std::vector<int32_t> tokenize(const PromptText& prompt, const TokenMarks& marks) const;
  // Of what follows another part of a prompt: nothing is added at its ends.
  std::vector<int32_t> tokenize_rest(const PromptText& rest, const TokenMarks& marks) const;
  // Whether a text that is cut between a letter and a blank has the tokens of both parts.
  bool parts_at_blanks() const { return parts_at_blanks_; }
  // The same for a text that is all content, with nothing added.
  std::vector<int32_t> tokenize_content(std::string_view text, const TokenMarks& marks) const;
  std::string detokenize(const std::vector<int32_t>& tokens) const;
  // The bytes of each token, control tokens by name. Throws as detokenize does.
  std::vector<std::string> pieces(const std::vector<int32_t>& tokens) const;
  // Throws FaultError(invalid_request) for ids that are not in the vocabulary.
  void check_tokens(const std::vector<int32_t>& tokens) const;
  // The bytes of one generated token; control tokens have none.
  std::string piece(int32_t token) const;
  // The same, control tokens by name.
  std::string name(int32_t token) const;
  // Whether it was trained to fill a gap in a text.
  bool can_infill() const;
  // The prompt for what belongs between two texts. Throws FaultError(invalid_request) where it
  // cannot, and as tokenize does.
  std::vector<int32_t> infill(std::string_view before, std::string_view after) const;
  // The prompt of a reranker for a query and a document: by the template "rerank" of its file, or
  // with the marks of its vocabulary around them. Throws as tokenize does.
  std::vector<int32_t> ranked_pair(std::string_view query, std::string_view document) const;
  bool ends_generation(int32_t token) const;
  // Takes about 50 ms at 152k tokens.
  std::shared_ptr<const GrammarVocabulary> grammar_vocabulary() const;

  const ModelParams& params() const { return params_; }
  // With the output.
  int32_t layers() const;
  bool is_on_cpu_alone() const { return params_.devices.empty(); }
  // Whether its weights are mapped from the file; else they are read into memory.
  bool can_be_mapped() const { return can_be_mapped_; }
  // Whether all layers are on devices; then the CPU computes hardly anything.
  bool is_whole_on_devices() const;
  // Whether a batch under way can be aborted, on all of its devices.
  bool can_abort() const;

  llama_model* raw() const { return model_.get(); }

 private:
  struct ModelFree {
    void operator()(llama_model* model) const;
  };

  Model(llama_model* model, ModelParams params, bool can_be_mapped);
  static std::shared_ptr<const Model> load(const std::string& path, const ModelParams& params,
                                           const Progress& progress, bool is_outline);
  std::string metadata(const std::string& key) const;
  struct TokenizeHooks;
  std::vector<int32_t> tokenize(std::string_view text, bool add_special, bool parse_special,
                                TokenizeHooks& hooks) const;
  void drop_doubled(std::vector<int32_t>& tokens) const;
  struct HeadSizes {
    int32_t key, value;
  };
  HeadSizes head_sizes() const;

  std::unique_ptr<llama_model, ModelFree> model_;
  const ModelParams params_;
  const bool can_be_mapped_;
  const llama_vocab* vocab_;
  const std::unique_ptr<const TokenMarks> marks_;  // where no chat template writes others
  const bool wants_nfc_;  // text is put into that form before it is tokenized
  // Bytes of the longest token's; 0 where tokens are not pieces of the text.
  static size_t longest_piece(const llama_vocab* vocab);
  const size_t piece_bytes_max_;
  const bool parts_at_blanks_;
};

}  // namespace sluice
