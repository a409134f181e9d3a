#include "llama/model.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <set>

#include "base/fault.h"
#include "base/stack.h"
#include "ggml-backend.h"
#include "gguf/gguf-preflight.h"
#include "grammar/grammar-vocabulary.h"
#include "llama.h"
#include "llama/runtime/assert-scope.h"
#include "llama/runtime/no-memory.h"
#include "llama/runtime/runtime.h"
#include "llama/tokens/known-beginning.h"
#include "llama/tokens/nfc.h"
#include "llama/tokens/normalization.h"
#include "llama/tokens/prompt-text.h"
#include "llama/tokens/token-marks.h"

namespace sluice {
namespace {

std::string text_of(const char* text) { return text ? text : ""; }

constexpr size_t kRunBytesMax = 1000000;
// Bytes of stack that std::regex takes for each character of a match.
#ifdef _MSC_VER
constexpr size_t kRunStackBytes = 1024;
#else
constexpr size_t kRunStackBytes = 384;
#endif

bool is_space(char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

// How many times shorter normalization form C may make a text: three letters of Hangul become one
// syllable.
constexpr size_t kNfcShrinksMax = 3;

void check_size(std::string_view text) {
  if (text.size() <= kTextBytesMax) return;
  throw FaultError(FaultCode::invalid_request,
                   "a text of " + std::to_string(text.size()) +
                       " bytes is too large to be tokenized; expected at most " +
                       std::to_string(kTextBytesMax));
}

void check_runs(std::string_view text) {
  const size_t run_max = Model::run_bytes_max(stack_bytes());
  size_t run = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    run = i > 0 && is_space(text[i]) == is_space(text[i - 1]) ? run + 1 : 1;
    if (run <= run_max) continue;
    throw FaultError(FaultCode::invalid_request,
                     "the text holds a run of over " + std::to_string(run_max) +
                         " bytes without a space (or of spaces alone); break it up" +
                         (run_max < kRunBytesMax ? small_stack_hint() : ""));
  }
}

// In millions or billions: "2.7M", "0.6B", "8.0B".
std::string size_label(uint64_t parameters) {
  const bool is_small = parameters < 100000000;
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f%c", double(parameters) / (is_small ? 1e6 : 1e9),
                is_small ? 'M' : 'B');
  return text;
}

// `names` gives control tokens theirs; else they are empty.
std::string bytes_of(const llama_vocab* vocab, int32_t token, bool names) {
  char small[64];
  const int32_t length = llama_token_to_piece(vocab, token, small, sizeof(small), 0, names);
  if (length >= 0) return std::string(small, size_t(length));
  std::string large(size_t(-length), '\0');
  llama_token_to_piece(vocab, token, large.data(), -length, 0, names);
  return large;
}

PreflightResult check_file(const std::string& path) {
  PreflightResult preflight = preflight_gguf(path);
  if (preflight.ok) return preflight;
  throw FaultError(preflight.not_found ? FaultCode::model_not_found : FaultCode::model_invalid,
                   preflight.message);
}

bool on_progress(float fraction, void* progress) {
  return (*static_cast<const Model::Progress*>(progress))(fraction);
}

// Throws for models that the engine cannot run, before a context is made.
void check_kind(const llama_model* model, const std::string& path) {
  const llama_vocab* vocab = llama_model_get_vocab(model);
  const char* why = nullptr;
  if (llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_NONE) why = "it has no tokenizer";
  if (llama_model_has_encoder(model)) why = "it needs an encoder";
  if (!llama_model_has_decoder(model)) why = "it has no decoder and cannot generate text";
  if (llama_model_is_diffusion(model)) why = "it is a diffusion model";
  if (!why) return;
  throw FaultError(FaultCode::model_invalid,
                   path + " cannot be used: " + why +
                       "; use a decoder-only language model, or one for embeddings");
}

// Architectures whose states llama.cpp keeps. It does so for more, which were not tried here.
const std::set<std::string> kKeepStates = {"qwen35", "qwen35moe"};

// Architectures for which llama.cpp has a graph of the heads, and whose sequences can be cut back
// to what was accepted. Without such a graph it would compute the model itself in their place.
const std::set<std::string> kWithHeads = {"deepseek2", "glm4moe", "hy_v3", "qwen35", "qwen35moe"};

void check_heads(const llama_model* model, const std::string& architecture,
                 const std::string& path) {
  if (llama_model_n_layer_nextn(model) == 0) {
    throw FaultError(FaultCode::model_invalid,
                     path + " has no MTP heads to draft with; leave mtp out");
  }
  if (kWithHeads.count(architecture) > 0) return;
  throw FaultError(FaultCode::model_invalid,
                   path + " has MTP heads, but those of its architecture (" + architecture +
                       ") cannot be used yet; leave mtp out");
}

// What llama.cpp reads of ModelParams while it loads.
struct Devices {
  std::vector<ggml_backend_dev_t> list;  // ends with null
  std::vector<float> split;
};

Devices devices_of(const ModelParams& params) {
  Devices devices;
  for (const std::string& name : params.devices) {
    ggml_backend_dev_t device = ggml_backend_dev_by_name(name.c_str());
    if (!device) throw FaultError(FaultCode::gpu_unavailable, "device " + name + " is gone");
    devices.list.push_back(device);
  }
  devices.list.push_back(nullptr);
  devices.split = params.tensor_split;
  // It reads so many.
  devices.split.resize(std::max(llama_max_devices(), params.devices.size()));
  return devices;
}

// llama.cpp maps nothing where one of them takes no mapped memory.
bool take_mapped_files(const Devices& devices) {
  for (ggml_backend_dev_t device : devices.list) {
    if (!device) continue;
    ggml_backend_dev_props props;
    ggml_backend_dev_get_props(device, &props);
    if (!props.caps.mmap_support) return false;
  }
  return true;
}

std::optional<double> number(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return std::strtod(text.c_str(), nullptr);
}

std::optional<int32_t> integer(const std::string& text) {
  if (text.empty()) return std::nullopt;
  return static_cast<int32_t>(std::strtol(text.c_str(), nullptr, 10));
}

// A reranker's template with the two texts in the places that it names.
PromptText filled_template(std::string_view written, std::string_view query,
                           std::string_view document) {
  constexpr std::string_view kQuery = "{query}", kDocument = "{document}";
  PromptText prompt;
  while (!written.empty()) {
    const size_t place = std::min(written.find(kQuery), written.find(kDocument));
    prompt.append(std::string(written.substr(0, place)), false);
    if (place == std::string_view::npos) break;
    written.remove_prefix(place);
    const bool is_query = written.substr(0, kQuery.size()) == kQuery;
    prompt.append(std::string(is_query ? query : document), true);
    written.remove_prefix(is_query ? kQuery.size() : kDocument.size());
  }
  return prompt;
}

}  // namespace

