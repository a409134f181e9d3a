#include "engine/request/text-stream.h"

#include <random>

#include "test/check.h"

using sluice::TextStream;

namespace {

// All text of a reply, given in these pieces.
std::string read(const std::vector<std::string>& pieces,
                 const std::vector<std::string>& stops = {}) {
  TextStream stream(stops);
  std::string text;
  for (const std::string& piece : pieces) {
    stream.append(piece);
    text += stream.take();
  }
  stream.finish();
  return text + stream.take();
}

std::vector<std::string> bytes_of(const std::string& text) {
  std::vector<std::string> pieces;
  for (char byte : text) pieces.emplace_back(1, byte);
  return pieces;
}

// What a reader may see at most: everything before the first complete stop string.
std::string cut(const std::string& text, const std::vector<std::string>& stops) {
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t longest = 0;
    for (const std::string& stop : stops) {
      const bool ends_here =
          stop.size() <= end && text.compare(end - stop.size(), stop.size(), stop) == 0;
      if (ends_here && stop.size() > longest) longest = stop.size();
    }
    if (longest > 0) return text.substr(0, end - longest);
  }
  return text;
}

const std::string kReplacement = "\xEF\xBF\xBD";

}  // namespace

TEST("text: whole characters leave at once") {
  TextStream stream({});
  stream.append("Once");
  CHECK_EQ(stream.take(), "Once");
}

TEST("text: half a character waits for its other half") {
  TextStream stream({});
  stream.append("a\xF0\x9F");
  CHECK_EQ(stream.take(), "a");
  stream.append("\xA6\x8A!");
  CHECK_EQ(stream.take(), "\xF0\x9F\xA6\x8A!");
}

TEST("text: a character split at every byte comes out whole") {
  const std::string text = "d\xC3\xA9j\xC3\xA0 \xE2\x82\xAC \xE6\xBC\xA2 \xF0\x9F\xA6\x8A.";
  CHECK_EQ(read(bytes_of(text)), text);
}

TEST("text: a reply that ends in half a character ends in one U+FFFD") {
  CHECK_EQ(read({"a\xF0\x9F\xA6"}), "a" + kReplacement);
}

TEST("text: invalid bytes become U+FFFD as in the WHATWG decoder") {
  CHECK_EQ(read({"a\xFFz"}), "a" + kReplacement + "z");
  CHECK_EQ(read({"\x80"}), kReplacement);
  CHECK_EQ(read({"\xC0\xAF"}), kReplacement + kReplacement);                     // overlong
  CHECK_EQ(read({"\xE0\x80\xAF"}), kReplacement + kReplacement + kReplacement);  // overlong
  CHECK_EQ(read({"\xED\xA0\x80"}), kReplacement + kReplacement + kReplacement);  // surrogate
  CHECK_EQ(read({"\xF4\x90\x80\x80"}),
           kReplacement + kReplacement + kReplacement + kReplacement);  // beyond U+10FFFF
  CHECK_EQ(read({"\xF0\x9F\xA6x"}), kReplacement + "x");
  CHECK_EQ(read({"\xE2\x82\xE2\x82\xAC"}), kReplacement + "\xE2\x82\xAC");
}

TEST("stop: the reply ends before the stop string") {
  TextStream stream({"END"});
  stream.append("the END of it");
  CHECK(stream.stopped());
  CHECK_EQ(stream.take(), "the ");
  CHECK_EQ(stream.stop_string(), "END");
}

TEST("stop: a stop string over three tokens never leaks") {
  TextStream stream({"</s>"});
  stream.append("bye <");
  CHECK_EQ(stream.take(), "bye ");
  stream.append("/");
  CHECK_EQ(stream.take(), "");
  stream.append("s>more");
  CHECK(stream.stopped());
  CHECK_EQ(stream.take(), "");
}

TEST("stop: text that only began like a stop string is text after all") {
  TextStream stream({"</s>"});
  stream.append("a <");
  stream.append("b");
  CHECK_EQ(stream.take(), "a <b");
}

TEST("stop: a beginning at the reply's end is text") {
  CHECK_EQ(read({"wait <", "/"}, {"</s>"}), "wait </");
}

TEST("stop: a stop string that overlaps itself is found") {
  CHECK_EQ(read(bytes_of("xaaab"), {"aab"}), "xa");
  CHECK_EQ(read(bytes_of("ababac"), {"abac"}), "ab");
}

TEST("stop: the first complete one of several counts, and the longer of two at once") {
  CHECK_EQ(read({"say abcd"}, {"abcd", "bc"}), "say a");
  CHECK_EQ(read({"say abc"}, {"bc", "abc"}), "say ");
}

TEST("stop: nothing is taken in after a stop string") {
  CHECK_EQ(read({"a STOP", "b", "STOP c"}, {"STOP"}), "a ");
}

TEST("stop: a stop string of half characters' bytes is still cut whole") {
  CHECK_EQ(read(bytes_of("caf\xC3\xA9\xE2\x82\xAC"), {"\xE2\x82\xAC"}), "caf\xC3\xA9");
}

TEST("stop: an empty stop string is ignored") { CHECK_EQ(read({"abc"}, {""}), "abc"); }

TEST("text: the same bytes give the same text however they are split, with stop strings or not") {
  std::mt19937 random(1);
  const std::string alphabet = "ab<\xC3\xA9\xE2\x82\xAC";
  const std::vector<std::string> stops = {"ab<", "b<b",
                                          "\xC3\xA9"
                                          "a"};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (size_t i = random() % 40; i > 0; --i) text += alphabet[random() % alphabet.size()];
    std::vector<std::string> pieces;
    for (size_t at = 0; at < text.size();) {
      const size_t length = 1 + random() % 6;
      pieces.push_back(text.substr(at, length));
      at += length;
    }
    CHECK_EQ(read(pieces), read({text}));
    CHECK_EQ(read(pieces, stops), read({cut(text, stops)}));
  }
}
