#include "llama/tokens/known-beginning.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "llama.h"
#include "llama/runtime/runtime.h"
#include "test/check.h"

using sluice::KnownBeginning;
using sluice::PromptText;

namespace {

using ModelPtr = std::unique_ptr<llama_model, decltype(&llama_model_free)>;

PromptText text_of(const std::string& text) { return {text, {{0, text.size()}}}; }

// A token for each byte, with one of its own in front of a whole text; counts what it reads.
struct Bytes {
  size_t read = 0;
  bool adds_blank = false;
  int32_t at_end = 0;

  std::vector<int32_t> tokens(const PromptText& prompt, bool is_whole) {
    read += prompt.text.size();
    std::vector<int32_t> tokens;
    if (is_whole) tokens.push_back(1000);
    if (adds_blank) tokens.push_back(' ');
    tokens.insert(tokens.end(), prompt.text.begin(), prompt.text.end());
    if (at_end != 0 && is_whole) tokens.push_back(at_end);
    return tokens;
  }
  KnownBeginning::Tokenizer tokenizer() {
    return {[this](const PromptText& text) { return tokens(text, true); },
            [this](const PromptText& text) { return tokens(text, false); }};
  }
};

std::string long_text(size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += "words of a state ";
  return text;
}

// Words, numbers, marks, blanks and letters of other scripts, in any order.
std::string random_text(std::mt19937& random, size_t bytes) {
  static const std::vector<std::string> parts = {
      "the",  " ",   "  ",   "\n",   "\n\n", " A",    "word",  "s'",  "'re",     "7",
      "2024", ", ",  ". ",   "Ä",    "é",    " über", "中文",  "日 ", "e\u0301", "🙂",
      "\t",   "(x)", "</p>", "<|im", " I'm", "CAPS",  "don't", "a b", "x y z"};
  std::string text;
  while (text.size() < bytes) text += parts[random() % parts.size()];
  return text;
}

std::vector<int32_t> plain_tokens(const llama_vocab* vocab, const std::string& text, bool special) {
  std::vector<int32_t> tokens(text.size() + 8);
  const int32_t count = llama_tokenize(vocab, text.data(), int32_t(text.size()), tokens.data(),
                                       int32_t(tokens.size()), special, true);
  tokens.resize(size_t(count));
  return tokens;
}

bool parts_at_blanks(const llama_vocab* vocab) {
  char piece[1024];
  for (int32_t token = 0; token < llama_vocab_n_tokens(vocab); ++token) {
    const int32_t length = llama_token_to_piece(vocab, token, piece, sizeof(piece), 0, true);
    if (length < 0 || KnownBeginning::is_cut_in({piece, size_t(length)})) return false;
  }
  return true;
}

}  // namespace

TEST("known beginning: of prompts that begin alike, all but the first two read what is new") {
  Bytes bytes;
  KnownBeginning known;
  const std::string state = long_text(30000);
  for (int i = 0; i < 10; ++i) {
    const PromptText prompt = text_of(state + "and question " + std::to_string(i));
    bytes.read = 0;
    const std::vector<int32_t> tokens = known.tokens_of(prompt, "", bytes.tokenizer());
    if (i > 1) CHECK(bytes.read < 40);
    CHECK(tokens == bytes.tokens(prompt, true));
  }
}

TEST("known beginning: the turns of a conversation read what is new") {
  Bytes bytes;
  KnownBeginning known;
  std::string said = long_text(30000);
  for (int turn = 0; turn < 20; ++turn) {
    said += "a turn of it ";
    bytes.read = 0;
    const std::vector<int32_t> tokens = known.tokens_of(text_of(said), "", bytes.tokenizer());
    if (turn > 1) CHECK(bytes.read < 300);
    CHECK(tokens == bytes.tokens(text_of(said), true));
  }
}

TEST("known beginning: another salt, or a short prompt, is tokenized whole") {
  Bytes bytes;
  KnownBeginning known;
  const PromptText prompt = text_of(long_text(30000));
  for (const std::string salt : {"a", "a", "b", "a"}) {
    known.tokens_of(prompt, salt, bytes.tokenizer());
  }
  // Of the second all is read twice: the beginning, and the rest of both.
  CHECK(bytes.read > 4 * prompt.text.size());
  bytes.read = 0;
  for (int i = 0; i < 5; ++i) known.tokens_of(text_of("a b c"), "", bytes.tokenizer());
  CHECK_EQ(bytes.read, size_t(25));
}