size_t Model::run_bytes_max(size_t stack_bytes) {
  return stack_limit(stack_bytes, kRunStackBytes, kRunBytesMax);
}

void Model::ModelFree::operator()(llama_model* model) const { llama_model_free(model); }

std::shared_ptr<const Model> Model::load(const std::string& path, const ModelParams& asked,
                                         const Progress& progress) {
  return load(path, asked, progress, false);
}

std::shared_ptr<const Model> Model::outline(const std::string& path, const ModelParams& asked) {
  return load(path, asked, [](float) { return true; }, true);
}

std::shared_ptr<const Model> Model::load(const std::string& path, const ModelParams& asked,
                                         const Progress& progress, bool is_outline) {
  start_runtime();
  const bool is_aligned = check_file(path).can_be_mapped;
  Devices devices = devices_of(asked);
  llama_model_params params = llama_model_default_params();
  params.devices = devices.list.data();
  params.tensor_split = devices.split.data();
  params.split_mode = asked.devices.size() > 1 ? LLAMA_SPLIT_MODE_LAYER : LLAMA_SPLIT_MODE_NONE;
  params.n_gpu_layers = asked.devices.empty() ? 0 : asked.gpu_layers;
  params.no_alloc = is_outline;
  params.load_mtp = asked.has_heads;
  if (is_outline || !is_aligned) params.load_mode = LLAMA_LOAD_MODE_NONE;
  bool abandoned = false;
  Progress watched = [&](float fraction) {
    abandoned = !progress(fraction);
    return !abandoned;
  };
  params.progress_callback = on_progress;
  params.progress_callback_user_data = &watched;

  ErrorLogScope log;
  AssertScope asserts;
  llama_model* raw = llama_model_load_from_file(path.c_str(), params);
  if (abandoned) {
    llama_model_free(raw);
    throw FaultError(FaultCode::cancelled, "loading " + path + " was abandoned");
  }
  if (!raw) {
    const std::string& why = asserts.failure().empty() ? log.text() : asserts.failure();
    if (is_of_memory(log.text() + why)) {
      throw FaultError(FaultCode::out_of_memory, "there is no memory for " + path + ": " + why);
    }
    if (is_of_threads(log.text() + why)) {
      throw FaultError(
          FaultCode::engine_failed,
          "the system gave no thread to load " + path +
              " with; let the process have more threads or memory (ulimit -u, -v): " + why);
    }
    throw FaultError(FaultCode::model_invalid, "llama.cpp could not load " + path + ": " + why);
  }
  std::shared_ptr<Model> model(new Model(raw, asked, is_aligned && take_mapped_files(devices)));
  check_kind(raw, path);
  if (asked.has_heads) check_heads(raw, model->metadata("general.architecture"), path);
  return model;
}

