#include "llama/tokens/nfc.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <unordered_map>
#include <utility>
#include <vector>

#include "llama/tokens/nfc-table.h"

namespace sluice {
namespace {

using Codes = std::vector<uint32_t>;

constexpr uint32_t kCodeMax = 0x10FFFF;
constexpr uint32_t kNoCode = kCodeMax + 1;  // a byte that is no UTF-8 is this and its value
// Code points from here on never change.
constexpr uint32_t kTableEnd = 0x30000;
// Bytes before this never change: U+0300, the first mark, begins with it.
constexpr unsigned char kFirstByte = 0xCC;

// Hangul: a syllable is a leading consonant, a vowel and maybe a trailing consonant.
constexpr uint32_t kLead = 0x1100, kVowel = 0x1161, kTrail = 0x11A7, kSyllable = 0xAC00;
constexpr uint32_t kLeads = 19, kVowels = 21, kTrails = 28;

bool is_within(uint32_t code, uint32_t first, uint32_t count) {
  return code >= first && code - first < count;
}

uint64_t pair_of(uint32_t first, uint32_t second) { return uint64_t(first) << 32 | second; }

std::vector<Codes> entries_of(const char* text) {
  std::vector<Codes> entries(1);
  for (const char* at = text; *at;) {
    char* end = nullptr;
    entries.back().push_back(uint32_t(std::strtoul(at, &end, 16)));
    at = end + 1;
    if (*end == ';') entries.emplace_back();
  }
  entries.pop_back();
  return entries;
}

class Table {
 public:
  Table();

  // Whether it is in the form wherever it stands.
  bool is_settled(uint32_t code) const { return code >= kTableEnd || !unsettled_[code]; }
  // 0 is no mark.
  uint32_t class_of(uint32_t code) const {
    const auto found = classes_.find(code);
    return found == classes_.end() ? 0 : found->second;
  }
  void decompose(uint32_t code, Codes& into) const;
  // kNoCode where they stay two.
  uint32_t composed(uint32_t first, uint32_t second) const;

