// JsonScan against a real parser of JSON: where a value ends, and where it may be cut.
#include "base/json-scan.h"

#include <cctype>
#include <string>

#include "fuzz.h"
#include "nlohmann/json.hpp"

namespace {

using nlohmann::json;

// A valid array or object, whatever the input is.
class Writer {
 public:
  explicit Writer(fuzz::Input& input) : input_(input) {}

  std::string value(int depth) {
    const uint32_t kind = depth == 0  ? input_.below(2)
                          : depth > 5 ? 2 + input_.below(4)
                                      : input_.below(6);
    if (kind == 0) return list('[', ']', depth);
    if (kind == 1) return list('{', '}', depth);
    if (kind == 2) return string();
    const char* const others[] = {"null", "-1.5e+3", "true"};
    return others[kind - 3];
  }

 private:
  std::string space() {
    const char* const spaces[] = {"", "", "", " ", "\n", "\t ", "\r\n"};
    return spaces[input_.below(7)];
  }

  std::string list(char open, char close, int depth) {
    std::string text = open + space();
    for (uint32_t i = 0, count = input_.below(4); i < count; ++i) {
      if (i > 0) text += "," + space();
      if (open == '{') text += string() + space() + ":" + space();
      text += value(depth + 1) + space();
    }
    return text + close;
  }

  std::string string() {
    const char* const parts[] = {
        "a", " ",   "\\\\",     "\\\"",           "\\n",     "\\u00e9", "{",
        "]", "\\/", "\xC3\xA9", "\\ud83d\\ude00", "\\u005c", "\\u0022", "\xF0\x9F\x98\x80"};
    std::string text = "\"";
    for (uint32_t i = 0, count = input_.below(8); i < count; ++i) text += parts[input_.below(14)];
    return text + "\"";
  }

  fuzz::Input& input_;
};

// Where the string ends that begins at `from`: at a quote behind an even number of backslashes.
size_t end_of_string(const std::string& text, size_t from) {
  for (size_t at = text.find('"', from + 1);; at = text.find('"', at + 1)) {
    if (at == std::string::npos) return text.size();
    size_t backslashes = 0;
    while (text[at - 1 - backslashes] == '\\') ++backslashes;
    if (backslashes % 2 == 0) return at;
  }
}

bool ends_in_high_surrogate(const std::string& text) {
  if (text.size() < 6) return false;
  const std::string last = text.substr(text.size() - 6);
  size_t backslashes = 0;
  for (size_t at = text.size() - 6; at > 0 && text[at - 1] == '\\'; --at) ++backslashes;
  const bool is_escape = last[0] == '\\' && last[1] == 'u' && backslashes % 2 == 0;
  return is_escape && std::tolower(last[2]) == 'd' &&
         std::string("89abAB").find(last[3]) != std::string::npos;
}

// Whether a string that was begun can be ended here and is one.
bool is_whole(std::string begun) {
  if (ends_in_high_surrogate(begun)) begun += "\\udc00";
  return json::accept(begun + '"');
}

void check_valid(const std::string& text) {
  sluice::JsonScan scan;
  size_t string_from = std::string::npos, string_end = 0;
  const size_t last = text.find_last_of("]}");
  for (size_t i = 0; i < text.size(); ++i) {
    scan.feed(text[i]);
    MUST(scan.closed() == (i >= last));
    if (i >= string_end && text[i] == '"' && string_from == std::string::npos) {
      string_from = i;
      string_end = end_of_string(text, i);
    } else if (i == string_end) {
      string_from = std::string::npos;
    }
    const bool is_space = std::isspace(uint8_t(text[i])) != 0;
    const bool is_in_character = i + 1 < text.size() && uint8_t(text[i + 1]) >> 6 == 2;
    if (is_in_character) continue;
    const bool is_in_string = string_from != std::string::npos;
    const bool is_cut_well =
        !is_in_string || is_whole(text.substr(string_from, i + 1 - string_from));
    MUST(scan.may_be_cut() == (is_cut_well && !is_space));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  if (input.byte() % 2 == 0) {
    const std::string made = Writer(input).value(0);
    MUST(json::accept(made));
    check_valid(made);
    return 0;
  }
  const std::string text = input.rest();
  sluice::JsonScan scan;
  for (const char byte : text) scan.feed(byte);
  const size_t first = text.find_first_not_of(" \t\r\n");
  const bool is_list = first != std::string::npos && (text[first] == '{' || text[first] == '[');
  // For nlohmann's parser a zero is the text's end.
  const bool has_zero = text.find('\0') != std::string::npos;
  if (is_list && !has_zero && json::accept(text)) check_valid(text);
  return 0;
}