Model::Model(llama_model* model, ModelParams params, bool can_be_mapped)
    : model_(model),
      params_(std::move(params)),
      can_be_mapped_(can_be_mapped),
      vocab_(llama_model_get_vocab(model)),
      marks_(std::make_unique<TokenMarks>(vocab_, std::set<std::string>())),
      wants_nfc_(sluice::wants_nfc(metadata("tokenizer.ggml.pre"))),
      piece_bytes_max_(longest_piece(vocab_)),
      parts_at_blanks_(KnownBeginning::is_right_for(model)) {}

Model::~Model() = default;

std::string Model::metadata(const std::string& key) const {
  char value[512];
  const int32_t length = llama_model_meta_val_str(model_.get(), key.c_str(), value, sizeof(value));
  return length < 0 ? std::string() : std::string(value);
}

// Not by llama_model_chat_template(), which makes up a name for some models that have none.
ModelTemplates Model::chat_templates() const {
  const std::string key = "tokenizer.chat_template";
  ModelTemplates found;
  for (int32_t i = 0; i < llama_model_meta_count(model_.get()); ++i) {
    char name[256];
    if (llama_model_meta_key_by_index(model_.get(), i, name, sizeof(name)) < 0) continue;
    const std::string entry = name;
    if (entry.rfind(key, 0) != 0) continue;
    if (entry == key) {
      found.without_name = text_of(llama_model_chat_template(model_.get(), nullptr));
    } else if (entry == key + ".tool_use") {
      found.tool_use = text_of(llama_model_chat_template(model_.get(), "tool_use"));
    } else if (entry[key.size()] == '.') {
      found.others.push_back(entry.substr(key.size() + 1));
    }
  }
  return found;
}

std::string Model::name() const { return metadata("general.name"); }

// llama.cpp knows the sizes of published models; that of others it calls "?B".
std::string Model::description() const {
  char text[256];
  llama_model_desc(model_.get(), text, sizeof(text));
  std::string description = text;
  const size_t unknown = description.find("?B");
  if (unknown != std::string::npos) description.replace(unknown, 2, size_label(parameters()));
  return description;
}

uint64_t Model::parameters() const { return llama_model_n_params(model_.get()); }
uint64_t Model::bytes() const { return llama_model_size(model_.get()); }
int32_t Model::trained_context() const { return llama_model_n_ctx_train(model_.get()); }
// As llama.cpp takes it: by position where the file has a factor and no type.
int32_t Model::context_reach() const {
  const std::string rope = metadata("general.architecture") + ".rope.";
  const auto numeric = [&](const char* name) { return number(metadata(rope + name)); };
  std::optional<double> factor = numeric("scaling.factor");
  if (!factor) factor = numeric("scale_linear");
  const int32_t trained = trained_context();
  if (!factor || *factor <= 1 || metadata(rope + "scaling.type") == "none") return trained;
  const double scaled = *factor * numeric("scaling.original_context_length").value_or(trained);
  return int32_t(std::clamp(scaled, double(trained), double(INT32_MAX)));
}

int32_t Model::unscaled_context() const {
  const std::string key = ".rope.scaling.original_context_length";
  const std::optional<double> original = number(metadata(metadata("general.architecture") + key));
  return int32_t(std::clamp(original.value_or(trained_context()), 0.0, double(INT32_MAX)));
}

int32_t Model::vocabulary() const { return llama_vocab_n_tokens(vocab_); }

