// TextStream, in pieces, against a decoder and a search that see the whole text at once: after each
// piece it has let go exactly what can be known, and withholds no more.
#include "engine/request/text-stream.h"

#include <string>
#include <string_view>
#include <vector>

#include "fuzz.h"

namespace {

struct Whole {
  std::string text;
  size_t unfinished = 0;  // bytes at the end that may yet become a character
};

bool is_character(uint32_t value, size_t length) {
  const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  return value >= least[length] && value <= 0x10FFFF && (value < 0xD800 || value > 0xDFFF);
}

size_t length_of(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead >> 5 == 6) return 2;
  if (lead >> 4 == 14) return 3;
  return lead >> 3 == 30 ? 4 : 0;
}

// Whether the bytes, with any others behind them, are one character of `length` bytes.
bool can_begin(std::string_view bytes, size_t length) {
  uint32_t value = length == 1 ? uint8_t(bytes[0]) : uint8_t(bytes[0]) & (0x7Fu >> length);
  for (size_t i = 1; i < bytes.size(); ++i) {
    if (uint8_t(bytes[i]) >> 6 != 2) return false;
    value = value << 6 | (uint8_t(bytes[i]) & 0x3Fu);
  }
  const size_t bits = 6 * (length - bytes.size());
  const uint32_t first = value << bits, last = first | ((1u << bits) - 1);
  // A range that has a character has one at an end: what is none lies at one end, or is all of it.
  return is_character(first, length) || is_character(last, length);
}

// The bytes at `from` that are a character or the longest beginning of one; one where they are
// none.
size_t taken(std::string_view bytes, size_t from, bool* is_whole) {
  const size_t length = length_of(uint8_t(bytes[from]));
  *is_whole = false;
  if (length == 0) return 1;
  size_t count = 0;
  while (count < length && from + count < bytes.size() &&
         can_begin(bytes.substr(from, count + 1), length)) {
    ++count;
  }
  *is_whole = count == length;
  return std::max<size_t>(count, 1);
}

Whole decoded(std::string_view bytes) {
  Whole whole;
  for (size_t at = 0; at < bytes.size();) {
    bool is_whole = false;
    const size_t count = taken(bytes, at, &is_whole);
    const bool may_go_on = !is_whole && at + count == bytes.size() &&
                           length_of(uint8_t(bytes[at])) > count &&
                           can_begin(bytes.substr(at, count), length_of(uint8_t(bytes[at])));
    if (may_go_on) {
      whole.unfinished = count;
    } else if (is_whole) {
      whole.text += bytes.substr(at, count);
    } else {
      whole.text += "\xEF\xBF\xBD";
    }
    at += count;
  }
  return whole;
}

struct Stop {
  size_t begin = std::string::npos, end = std::string::npos;
};

// The stop string that ends first in text[from..]; of two that end together the longer one.
Stop first_stop(const std::string& text, size_t from, const std::vector<std::string>& stops) {
  Stop first;
  for (const std::string& stop : stops) {
    const size_t begin = stop.empty() ? std::string::npos : text.find(stop, from);
    if (begin == std::string::npos) continue;
    const size_t end = begin + stop.size();
    if (end < first.end || (end == first.end && begin < first.begin)) first = {begin, end};
  }
  return first;
}

// How many of the last bytes of text[from..] a stop string may begin with.
size_t begun_stop(const std::string& text, size_t from, const std::vector<std::string>& stops) {
  size_t longest = 0;
  for (const std::string& stop : stops) {
    for (size_t length = 1; length < stop.size() && from + length <= text.size(); ++length) {
      if (text.compare(text.size() - length, length, stop, 0, length) != 0) continue;
      longest = std::max(longest, length);
    }
  }
  return longest;
}

// What the whole text so far must have come to.
struct Model {
  const std::vector<std::string>& stops;
  std::string text;
  size_t from = 0;  // where the search begins: behind the stop string that did not count

  // True where a stop string is complete.
  bool check(sluice::TextStream& stream, std::string& taken) const {
    const Stop stop = first_stop(text, from, stops);
    const bool is_over = stop.end != std::string::npos;
    MUST(stream.stopped() == is_over);
    if (is_over) MUST(stream.stop_string() == text.substr(stop.begin, stop.end - stop.begin));
    const size_t free = is_over ? stop.begin : text.size() - begun_stop(text, from, stops);
    const Whole whole = decoded(std::string_view(text).substr(0, free));
    taken += stream.take();
    MUST(taken == whole.text);
    MUST(stream.released() == free - whole.unfinished);
    return is_over;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  fuzz::Cuts cuts(input.byte());
  uint32_t passed_over = input.below(4);
  std::vector<std::string> stops;
  for (uint32_t i = input.below(5); i > 0; --i) stops.push_back(input.text(input.below(9)));
  const std::string text = input.rest();

  sluice::TextStream stream(stops);
  Model model{stops, ""};
  std::string taken;
  bool is_over = false;
  for (size_t at = 0; at < text.size() && !is_over;) {
    const size_t end = cuts.next(at, text.size());
    stream.append(std::string_view(text).substr(at, end - at));
    model.text = text.substr(0, end);
    at = end;
    is_over = model.check(stream, taken);
    for (; is_over && passed_over > 0; --passed_over) {
      stream.go_on();
      model.from = first_stop(model.text, model.from, stops).end;
      is_over = model.check(stream, taken);
    }
  }
  stream.finish();
  taken += stream.take();
  const size_t end = is_over ? first_stop(model.text, model.from, stops).begin : model.text.size();
  const Whole whole = decoded(std::string_view(model.text).substr(0, end));
  MUST(taken == whole.text + (whole.unfinished > 0 ? "\xEF\xBF\xBD" : ""));
  return 0;
}