 private:
  std::vector<bool> unsettled_;
  std::unordered_map<uint32_t, uint32_t> classes_;
  std::unordered_map<uint32_t, Codes> decompositions_;  // in full, or the two it is composed of
  std::unordered_map<uint64_t, uint32_t> compositions_;
};

Table::Table() : unsettled_(kTableEnd) {
  for (const Codes& entry : entries_of(kNfcCompositions)) {
    compositions_[pair_of(entry[0], entry[1])] = entry[2];
    decompositions_[entry[2]] = {entry[0], entry[1]};
    unsettled_[entry[1]] = true;
  }
  for (const Codes& entry : entries_of(kNfcDecompositions)) {
    decompositions_[entry[0]] = Codes(entry.begin() + 1, entry.end());
    unsettled_[entry[0]] = true;
  }
  for (const Codes& entry : entries_of(kNfcClasses)) {
    for (uint32_t code = entry[0]; code <= entry[1]; ++code) {
      classes_[code] = entry[2];
      unsettled_[code] = true;
    }
  }
  for (uint32_t i = 0; i < kVowels; ++i) unsettled_[kVowel + i] = true;
  for (uint32_t i = 1; i < kTrails; ++i) unsettled_[kTrail + i] = true;
}

// Composed characters are decomposed too: a mark behind one may have to stand before its own marks.
void Table::decompose(uint32_t code, Codes& into) const {
  if (is_within(code, kSyllable, kLeads * kVowels * kTrails)) {
    const uint32_t number = code - kSyllable, trail = number % kTrails;
    into.push_back(kLead + number / (kVowels * kTrails));
    into.push_back(kVowel + number / kTrails % kVowels);
    if (trail != 0) into.push_back(kTrail + trail);
    return;
  }
  const auto found = decompositions_.find(code);
  if (found == decompositions_.end()) {
    into.push_back(code);
    return;
  }
  for (uint32_t part : found->second) decompose(part, into);
}

uint32_t Table::composed(uint32_t first, uint32_t second) const {
  if (is_within(first, kLead, kLeads) && is_within(second, kVowel, kVowels)) {
    return kSyllable + ((first - kLead) * kVowels + second - kVowel) * kTrails;
  }
  const bool has_vowel =
      is_within(first, kSyllable, kLeads * kVowels * kTrails) && (first - kSyllable) % kTrails == 0;
  if (has_vowel && is_within(second, kTrail + 1, kTrails - 1)) return first + second - kTrail;
  const auto found = compositions_.find(pair_of(first, second));
  return found == compositions_.end() ? kNoCode : found->second;
}

const Table& table() {
  static const Table made;
  return made;
}

size_t length_of(unsigned char byte) {
  if (byte < 0x80) return 1;
  if (byte >= 0xC2 && byte < 0xE0) return 2;
  if (byte >= 0xE0 && byte < 0xF0) return 3;
  return byte >= 0xF0 && byte < 0xF5 ? 4 : 0;
}

// The code point that begins at `at`, which moves behind it.
uint32_t next_code(std::string_view text, size_t& at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  const size_t length = length_of(byte);
  uint32_t code = length == 1 ? byte : byte & (0x7F >> length);
  bool is_whole = length > 0 && at + length <= text.size();
  for (size_t i = 1; is_whole && i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[at + i]);
    is_whole = (next & 0xC0) == 0x80;
    code = code << 6 | (next & 0x3F);
  }
  at += is_whole ? length : 1;
  return is_whole ? code : kNoCode + byte;
}

void append(std::string& text, uint32_t code) {
  const auto add = [&](uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code >= kNoCode) return add(code - kNoCode);
  if (code < 0x80) return add(code);
  if (code < 0x800) {
    add(0xC0 | code >> 6);
  } else {
    if (code < 0x10000) {
      add(0xE0 | code >> 12);
    } else {
      add(0xF0 | code >> 18);
      add(0x80 | (code >> 12 & 0x3F));
    }
    add(0x80 | (code >> 6 & 0x3F));
  }
  add(0x80 | (code & 0x3F));
}

// Marks after each other in the order of their classes.
void put_in_order(Codes& codes, const std::vector<uint32_t>& classes) {
  const auto is_mark = [&](size_t i) { return i < codes.size() && classes[i] != 0; };
  for (size_t begin = 0; begin < codes.size(); ++begin) {
    if (!is_mark(begin)) continue;
    size_t end = begin;
    std::vector<std::pair<uint32_t, uint32_t>> marks;
    for (; is_mark(end); ++end) marks.emplace_back(classes[end], codes[end]);
    std::stable_sort(marks.begin(), marks.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (size_t i = begin; i < end; ++i) codes[i] = marks[i - begin].second;
    begin = end;
  }
}

// Composing changes neither which code points are marks nor their classes.
Codes composed(const Codes& codes) {
  Codes out;
  size_t starter = 0;
  bool has_starter = false;
  uint32_t before = 0;  // the class of what was put last behind the starter
  for (uint32_t code : codes) {
    const uint32_t own = table().class_of(code);
    const bool is_next = has_starter && starter + 1 == out.size();
    if (has_starter && (is_next || before < own)) {
      const uint32_t one = table().composed(out[starter], code);
      if (one != kNoCode) {
        out[starter] = one;
        continue;
      }
    }
    if (own == 0) {
      starter = out.size();
      has_starter = true;
    }
    before = own;
    out.push_back(code);
  }
  return out;
}

}  // namespace

bool may_lack_nfc(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    if (static_cast<unsigned char>(text[at]) < kFirstByte) {
      ++at;
      continue;
    }
    const uint32_t code = next_code(text, at);
    if (!table().is_settled(code)) return true;
  }
  return false;
}

std::string nfc(std::string_view text) {
  Codes codes;
  for (size_t at = 0; at < text.size();) table().decompose(next_code(text, at), codes);
  std::vector<uint32_t> classes;
  for (uint32_t code : codes) classes.push_back(table().class_of(code));
  put_in_order(codes, classes);
  std::string result;
  for (uint32_t code : composed(codes)) append(result, code);
  return result;
}

}  // namespace sluice
