#include "llama/tokens/known-beginning.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <new>
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
  int fails_after = -1;  // calls

  std::vector<int32_t> tokens(const PromptText& prompt, bool is_whole) {
    if (fails_after >= 0 && fails_after-- == 0) throw std::bad_alloc();
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

bool fails(const std::function<void()>& run) {
  try {
    run();
  } catch (const std::bad_alloc&) {
    return true;
  }
  return false;
}

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

// What a prompt may go on with where a beginning ended in " say".
const std::vector<std::string> kEndings = {"ing on", "'s", "\n", "", "e\u0301", " ", " 7", "  a"};

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
  // A byte that a tokenizer takes together with the blank after it.
  CHECK_EQ(KnownBeginning::last_cut("\xF0"
                                    "ab cd",
                                    6),
           size_t(0));
}

TEST("known beginning: a token meets a cut that its text goes over, a special one beside it too") {
  for (const bool is_special : {false, true}) {
    CHECK(KnownBeginning::may_meet_cut("ab ", is_special));
    CHECK(KnownBeginning::may_meet_cut("a b", is_special));
    CHECK(!KnownBeginning::may_meet_cut(". ", is_special));
    CHECK(!KnownBeginning::may_meet_cut(" <a>", is_special));
    CHECK(!KnownBeginning::may_meet_cut("", is_special));
  }
  for (const std::string name : {"IMG>", " IMG>", "<IMG", " "}) {
    CHECK(KnownBeginning::may_meet_cut(name, true));
    CHECK(!KnownBeginning::may_meet_cut(name, false));
  }
}

TEST("known beginning: is not used for a prompt that has no cut where it ends") {
  for (const bool adds_blank : {false, true}) {
    for (const std::string& ending : kEndings) {
      Bytes bytes;
      bytes.adds_blank = adds_blank;
      KnownBeginning known;
      const std::string state = long_text(30000) + "to say";
      known.tokens_of(text_of(state + " one"), "", bytes.tokenizer());
      known.tokens_of(text_of(state + " only"), "", bytes.tokenizer());
      const PromptText third = text_of(state + ending);
      bytes.read = 0;
      CHECK(known.tokens_of(third, "", bytes.tokenizer()) == bytes.tokens(third, true));
      CHECK(bytes.read >= third.text.size());
    }
  }
}

TEST("known beginning: nothing is known of another salt's prompt, after a failure too") {
  Bytes bytes;
  KnownBeginning known;
  const PromptText prompt = text_of(long_text(30000));
  known.tokens_of(prompt, "a", bytes.tokenizer());
  known.tokens_of(prompt, "a", bytes.tokenizer());
  bytes.fails_after = 0;
  CHECK(fails([&] { known.tokens_of(text_of(long_text(20000)), "b", bytes.tokenizer()); }));
  bytes.fails_after = -1;
  bytes.read = 0;
  known.tokens_of(prompt, "b", bytes.tokenizer());
  CHECK_EQ(bytes.read, prompt.text.size());
}

TEST("known beginning: what is known stays where a tokenization fails") {
  for (const int after : {0, 1, 2}) {
    Bytes bytes;
    KnownBeginning known;
    const std::string state = long_text(30000);
    const PromptText prompt = text_of(state + "and one");
    known.tokens_of(text_of(state + "and another"), "", bytes.tokenizer());
    bytes.fails_after = after;
    CHECK(fails([&] { known.tokens_of(prompt, "", bytes.tokenizer()); }));
    bytes.fails_after = -1;
    CHECK(known.tokens_of(prompt, "", bytes.tokenizer()) == bytes.tokens(prompt, true));
    bytes.read = 0;
    CHECK(known.tokens_of(prompt, "", bytes.tokenizer()).size() == prompt.text.size() + 1);
    CHECK(bytes.read < 40);
  }
}

TEST("known beginning: prompts that share less than half are each read once") {
  Bytes bytes;
  KnownBeginning known;
  const std::string state = long_text(18000);
  for (const std::string letter : {"a", "b", "c"}) {
    std::string text = state;
    while (text.size() < 50000) text += letter + " ";
    bytes.read = 0;
    known.tokens_of(text_of(text), "", bytes.tokenizer());
    CHECK_EQ(bytes.read, text.size());
  }
}

TEST("known beginning: a prompt that is too long is tokenized whole, which refuses it") {
  Bytes bytes;
  KnownBeginning known;
  const std::string state = long_text(sluice::kTextBytesMax - 100);
  known.tokens_of(text_of(state + "one"), "", bytes.tokenizer());
  known.tokens_of(text_of(state + "two"), "", bytes.tokenizer());
  bytes.read = 0;
  known.tokens_of(text_of(state + long_text(200)), "", bytes.tokenizer());
  CHECK(bytes.read > sluice::kTextBytesMax);
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
    if (!KnownBeginning::is_right_for(model.get())) continue;
    const KnownBeginning::Tokenizer tokenizer = {
        [&](const PromptText& text) { return plain_tokens(vocab, text.text, true); },
        [&](const PromptText& text) { return plain_tokens(vocab, text.text, false); }};
    std::mt19937 random(1);
    KnownBeginning known;
    const std::string state = random_text(random, KnownBeginning::kWorthBytes + 200);
    std::vector<std::string> endings = {" one", " only"};
    endings.insert(endings.end(), kEndings.begin(), kEndings.end());
    for (int i = 0; i < 12; ++i) endings.push_back(" " + random_text(random, 60));
    for (const std::string& ending : endings) {
      const PromptText prompt = text_of(state + " so to say" + ending);
      const std::vector<int32_t> whole = tokenizer.whole(prompt);
      if (known.tokens_of(prompt, "", tokenizer) == whole) continue;
      CHECK_EQ(file.path().filename().string() + " differs", "");
    }
    ++tried;
  }
  CHECK(tried >= 12);
}