RecommendedSampling Model::recommended_sampling() const {
  const auto value = [&](llama_model_meta_key key) {
    return metadata(llama_model_meta_key_str(key));
  };
  RecommendedSampling sampling;
  sampling.temperature = number(value(LLAMA_MODEL_META_KEY_SAMPLING_TEMP));
  sampling.top_p = number(value(LLAMA_MODEL_META_KEY_SAMPLING_TOP_P));
  sampling.min_p = number(value(LLAMA_MODEL_META_KEY_SAMPLING_MIN_P));
  sampling.repeat_penalty = number(value(LLAMA_MODEL_META_KEY_SAMPLING_PENALTY_REPEAT));
  sampling.top_k = integer(value(LLAMA_MODEL_META_KEY_SAMPLING_TOP_K));
  sampling.repeat_last_n = integer(value(LLAMA_MODEL_META_KEY_SAMPLING_PENALTY_LAST_N));
  return sampling;
}

Model::HeadSizes Model::head_sizes() const {
  const std::string prefix = metadata("general.architecture") + ".attention.";
  const int32_t heads = std::max(1, llama_model_n_head(model_.get()));
  const int32_t usual = llama_model_n_embd(model_.get()) / heads;
  const auto size = [&](const char* name) {
    return std::clamp(integer(metadata(prefix + name)).value_or(usual), 1, 1 << 16);
  };
  return {size("key_length"), size("value_length")};
}

uint64_t Model::kv_bytes_per_token(KvType type) const {
  const HeadSizes sizes = head_sizes();
  const uint64_t heads = uint64_t(std::max(1, llama_model_n_head_kv(model_.get())));
  const int32_t own = std::max(1, llama_model_n_layer(model_.get()));
  const int32_t more = params_.has_heads ? llama_model_n_layer_nextn(model_.get()) : 0;
  const uint64_t layers = uint64_t(own + more);
  const uint64_t values = layers * heads * uint64_t(sizes.key + sizes.value);
  return kv_bytes(type, values);
}

bool Model::can_hold_kv(KvType type) const {
  if (!is_quantized(type)) return true;
  const HeadSizes sizes = head_sizes();
  return sizes.key % 32 == 0 && sizes.value % 32 == 0;
}

bool Model::has_states() const {
  return llama_model_is_recurrent(model_.get()) || llama_model_is_hybrid(model_.get());
}

bool Model::can_keep_states() const {
  return has_states() && kKeepStates.count(metadata("general.architecture")) > 0;
}

int32_t Model::layers() const {
  return llama_model_n_layer(model_.get()) + llama_model_n_layer_nextn(model_.get()) + 1;
}

bool Model::is_whole_on_devices() const {
  return !is_on_cpu_alone() && params_.gpu_layers >= layers();
}

bool Model::can_abort() const {
  return std::all_of(params_.devices.begin(), params_.devices.end(), [](const std::string& name) {
    ggml_backend_reg_t registry =
        ggml_backend_dev_backend_reg(ggml_backend_dev_by_name(name.c_str()));
    return ggml_backend_reg_get_proc_address(registry, "ggml_backend_set_abort_callback") !=
           nullptr;
  });
}

int64_t Model::tokens_min(size_t text_bytes) const {
  if (piece_bytes_max_ == 0) return 0;
  return int64_t(text_bytes / piece_bytes_max_ / (wants_nfc_ ? kNfcShrinksMax : 1));
}

// Only where a text is just its tokens one after the other.
size_t Model::longest_piece(const llama_vocab* vocab) {
  const auto type = llama_vocab_type(vocab);
  if (type != LLAMA_VOCAB_TYPE_BPE && type != LLAMA_VOCAB_TYPE_SPM) return 0;
  size_t longest = 1;
  char piece[1024];
  for (int32_t token = 0; token < llama_vocab_n_tokens(vocab); ++token) {
    const int32_t length = llama_token_to_piece(vocab, token, piece, sizeof(piece), 0, true);
    longest = std::max(longest, size_t(std::abs(length)));
  }
  return longest;
}

// The hooks of llama.cpp's tokenizer. Need deps/patches/tokenize-hooks.patch; without it no text is
// put into form C, and no part of a prompt counts as content.
struct Model::TokenizeHooks {
  const PromptText* prompt = nullptr;  // null: the text has no content, whose marks would be text
  const TokenMarks* marks = nullptr;
  std::string in_form;

  static bool is_special(int32_t token, size_t begin, size_t end, void* self) {
    const auto& hooks = *static_cast<const TokenizeHooks*>(self);
    return !hooks.prompt->has_content_in(begin, end) || !hooks.marks->is_mark(token);
  }