TEST("known beginning: is not used where the same bytes are content in one prompt alone") {
  Bytes bytes;
  KnownBeginning known;
  const std::string text = long_text(30000);
  std::vector<PromptText> prompts = {text_of(text), text_of(text), {text, {}}, {text, {{5, 9}}}};
  for (const PromptText& prompt : prompts) {
    bytes.read = 0;
    known.tokens_of(prompt, "", bytes.tokenizer());
  }
  CHECK(bytes.read >= text.size());
}

TEST("known beginning: a tokenizer that puts a blank before each text has the same tokens") {
  Bytes bytes;
  bytes.adds_blank = true;
  KnownBeginning known;
  const std::string state = long_text(30000);
  for (int i = 0; i < 5; ++i) {
    const PromptText prompt = text_of(state + "question " + std::to_string(i));
    bytes.read = 0;
    const std::vector<int32_t> tokens = known.tokens_of(prompt, "", bytes.tokenizer());
    if (i > 1) CHECK(bytes.read < 40);
    CHECK(tokens == bytes.tokens(prompt, true));
  }
}

TEST("known beginning: a tokenizer that adds a token at the end is asked for each whole prompt") {
  Bytes bytes;
  bytes.at_end = 1001;
  KnownBeginning known;
  const std::string state = long_text(30000);
  for (int i = 0; i < 5; ++i) {
    const PromptText prompt = text_of(state + "question " + std::to_string(i));
    CHECK(known.tokens_of(prompt, "", bytes.tokenizer()) == bytes.tokens(prompt, true));
  }
}

TEST("known beginning: a cut is between a letter and a blank before a letter") {
  CHECK_EQ(KnownBeginning::last_cut("ab cd ef", 8), size_t(5));
  CHECK_EQ(KnownBeginning::last_cut("ab cd ef", 6), size_t(2));
  CHECK_EQ(KnownBeginning::last_cut("ab  cd. e 7", 11), size_t(0));
  CHECK(KnownBeginning::is_cut_in("ab "));
  CHECK(KnownBeginning::is_cut_in("a b"));
  CHECK(!KnownBeginning::is_cut_in(" ab"));
  CHECK(!KnownBeginning::is_cut_in(". "));
}

TEST("known beginning: every vocabulary of llama.cpp's tree has the tokens of both parts") {
  sluice::start_runtime();
  llama_model_params params = llama_model_default_params();
  params.vocab_only = true;
  int32_t tried = 0;
  for (const auto& file : std::filesystem::directory_iterator(SLUICE_LLAMA_CPP_DIR "/models")) {
    if (file.path().extension() != ".gguf") continue;
    const ModelPtr model(llama_model_load_from_file(file.path().string().c_str(), params),
                         llama_model_free);
    if (!model) continue;
    const llama_vocab* vocab = llama_model_get_vocab(model.get());
    const auto type = llama_vocab_type(vocab);
    if (type != LLAMA_VOCAB_TYPE_BPE && type != LLAMA_VOCAB_TYPE_SPM) continue;
    if (!parts_at_blanks(vocab)) continue;
    const KnownBeginning::Tokenizer tokenizer = {
        [&](const PromptText& text) { return plain_tokens(vocab, text.text, true); },
        [&](const PromptText& text) { return plain_tokens(vocab, text.text, false); }};
    std::mt19937 random(1);
    KnownBeginning known;
    const std::string state = random_text(random, KnownBeginning::kWorthBytes + 200);
    for (int i = 0; i < 12; ++i) {
      const PromptText prompt = text_of(state + " so to say " + random_text(random, 60));
      const std::vector<int32_t> whole = tokenizer.whole(prompt);
      if (known.tokens_of(prompt, "", tokenizer) == whole) continue;
      CHECK_EQ(file.path().filename().string() + " differs", "");
    }
    ++tried;
  }
  CHECK(tried >= 12);
}
