#include "llama/template/call-arguments.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "json.h"

namespace sluice {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

int hex_of(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string quoted(const std::string& text) { return common_json(text).dump(); }

// Reads JSON and writes it again, without spaces. Where the text ends too soon, it is closed.
class Closer {
 public:
  explicit Closer(std::string_view text) : text_(text) {}

  // Nothing where the text is no beginning of JSON, or deeper than kArgumentsDepthMax.
  std::optional<std::string> close() {
    if (!read()) return std::nullopt;
    finish();
    return out_;
  }

  // Whether nothing was closed or changed but spaces.
  bool was_whole() const { return was_whole_ && !is_changed_; }
  bool is_nested() const { return depth_ > 1; }
  bool has_null() const { return has_null_; }

 private:
  enum class Next { value, first_item, first_key, key, colon, comma, nothing };

  bool read() {
    while (at_ < text_.size()) {
      if (is_space(text_[at_])) {
        ++at_;
      } else if (!step(text_[at_])) {
        return false;
      }
    }
    was_whole_ = next_ == Next::nothing && !is_cut_;
    return true;
  }

  bool step(char c) {
    switch (next_) {
      case Next::nothing: return false;
      case Next::first_key:
        if (c == '}') return leave();
        return c == '"' && key();
      case Next::key: return c == '"' && key();
      case Next::colon:
        if (c != ':') return false;
        ++at_;
        out_ += ':';
        next_ = Next::value;
        return true;
      case Next::comma: return after_value(c);
      case Next::first_item:
        if (c == ']') return leave();
        return value(c);
      case Next::value: return value(c);
    }
    return false;
  }

  bool after_value(char c) {
    const bool is_object = open_.back() == '{';
    if (c == (is_object ? '}' : ']')) return leave();
    if (c != ',') return false;
    ++at_;
    needs_comma_ = true;
    next_ = is_object ? Next::key : Next::value;
    return true;
  }

  bool value(char c) {
    if (c == '{' || c == '[') return enter(c);
    if (c == '"') return string() && after();
    if (c == '-' || is_digit(c)) return number() && after();
    return literal() && after();
  }

  bool enter(char c) {
    if (open_.size() >= kArgumentsDepthMax) return false;
    add_comma();
    open_ += c;
    depth_ = std::max(depth_, open_.size());
    out_ += c;
    ++at_;
    next_ = c == '{' ? Next::first_key : Next::first_item;
    return true;
  }

  bool leave() {
    out_ += open_.back() == '{' ? '}' : ']';
    open_.pop_back();
    ++at_;
    needs_comma_ = false;
    return after();
  }

  bool after() {
    next_ = open_.empty() ? Next::nothing : Next::comma;
    return true;
  }

  void add_comma() {
    if (needs_comma_) out_ += ',';
    needs_comma_ = false;
  }

  bool key() {
    const bool needed_comma = needs_comma_;
    const size_t before = out_.size();
    if (!string()) return false;
    next_ = Next::colon;
    // A name that was cut before its first character is left out.
    if (!is_cut_ || out_.size() > before + (needed_comma ? 3 : 2)) return true;
    out_.resize(before);
    next_ = Next::comma;
    return true;
  }

  bool string() {
    add_comma();
    out_ += '"';
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        out_ += '"';
        ++at_;
        return true;
      }
      if (c == '\\') {
        if (!escape()) return false;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        const std::string text = quoted(std::string(1, c));
        out_.append(text, 1, text.size() - 2);
        is_changed_ = true;
      } else {
        out_ += c;
      }
    }
    out_ += '"';
    is_cut_ = true;
    return true;
  }