  static const char* normalized(const char* text, size_t* length, void* self) {
    const std::string_view given(text, *length);
    if (!may_lack_nfc(given)) return text;
    std::string& in_form = static_cast<TokenizeHooks*>(self)->in_form;
    in_form = nfc(given);
    *length = in_form.size();
    return in_form.data();
  }
};

std::vector<int32_t> Model::tokenize(std::string_view text, bool add_special,
                                     bool parse_special) const {
  TokenizeHooks hooks;
  std::vector<int32_t> tokens = tokenize(text, add_special, parse_special, hooks);
  if (add_special && parse_special) drop_doubled(tokens);
  return tokens;
}

std::vector<int32_t> Model::tokenize(const PromptText& prompt, const TokenMarks& marks) const {
  TokenizeHooks hooks{&prompt, &marks, {}};
  std::vector<int32_t> tokens = tokenize(prompt.text, true, true, hooks);
  drop_doubled(tokens);
  return tokens;
}

std::vector<int32_t> Model::tokenize_rest(const PromptText& rest, const TokenMarks& marks) const {
  TokenizeHooks hooks{&rest, &marks, {}};
  return tokenize(rest.text, false, true, hooks);
}

std::vector<int32_t> Model::tokenize_content(std::string_view text, const TokenMarks& marks) const {
  PromptText prompt;
  prompt.append(std::string(text), true);
  TokenizeHooks hooks{&prompt, &marks, {}};
  return tokenize(prompt.text, false, false, hooks);
}

// Drops tokens that the vocabulary added though the text had them already.
void Model::drop_doubled(std::vector<int32_t>& tokens) const {
  const auto type = llama_vocab_type(vocab_);
  const bool is_word_pieces = type == LLAMA_VOCAB_TYPE_WPM;
  const bool adds = is_word_pieces || type == LLAMA_VOCAB_TYPE_SPM ||
                    type == LLAMA_VOCAB_TYPE_BPE || type == LLAMA_VOCAB_TYPE_UGM;
  if (!adds) return;
  const int32_t first = llama_vocab_bos(vocab_);
  const int32_t last = is_word_pieces ? llama_vocab_sep(vocab_) : llama_vocab_eos(vocab_);
  const bool has_first = is_word_pieces || llama_vocab_get_add_bos(vocab_);
  const bool has_last = is_word_pieces || llama_vocab_get_add_eos(vocab_);
  if (has_first) {
    const auto other =
        std::find_if(tokens.begin(), tokens.end(), [&](int32_t token) { return token != first; });
    if (other - tokens.begin() > 1) tokens.erase(tokens.begin() + 1, other);
  }
  if (!has_last) return;
  while (tokens.size() > 1 && tokens.back() == last && tokens[tokens.size() - 2] == last) {
    tokens.pop_back();
  }
}

std::vector<int32_t> Model::tokenize(std::string_view text, bool add_special, bool parse_special,
                                     TokenizeHooks& asked) const {
  check_size(text);
  check_runs(text);
  if (wants_nfc_ && may_lack_nfc(text)) check_runs(nfc(text));
  const AssertScope asserts;
  const int32_t length = static_cast<int32_t>(text.size());
  std::vector<int32_t> tokens(text.size() + 8);
  const auto fill = [&] {
#ifdef SLUICE_TELLS_ORIGINS
    llama_tokenize_hooks hooks{};
    if (asked.prompt) hooks.is_special = TokenizeHooks::is_special;
    if (wants_nfc_) hooks.normalized = TokenizeHooks::normalized;
    hooks.data = &asked;
    return llama_tokenize_hooked(vocab_, text.data(), length, tokens.data(),
                                 static_cast<int32_t>(tokens.size()), add_special, parse_special,
                                 &hooks);
#else
    (void)asked;
    return llama_tokenize(vocab_, text.data(), length, tokens.data(),
                          static_cast<int32_t>(tokens.size()), add_special, parse_special);
#endif
  };
  int32_t count = fill();
  if (count < 0 && count != std::numeric_limits<int32_t>::min()) {
    tokens.resize(size_t(-count));
    count = fill();
  }
  if (count < 0)
    throw FaultError(FaultCode::invalid_request, "llama.cpp cannot tokenize this text");
  tokens.resize(size_t(count));
  return tokens;
}

