#include "engine/request/pending-logprobs.h"

#include <random>
#include <string>

#include "engine/request/text-stream.h"
#include "test/check.h"

using sluice::PendingLogprobs;
using sluice::TextStream;
using sluice::TokenLogprobs;

namespace {

TokenLogprobs entry(const std::string& bytes) { return {{bytes, -1.0f, {}}, {}}; }

// A reply of these tokens, its text and its entries taken after each as a sequence takes them.
struct Reader {
  explicit Reader(const std::vector<std::string>& stops) : text_stream(stops) {}

  void token(const std::string& bytes) {
    if (text_stream.stopped()) return;
    text_stream.append(bytes);
    pending.push(entry(bytes));
    take();
  }

  void finish() {
    text_stream.finish();
    take();
  }

  void take() {
    text += text_stream.take();
    for (const TokenLogprobs& one : pending.take(text_stream.released(), text_stream.stopped())) {
      tokens.push_back(one.chosen.bytes);
      bytes += one.chosen.bytes;
    }
  }

  TextStream text_stream;
  PendingLogprobs pending;
  std::string text, bytes;
  std::vector<std::string> tokens;
};

}  // namespace

TEST("pending logprobs: an entry leaves with the last of its token's bytes") {
  Reader reader({});
  reader.token("Once");
  CHECK_EQ(reader.tokens.size(), size_t(1));
  reader.token(" \xF0\x9F");
  CHECK_EQ(reader.tokens.size(), size_t(1));
  CHECK_EQ(reader.text, "Once ");
  reader.token("\xA6");
  CHECK_EQ(reader.tokens.size(), size_t(1));
  reader.token("\x8A!");
  CHECK_EQ(reader.tokens.size(), size_t(4));
  CHECK_EQ(reader.bytes, reader.text);
}

TEST(
    "pending logprobs: an entry that a stop string may claim is held, and leaves when it was "
    "none") {
  Reader reader({"the end"});
  for (const char* token : {"a", " the", " e"}) reader.token(token);
  CHECK_EQ(reader.bytes, "a");
  reader.token("gg");
  CHECK_EQ(reader.bytes, "a the egg");
}

TEST("pending logprobs: a token that a stop string begins in has the bytes before it") {
  Reader reader({"xyz"});
  for (const char* token : {"ab", "cx", "", "y", "zd", "never"}) reader.token(token);
  reader.finish();
  CHECK_EQ(reader.text, "abc");
  CHECK_EQ(reader.tokens.size(), size_t(2));
  CHECK_EQ(reader.tokens.back(), "c");
}

TEST("pending logprobs: a token that a stop string begins with is left out") {
  Reader reader({"xyz"});
  for (const char* token : {"ab", "", "xy", "z"}) reader.token(token);
  reader.finish();
  CHECK_EQ(reader.tokens.size(), size_t(2));  // one of them is a control token, without bytes
  CHECK_EQ(reader.bytes, "ab");
}

TEST("pending logprobs: half a character at the end is reported by its bytes") {
  Reader reader({});
  reader.token("a\xF0\x9F");
  reader.finish();
  CHECK_EQ(reader.text, "a\xEF\xBF\xBD");
  CHECK_EQ(reader.bytes, "a\xF0\x9F");
}

TEST("pending logprobs: the bytes of tokens are the reply's text, however it is cut") {
  std::mt19937 numbers(3);
  const std::string whole = "Déjà vu: the 狐 said “ÿ” to the 🦊, twice, and aaab aab once. ";
  const std::vector<std::vector<std::string>> stop_lists = {{},    {"aab"},  {"twice, once", "🦊,"},
                                                            {"”"}, {"Déjà"}, {"never", "once. "}};
  for (int32_t round = 0; round < 500; ++round) {
    Reader reader(stop_lists[numbers() % stop_lists.size()]);
    for (size_t at = 0; at < whole.size();) {
      const size_t size = numbers() % 7;
      reader.token(whole.substr(at, size));
      at += size;
      CHECK(reader.bytes.size() <= reader.text.size() + 3);
      CHECK_EQ(reader.text.compare(0, reader.bytes.size(), reader.bytes), 0);
    }
    reader.finish();
    CHECK_EQ(reader.bytes, reader.text);
  }
}
