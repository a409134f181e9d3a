#include <algorithm>
#include <string>

#include "disk/sha256.h"
#include "disk/xxhash64.h"
#include "test/check.h"

using sluice::hex_of;
using sluice::keyed_sha256;
using sluice::sha256;
using sluice::XxHash64;
using sluice::xxhash64;

TEST("sha256: the standard's own examples have their digests") {
  CHECK_EQ(hex_of(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK_EQ(hex_of(sha256("abc")),
           "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK_EQ(hex_of(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK_EQ(hex_of(sha256(std::string(1000000, 'a'))),
           "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST("sha256: a keyed digest depends on the key, and is HMAC's") {
  sluice::Digest key{};
  std::fill(key.begin(), key.begin() + 20, uint8_t(0x0b));  // RFC 4231, case 1: the rest is zero
  CHECK_EQ(hex_of(keyed_sha256(key, "Hi There")),
           "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  key[31] = 1;
  CHECK(hex_of(keyed_sha256(key, "Hi There"), 2) != "b034");
}

TEST("xxhash64: known texts have their values") {
  CHECK_EQ(xxhash64("", 0), uint64_t(0xef46db3751d8e999));
  CHECK_EQ(xxhash64("a", 1), uint64_t(0xd24ec4f1a98c6e5b));
  CHECK_EQ(xxhash64("abc", 3), uint64_t(0x44bc2cf5ad770999));
  const std::string fox = "Nobody inspects the spammish repetition";
  CHECK_EQ(xxhash64(fox.data(), fox.size()), uint64_t(0xfbcea83c8a378bf1));
}

TEST("xxhash64: parts of any length give the value of the whole") {
  std::string text;
  for (int i = 0; i < 300; ++i) text += char(i * 7);
  for (size_t part = 1; part < 70; ++part) {
    XxHash64 hash;
    for (size_t at = 0; at < text.size(); at += part) {
      hash.add(text.data() + at, std::min(part, text.size() - at));
    }
    CHECK_EQ(hash.value(), xxhash64(text.data(), text.size()));
  }
}