void Model::check_tokens(const std::vector<int32_t>& tokens) const {
  for (int32_t token : tokens) {
    if (token >= 0 && token < vocabulary()) continue;
    throw FaultError(FaultCode::invalid_request, "token " + std::to_string(token) +
                                                     " is not in the vocabulary; expected 0 to " +
                                                     std::to_string(vocabulary() - 1));
  }
}

std::string Model::detokenize(const std::vector<int32_t>& tokens) const {
  check_tokens(tokens);
  const AssertScope asserts;
  std::string text(tokens.size() * 8 + 8, '\0');
  const auto fill = [&] {
    return llama_detokenize(vocab_, tokens.data(), static_cast<int32_t>(tokens.size()), text.data(),
                            static_cast<int32_t>(text.size()), false, true);
  };
  int32_t length = fill();
  if (length < 0) {
    text.resize(size_t(-length));
    length = fill();
  }
  text.resize(size_t(std::max(0, length)));
  return text;
}

std::vector<std::string> Model::pieces(const std::vector<int32_t>& tokens) const {
  check_tokens(tokens);
  std::vector<std::string> all;
  for (int32_t token : tokens) all.push_back(bytes_of(vocab_, token, true));
  return all;
}

std::string Model::piece(int32_t token) const { return bytes_of(vocab_, token, false); }

std::string Model::name(int32_t token) const { return bytes_of(vocab_, token, true); }

bool Model::can_infill() const {
  const auto is_there = [](llama_token token) { return token != LLAMA_TOKEN_NULL; };
  return is_there(llama_vocab_fim_pre(vocab_)) && is_there(llama_vocab_fim_suf(vocab_)) &&
         is_there(llama_vocab_fim_mid(vocab_));
}

std::vector<int32_t> Model::infill(std::string_view before, std::string_view after) const {
  if (!can_infill()) {
    throw FaultError(FaultCode::invalid_request,
                     "this model cannot fill a gap: its vocabulary has no tokens for prefix, "
                     "suffix and middle; leave the suffix out");
  }
  std::vector<int32_t> prompt;
  if (llama_vocab_get_add_bos(vocab_)) prompt.push_back(llama_vocab_bos(vocab_));
  // The texts around the gap are content: names of control tokens in them are text.
  const auto append = [&](llama_token mark, std::string_view text) {
    prompt.push_back(mark);
    const std::vector<int32_t> tokens = tokenize_content(text, *marks_);
    prompt.insert(prompt.end(), tokens.begin(), tokens.end());
  };
  append(llama_vocab_fim_pre(vocab_), before);
  append(llama_vocab_fim_suf(vocab_), after);
  prompt.push_back(llama_vocab_fim_mid(vocab_));
  return prompt;
}

std::vector<int32_t> Model::ranked_pair(std::string_view query, std::string_view document) const {
  if (const char* written = llama_model_chat_template(model_.get(), "rerank")) {
    const PromptText prompt = filled_template(written, query, document);
    TokenizeHooks hooks{&prompt, marks_.get(), {}};
    return tokenize(prompt.text, false, true, hooks);
  }
  // As llama-server has it. The texts are content: names of control tokens in them are text.
  std::vector<int32_t> prompt;
  const auto append = [&](std::string_view text) {
    const std::vector<int32_t> tokens = tokenize_content(text, *marks_);
    prompt.insert(prompt.end(), tokens.begin(), tokens.end());
  };
  const llama_token separator = llama_vocab_sep(vocab_);
  const llama_token eos = llama_vocab_eos(vocab_);
  const llama_token end = eos == LLAMA_TOKEN_NULL ? separator : eos;
  const bool adds_end = llama_vocab_get_add_eos(vocab_);
  if (llama_vocab_get_add_bos(vocab_)) prompt.push_back(llama_vocab_bos(vocab_));
  append(query);
  if (adds_end) prompt.push_back(end);
  if (llama_vocab_get_add_sep(vocab_)) prompt.push_back(separator);
  append(document);
  if (adds_end) prompt.push_back(end);
  return prompt;
}

bool Model::ends_generation(int32_t token) const { return llama_vocab_is_eog(vocab_, token); }

std::shared_ptr<const GrammarVocabulary> Model::grammar_vocabulary() const {
  std::vector<std::string> pieces;
  std::vector<int32_t> ends;
  for (int32_t token = 0; token < vocabulary(); ++token) {
    pieces.push_back(piece(token));
    if (ends_generation(token)) ends.push_back(token);
  }
  return std::make_shared<GrammarVocabulary>(std::move(pieces), ends);
}

}  // namespace sluice
