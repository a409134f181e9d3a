#include "llama/template/shown-tools.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "base/fault.h"
#include "llama/template/ordered-schema.h"

namespace sluice {
namespace {

// Bytes of all sets of tools that are remembered.
constexpr size_t kRememberedBytes = size_t(8) << 20;
// Bytes of a schema that is put into a description, at most.
constexpr size_t kDescribedBytes = 64 << 10;

bool is_word(char byte) { return byte == '_' || std::isalnum(static_cast<unsigned char>(byte)); }

std::set<std::string> words_of(const std::string& source) {
  // Names of members that Jinja's mappings have.
  std::set<std::string> words{"get",      "keys",    "values",   "items",  "update",
                              "pop",      "copy",    "clear",    "length", "tojson",
                              "string",   "join",    "dictsort", "sort",   "setdefault",
                              "fromkeys", "popitem", "default",  "count"};
  std::string word;
  for (const char byte : source + " ") {
    if (is_word(byte)) {
      word += byte;
    } else if (!word.empty()) {
      words.insert(std::move(word));
      word.clear();
    }
  }
  return words;
}

size_t count_of(const std::string& text, const std::string& word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const bool begins = at == 0 || !is_word(text[at - 1]);
    const size_t end = at + word.size();
    if (begins && (end == text.size() || !is_word(text[end]))) ++count;
  }
  return count;
}

const std::string kMark = "zq";
constexpr size_t kMarkDigits = 5;

std::string mark_of(size_t number) {
  std::string digits = std::to_string(number);
  digits.insert(0, kMarkDigits - std::min(kMarkDigits, digits.size()), '0');
  return kMark + digits + "q";
}

// The numbers of the marks in a text.
std::set<size_t> marks_in(const std::string& text) {
  std::set<size_t> numbers;
  for (size_t at = text.find(kMark); at != std::string::npos; at = text.find(kMark, at + 1)) {
    const size_t from = at + kMark.size(), end = text.find_first_not_of("0123456789", from);
    const bool is_mark = end != std::string::npos && end >= from + kMarkDigits && end < from + 9;
    if (is_mark && text[end] == 'q') numbers.insert(std::stoul(text.substr(from, end - from)));
  }
  return numbers;
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

// How one tool is shown.
struct Form {
  enum Kind { given, ordered, described } kind = given;
  std::set<size_t> with_schema;  // numbers of the arguments whose descriptions have their schemas
  bool has_schema = false;       // the tool's description has the whole schema
};

// A name or a description, and the mark that replaces it while it is looked for.
struct Node {
  size_t tool;
  std::string mark;
  std::string word;  // the name, where it is one that the template may have a meaning for
};

// Replaces names and descriptions by marks that are found nowhere else.
class Marker {
 public:
  // With `all` also those names that the template may have a meaning for.
  Marker(const std::set<std::string>& words, bool all) : words_(words), all_(all) {}

  ShownTool marked(const ShownTool& tool, size_t number) {
    tool_ = number;
    // With other names, $refs that go through names would lead nowhere.
    keeps_names_ = tool.parameters.find("/properties/") != std::string::npos;
    const common_json schema = common_json::parse(tool.parameters);
    return {tool.name, marked_description(tool.description), marked(schema).dump_safe(), ""};
  }

  const std::vector<Node>& nodes() const { return nodes_; }

 private:
  std::string mark(size_t length, const std::string& word) {
    std::string text = mark_of(nodes_.size());
    if (text.size() < length) text.append(length - text.size(), 'z');
    nodes_.push_back({tool_, text, word});
    return text;
  }

  std::string marked_description(const std::string& text) {
    return is_blank(text) ? text : mark(0, "");
  }

  std::string marked_name(const std::string& name) {
    if (keeps_names_) return name;
    if (!words_.count(name)) return mark(name.size(), "");
    const std::string text = mark(name.size(), name);
    return all_ ? text : name;
  }

  common_json marked(const common_json& schema) {
    if (!schema.is_object()) return schema;
    common_json result = common_json::object();
    for (const auto& [key, value] : schema.items()) {
      if (key == "description" && value.is_string()) {
        result[key] = marked_description(value.get<std::string>());
      } else if (key == "required" && value.is_array()) {
        result[key] = common_json::array();  // names in it do not show the arguments
      } else {
        result[key] = within(key, value);
      }
    }
    return result;
  }

  common_json within(const std::string& key, const common_json& value) {
    if (holds_schemas_by_key(key) && value.is_object()) {
      common_json result = common_json::object();
      for (const auto& [name, one] : value.items()) {
        const std::string shown = key == "properties" ? marked_name(name) : name;
        result[shown] = marked(one);
      }
      return result;
    }
    if (holds_schemas(key) && value.is_array()) {
      common_json result = common_json::array();
      for (const common_json& one : value) result.push_back(marked(one));
      return result;
    }
    return holds_schema(key) ? marked(value) : value;
  }

  const std::set<std::string>& words_;
  const bool all_;
  bool keeps_names_ = false;
  size_t tool_ = 0;
  std::vector<Node> nodes_;
};

std::string with_schema(const std::string& description, const char* words, const common_json& one) {
  const std::string text = one.dump_safe();
  if (text.size() > kDescribedBytes) return description;
  return description + (is_blank(description) ? "" : " ") + words + text;
}

// Adds an argument's schema to its description.
void add_schema(common_json& argument, const common_json& whole) {
  if (!argument.is_object() || !whole.is_object()) return;
  common_json about = whole;
  std::string description;
  if (about.contains("description")) about.erase("description");
  if (argument.contains("description") && argument.at("description").is_string()) {
    description = argument.at("description").get<std::string>();
  }
  argument["description"] = with_schema(description, "JSON Schema: ", about);
}

const common_json* arguments_of(const common_json& schema) {
  if (!schema.is_object() || !schema.contains("properties")) return nullptr;
  const common_json& arguments = schema.at("properties");
  return arguments.is_object() ? &arguments : nullptr;
}

ShownTool shown(const ShownTool& tool, const Form& form) {
  if (form.kind == Form::given && form.with_schema.empty() && !form.has_schema) return tool;
  const common_json given = common_json::parse(tool.parameters);
  const common_json whole = inlined_schema(given);
  common_json schema = form.kind == Form::given ? given : ordered_schema(given);
  if (form.kind == Form::described) {
    schema["properties"] = common_json::object();
    schema["required"] = common_json::array();
  }
  size_t number = 0;
  if (const common_json* arguments = arguments_of(whole); arguments && arguments_of(schema)) {
    for (const auto& [name, about] : arguments->items()) {
      if (!form.with_schema.count(number++) || !schema["properties"].contains(name)) continue;
      add_schema(schema["properties"][name], about);
    }
  }
  ShownTool result{tool.name, tool.description, schema.dump_safe(), tool.place};
  if (form.has_schema || form.kind == Form::described) {
    result.description = with_schema(tool.description, "Parameters, as JSON Schema: ", whole);
  }
  return result;
}

// Finds the form of each tool of one set.
class Search {
 public:
  Search(const std::vector<ShownTool>& tools, const std::set<std::string>& words,
         const ShownTools::Render& render)
      : tools_(tools), words_(words), render_(render), forms_(tools.size()) {}

  std::vector<ShownTool> run() {
    std::vector<size_t> all;
    for (size_t i = 0; i < tools_.size(); ++i) all.push_back(i);
    mend(all);
    std::map<size_t, Node> lost = losses({all.begin(), all.end()});
    if (!lost.empty()) {
      try_in_order(lost);
      lost = losses(tools_of(lost));
    }
    if (!lost.empty()) {
      tell_of_arguments(lost);
      lost = losses(tools_of(lost));
    }
    for (const auto& [_, node] : lost) forms_[node.tool].has_schema = true;
    std::vector<ShownTool> result;
    for (size_t i = 0; i < tools_.size(); ++i) result.push_back(shown(tools_[i], forms_[i]));
    return result;
  }

 private:
  // The template's error; empty where there is none.
  std::string why_not(const std::vector<size_t>& some) {
    std::vector<ShownTool> these;
    for (size_t i : some) these.push_back(shown(tools_[i], forms_[i]));
    try {
      render_(these);
      return "";
    } catch (const FaultError& error) {
      if (error.fault.code == FaultCode::cancelled) throw;
      return error.what();
    } catch (const std::exception& error) {
      return *error.what() ? error.what() : "?";
    }
  }

  // Gives another form to the tools that the template fails on, one after the other.
  void mend(const std::vector<size_t>& some) {
    std::string why = some.empty() ? "" : why_not(some);
    if (why.empty()) return;
    if (some.size() > 1) {
      const auto middle = some.begin() + std::ptrdiff_t(some.size() / 2);
      mend({some.begin(), middle});
      mend({middle, some.end()});
      return;
    }
    Form& form = forms_[some.front()];
    for (const Form::Kind kind : {Form::ordered, Form::described}) {
      form.kind = kind;
      why = why_not(some);
      if (why.empty()) return;
    }
    throw FaultError(FaultCode::invalid_request, "the model's chat template refused '" +
                                                     tools_[some.front()].place + "': " + why);
  }

  // Which marks the template prints.
  struct Look {
    std::string text;
    std::vector<Node> nodes;
    std::set<size_t> found;  // of the nodes
  };

  Look look(const std::set<size_t>& some, bool all) {
    Marker marker(words_, all);
    last_ = some;
    std::vector<ShownTool> these;
    for (size_t i : some) these.push_back(shown(marker.marked(tools_[i], i), forms_[i]));
    Look result{render_(these), marker.nodes(), {}};
    result.found = marks_in(result.text);
    return result;
  }

  // The nodes of some tools that the template does not print; none where it fails.
  std::map<size_t, Node> losses(const std::set<size_t>& some) {
    std::map<size_t, Node> lost;
    try {
      const Look known = look(some, false), all = look(some, true);
      std::map<std::string, std::vector<size_t>> named;
      for (size_t i = 0; i < known.nodes.size(); ++i) {
        const Node& node = known.nodes[i];
        if (!(node.word.empty() ? known : all).found.count(i)) lost.emplace(i, node);
        if (!node.word.empty()) named[node.word].push_back(i);
      }
      // A name that the template has a meaning for must be there as often as it is in the schemas.
      for (const auto& [word, nodes] : named) {
        if (count_of(known.text, word) >= count_of(all.text, word) + nodes.size()) continue;
        for (size_t i : nodes) lost.emplace(i, known.nodes[i]);
      }
    } catch (const FaultError& error) {
      if (error.fault.code == FaultCode::cancelled) throw;
      lost.clear();
    } catch (const std::exception&) {
      lost.clear();
    }
    return lost;
  }

  static std::set<size_t> tools_of(const std::map<size_t, Node>& losses) {
    std::set<size_t> tools;
    for (const auto& [_, node] : losses) tools.insert(node.tool);
    return tools;
  }

  static std::map<size_t, size_t> by_tool(const std::map<size_t, Node>& losses) {
    std::map<size_t, size_t> counts;
    for (const auto& [_, node] : losses) ++counts[node.tool];
    return counts;
  }

  // Ordered schemas may lose less: where a template does not follow $refs, for example.
  void try_in_order(const std::map<size_t, Node>& losses_before) {
    const std::map<size_t, size_t> before = by_tool(losses_before);
    std::vector<size_t> tried;
    for (const auto& [tool, _] : before) {
      if (forms_[tool].kind != Form::given) continue;
      forms_[tool].kind = Form::ordered;
      tried.push_back(tool);
    }
    if (tried.empty()) return;
    if (!why_not(tried).empty()) {
      for (size_t tool : tried) {
        if (!why_not({tool}).empty()) forms_[tool].kind = Form::given;
      }
    }
    std::map<size_t, size_t> after = by_tool(losses({tried.begin(), tried.end()}));
    for (size_t tool : tried) {
      if (after[tool] >= before.at(tool)) forms_[tool].kind = Form::given;
    }
  }

  void tell_of_arguments(const std::map<size_t, Node>& losses) {
    Marker marker(words_, true);
    std::map<size_t, std::vector<std::string>> arguments;
    for (size_t i : last_) {
      const ShownTool marked = marker.marked(tools_[i], i);
      std::vector<std::string>& texts = arguments[i];
      const common_json whole = inlined_schema(common_json::parse(marked.parameters));
      if (const common_json* all = arguments_of(whole)) {
        for (const common_json& one : *all) texts.push_back(one.dump_safe());
      }
    }
    for (const auto& [tool, texts] : arguments) {
      for (size_t i = 0; i < texts.size(); ++i) {
        const std::set<size_t> found = marks_in(texts[i]);
        const bool is_lost = std::any_of(found.begin(), found.end(),
                                         [&](size_t number) { return losses.count(number) > 0; });
        if (is_lost) forms_[tool].with_schema.insert(i);
      }
    }
  }

  const std::vector<ShownTool>& tools_;
  const std::set<std::string>& words_;
  const ShownTools::Render& render_;
  std::vector<Form> forms_;
  std::set<size_t> last_;  // the tools of the last look, whose marks are counted from 0
};

std::string key_of(const std::vector<ChatTool>& tools) {
  std::string key;
  for (const ChatTool& tool : tools) {
    for (const std::string* text : {&tool.name, &tool.description, &tool.parameters}) {
      key += std::to_string(text->size()) + ":" + *text;
    }
  }
  return key;
}

}  // namespace

size_t ShownTools::Remembered::bytes() const {
  size_t bytes = key.size();
  for (const ShownTool& tool : tools) {
    bytes += tool.name.size() + tool.description.size() + tool.parameters.size();
  }
  return bytes;
}

void ShownTools::set_source(const std::string& source) { words_ = words_of(source); }

std::vector<ShownTool> ShownTools::of(const std::vector<ChatTool>& tools,
                                      const Render& render) const {
  std::string key = key_of(tools);
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto known = std::find_if(remembered_.begin(), remembered_.end(),
                                    [&](const Remembered& one) { return one.key == key; });
    if (known != remembered_.end()) {
      remembered_.splice(remembered_.begin(), remembered_, known);
      return remembered_.front().tools;
    }
  }
  std::vector<ShownTool> given;
  for (const ChatTool& tool : tools) {
    given.push_back({tool.name, tool.description, tool.parameters, tool.place});
  }
  std::vector<ShownTool> found = Search(given, words_, render).run();
  const std::lock_guard<std::mutex> lock(mutex_);
  remembered_.push_front({std::move(key), found});
  size_t bytes = 0;
  for (auto one = remembered_.begin(); one != remembered_.end();) {
    bytes += one->bytes();
    const bool stays = bytes <= kRememberedBytes || one == remembered_.begin();
    one = stays ? std::next(one) : remembered_.erase(one);
  }
  return found;
}

}  // namespace sluice