  // An escape, from its backslash to its last character. One that is cut stands for no character.
  bool escape() {
    if (at_ + 1 >= text_.size()) return true;
    const char c = text_[at_ + 1];
    if (c != 'u') {
      if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) return false;
      out_.append({'\\', c});
      ++at_;
      return true;
    }
    const std::optional<int> unit = unit_at(at_);
    if (!unit) return is_cut_escape(at_);
    const size_t begin = at_;
    at_ += 5;
    const bool is_high = *unit >= 0xd800 && *unit < 0xdc00;
    const bool is_low = *unit >= 0xdc00 && *unit < 0xe000;
    if (!is_high && !is_low) {
      out_.append(text_.substr(begin, 6));
      return true;
    }
    const std::optional<int> second = is_high ? unit_at(at_ + 1) : std::nullopt;
    if (second && *second >= 0xdc00 && *second < 0xe000) {
      out_.append(text_.substr(begin, 12));
      at_ += 6;
      return true;
    }
    if (is_high && is_cut_escape(at_ + 1)) return true;
    out_ += "\\ufffd";
    is_changed_ = true;
    return true;
  }

  std::optional<int> unit_at(size_t at) const {
    if (at + 6 > text_.size() || text_[at] != '\\' || text_[at + 1] != 'u') return std::nullopt;
    int unit = 0;
    for (size_t i = at + 2; i < at + 6; ++i) {
      const int digit = hex_of(text_[i]);
      if (digit < 0) return std::nullopt;
      unit = unit * 16 + digit;
    }
    return unit;
  }

  // Whether the text ends within the `\uXXXX` at `at`, or before it; then that is skipped.
  bool is_cut_escape(size_t at) {
    if (at + 6 <= text_.size()) return false;
    for (size_t i = at; i < text_.size(); ++i) {
      const char c = text_[i];
      const bool fits = i == at ? c == '\\' : i == at + 1 ? c == 'u' : hex_of(c) >= 0;
      if (!fits) return false;
    }
    at_ = text_.size() - 1;
    return true;
  }

  size_t digits_from(size_t at) const {
    size_t end = at;
    while (end < text_.size() && is_digit(text_[end])) ++end;
    return end - at;
  }

  bool number() {
    const size_t begin = at_;
    size_t end = at_ + (text_[at_] == '-' ? 1 : 0);
    const size_t whole = digits_from(end);
    if (whole == 0) return cut_number(begin, begin);
    if (whole > 1 && text_[end] == '0') return false;
    end += whole;
    size_t known = end;
    bool is_whole = true;
    if (end < text_.size() && text_[end] == '.') {
      is_whole = false;
      const size_t more = digits_from(end + 1);
      if (more == 0) return end + 1 == text_.size() && cut_number(begin, known);
      known = end += 1 + more;
    }
    if (end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
      is_whole = false;
      ++end;
      if (end < text_.size() && (text_[end] == '+' || text_[end] == '-')) ++end;
      const size_t more = digits_from(end);
      if (more == 0) return end == text_.size() && cut_number(begin, known);
      known = end + more;
    }
    write_number(begin, known, is_whole);
    at_ = known;
    is_cut_ = at_ == text_.size() && !open_.empty();
    return true;
  }

  bool cut_number(size_t begin, size_t known) {
    if (known == begin && begin + 1 != text_.size()) return false;
    if (known > begin) {
      write_number(begin, known, true);
    } else {
      add_comma();
      out_ += "null";
      has_null_ = true;
    }
    at_ = text_.size();
    is_cut_ = true;
    return true;
  }

  void write_number(size_t begin, size_t end, bool is_whole) {
    add_comma();
    const std::string number(text_.substr(begin, end - begin));
    if (is_whole && !fits_64_bits(number)) {
      out_ += '"' + number + '"';
      is_changed_ = true;
    } else {
      out_ += number;
    }
  }

  static bool fits_64_bits(const std::string& number) {
    const std::string digits = number.substr(number[0] == '-' ? 1 : 0);
    const std::string most = "9223372036854775807";
    return digits.size() < most.size() || (digits.size() == most.size() && digits <= most);
  }

  bool literal() {
    for (const std::string_view word : {"true", "false", "null"}) {
      const std::string_view rest = text_.substr(at_);
      const bool is_cut = rest.size() < word.size() && word.substr(0, rest.size()) == rest;
      if (!is_cut && rest.substr(0, word.size()) != word) continue;
      add_comma();
      out_ += word;
      at_ += is_cut ? rest.size() : word.size();
      is_cut_ = is_cut;
      has_null_ = has_null_ || word == "null";
      return true;
    }
    return false;
  }

  void finish() {
    const bool is_open = next_ == Next::value && !open_.empty() && open_.back() == '{';
    if (next_ == Next::colon) out_ += ":null";
    if (is_open) out_ += "null";
    has_null_ = has_null_ || is_open || next_ == Next::colon;
    for (auto open = open_.rbegin(); open != open_.rend(); ++open) {
      out_ += *open == '{' ? '}' : ']';
    }
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string out_;
  std::string open_;  // brackets
  Next next_ = Next::value;
  bool needs_comma_ = false;
  bool is_cut_ = false;
  bool was_whole_ = false;
  bool is_changed_ = false;
  bool has_null_ = false;
  size_t depth_ = 0;
};

std::optional<common_json> parsed(const std::string& json) {
  try {
    return common_json::parse(json);
  } catch (const std::exception&) {
    return std::nullopt;  // a number too large, for one
  }
}

std::string wrapped(const std::string& json) { return "{\"arguments\":" + json + "}"; }

std::string object_of(const std::string& arguments, bool may_be_text) {
  if (is_blank(arguments)) return "{}";
  const std::optional<std::string> closed = Closer(arguments).close();
  const std::optional<common_json> json = closed ? parsed(*closed) : std::nullopt;
  if (!json) return wrapped(quoted(arguments));
  if (json->is_object()) return *closed;
  if (json->is_null()) return "{}";
  if (may_be_text && json->is_string()) {
    const std::string text = json->get<std::string>();
    const size_t begin = text.find_first_not_of(" \t\r\n");
    if (begin != std::string::npos && text[begin] == '{') {
      std::string inner = object_of(text, false);
      if (inner != wrapped(quoted(text))) return inner;
    }
  }
  return wrapped(*closed);
}

}  // namespace

namespace {

common_json null_as_text(const common_json& value) {
  if (value.is_null()) return common_json("null");
  if (value.is_array()) {
    common_json made = common_json::array();
    for (const auto& item : value) made.push_back(null_as_text(item));
    return made;
  }
  if (!value.is_object()) return value;
  common_json made = common_json::object();
  for (const auto& [name, item] : value.items()) made[name] = null_as_text(item);
  return made;
}

}  // namespace

std::string with_null_as_text(const std::string& object) {
  return null_as_text(common_json::parse(object)).dump();
}

std::string arguments_object(const std::string& arguments) { return object_of(arguments, true); }

ArgumentsForm form_of(const std::string& arguments) {
  Closer closer(arguments);
  const std::optional<std::string> closed = closer.close();
  const std::optional<common_json> json = closed ? parsed(*closed) : std::nullopt;
  if (!json || !json->is_object()) return {};
  return {closer.was_whole(), closer.is_nested(), closer.has_null()};
}

std::string with_flat_values(const std::string& object) {
  const common_json given = common_json::parse(object);
  common_json flat = common_json::object();
  for (const auto& [name, value] : given.items()) {
    if (value.is_object() || value.is_array()) {
      flat[name] = value.dump();
    } else {
      flat[name] = value;
    }
  }
  return flat.dump();
}

}  // namespace sluice
