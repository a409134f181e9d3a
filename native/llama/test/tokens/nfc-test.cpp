#include "llama/tokens/nfc.h"

#include <string>

#include "llama/tokens/normalization.h"
#include "test/check.h"

using sluice::may_lack_nfc;
using sluice::nfc;

// All of Unicode is compared with JavaScript's own in test/e2e/engine/chat/normalization.test.ts.

TEST("nfc: a letter and a mark become one letter") {
  CHECK_EQ(nfc("e\u0301te\u0301"), "\u00E9t\u00E9");
  CHECK_EQ(nfc("\u212B"), "\u00C5");
}

TEST("nfc: marks are put in order, and what stands between keeps them apart") {
  CHECK_EQ(nfc("q\u0307\u0323"), "q\u0323\u0307");
  CHECK_EQ(nfc("a\u0315\u0300"), "\u00E0\u0315");
  CHECK_EQ(nfc("a\u0300\u0301"), "\u00E0\u0301");
  CHECK_EQ(nfc("a\u0362\u0315"), "a\u0315\u0362");
}

TEST("nfc: the parts of a Hangul syllable become one") {
  CHECK_EQ(nfc("\u1112\u1161\u11AB\u1100\u1173\u11AF"), "\uD55C\uAE00");
  CHECK_EQ(nfc("\uD558\u11AB"), "\uD55C");
  CHECK_EQ(nfc("\u1112\u0301\u1161"), "\u1112\u0301\u1161");
}

TEST("nfc: a character that has only a written-out form is written out") {
  CHECK_EQ(nfc("\u0958"), "\u0915\u093C");
  CHECK_EQ(nfc("\uFB1D"), "\u05D9\u05B4");
}

TEST("nfc: bytes that are no UTF-8 stay as they are") {
  const std::string text =
      "\xff"
      "e\xcc"
      "e\xcc\x81\xe2\x82";
  CHECK_EQ(nfc(text),
           "\xff"
           "e\xcc"
           "\u00E9\xe2\x82");
}

TEST("nfc: most texts are known to be in the form") {
  CHECK(!may_lack_nfc("plain text, \u00E9t\u00E9, \u4F60\u597D, \uD55C\uAE00, \U0001F600"));
  CHECK(may_lack_nfc("e\u0301"));
  CHECK(may_lack_nfc("\u1112\u1161"));
  CHECK(may_lack_nfc("\u212B"));
}

TEST("nfc: the vocabularies that want it are known") {
  CHECK(sluice::wants_nfc("qwen2"));
  CHECK(!sluice::wants_nfc("llama-bpe"));
  CHECK(!sluice::wants_nfc(""));
}
