#include "llama/template/ordered-schema.h"

#include <algorithm>
#include <set>

namespace sluice {
namespace {

// Of one tool: schemas that are looked at, those that $ref brings in again included.
constexpr size_t kSchemasMax = 2000;
constexpr size_t kDepthMax = 24;
// Text that $refs bring in again.
constexpr size_t kInlinedBytesMax = size_t(1) << 20;

const std::string kAny = "Any JSON value.";

bool is_among(const std::string& word, const std::vector<std::string>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

const common_json* find(const common_json& object, const std::string& key) {
  return object.is_object() && object.contains(key) ? &object.at(key) : nullptr;
}

std::string text_of(const common_json& object, const std::string& key) {
  const common_json* value = find(object, key);
  return value && value->is_string() ? value->get<std::string>() : "";
}

// A JSON Pointer's token: ~1 is a slash, ~0 a tilde, and %XX a byte.
std::string decoded(const std::string& token) {
  std::string text;
  for (size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '~' && i + 1 < token.size() && (token[i + 1] == '0' || token[i + 1] == '1')) {
      text += token[++i] == '0' ? '~' : '/';
    } else if (token[i] == '%' && i + 2 < token.size() && std::isxdigit(token[i + 1]) &&
               std::isxdigit(token[i + 2])) {
      text += char(std::stoi(token.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      text += token[i];
    }
  }
  return text;
}

class Inliner {
 public:
  explicit Inliner(const common_json& root) : root_(root) {}

  common_json inlined(const common_json& schema, size_t depth) {
    if (!schema.is_object()) return schema;
    if (++schemas_ > kSchemasMax || depth > kDepthMax) return cut(schema);
    common_json result = common_json::object();
    const std::string ref = text_of(schema, "$ref");
    for (const auto& [key, value] : schema.items()) {
      if (key == "$ref" && !ref.empty()) continue;
      if (key == "$defs" || key == "definitions") continue;
      result[key] = within(key, value, depth);
    }
    if (!ref.empty()) refer(result, ref, depth);
    return result;
  }

 private:
  common_json within(const std::string& key, const common_json& value, size_t depth) {
    if (holds_schemas_by_key(key) && value.is_object()) {
      common_json result = common_json::object();
      for (const auto& [name, one] : value.items()) result[name] = inlined(one, depth + 1);
      return result;
    }
    if (holds_schemas(key) && value.is_array()) {
      common_json result = common_json::array();
      for (const common_json& one : value) result.push_back(inlined(one, depth + 1));
      return result;
    }
    return holds_schema(key) ? inlined(value, depth + 1) : value;
  }

  void refer(common_json& result, const std::string& ref, size_t depth) {
    const common_json* target = target_of(ref);
    if (!target || !target->is_object() || is_too_much(*target) || !under_way_.insert(ref).second) {
      const std::string said = text_of(result, "description");
      const std::string name = ref.substr(ref.rfind('/') + 1);
      result["description"] = said + (said.empty() ? "" : " ") + "(" + name + ", as above)";
      if (target && !text_of(*target, "type").empty() && !result.contains("type")) {
        result["type"] = text_of(*target, "type");
      }
      return;
    }
    const common_json what = inlined(*target, depth + 1);
    under_way_.erase(ref);
    // Keywords beside the $ref are about this place, so they come first.
    const std::string said = text_of(result, "description"), more = text_of(what, "description");
    for (const auto& [key, value] : what.items()) {
      if (!result.contains(key)) result[key] = value;
    }
    if (!said.empty() && !more.empty() && more != said) result["description"] = said + " " + more;
  }

  const common_json* target_of(const std::string& ref) const {
    if (ref == "#") return &root_;
    if (ref.compare(0, 2, "#/") != 0) return nullptr;
    const common_json* at = &root_;
    for (size_t from = 2; from <= ref.size();) {
      const size_t end = std::min(ref.find('/', from), ref.size());
      const std::string key = decoded(ref.substr(from, end - from));
      from = end + 1;
      if (at->is_array() && !key.empty() && key.find_first_not_of("0123456789") == key.npos &&
          key.size() < 6 && size_t(std::stoi(key)) < at->size()) {
        at = &at->at(size_t(std::stoi(key)));
      } else if (const common_json* next = find(*at, key)) {
        at = next;
      } else {
        return nullptr;
      }
    }
    return at;
  }

  bool is_too_much(const common_json& target) {
    if (bytes_ <= kInlinedBytesMax) bytes_ += target.dump_safe().size();
    return bytes_ > kInlinedBytesMax;
  }

  // The part of a schema that is shown where the limits allow no more.
  static common_json cut(const common_json& schema) {
    common_json result = common_json::object();
    for (const char* key : {"type", "description"}) {
      if (const common_json* value = find(schema, key)) result[key] = *value;
    }
    return result;
  }

  const common_json& root_;
  std::set<std::string> under_way_;
  size_t schemas_ = 0, bytes_ = 0;
};

const std::vector<std::string> kTypes{"string", "number", "integer", "boolean",
                                      "array",  "object", "null"};

std::string type_of(const common_json& value) {
  if (value.is_string()) return "string";
  if (value.is_boolean()) return "boolean";
  if (value.is_number_integer()) return "integer";
  if (value.is_number()) return "number";
  if (value.is_array()) return "array";
  return value.is_object() ? "object" : "null";
}

// One schema in the making.
class Orderer {
 public:
  // Of a schema without $refs.
  static common_json ordered(const common_json& schema, size_t depth = 0) {
    if (!schema.is_object() || depth > kDepthMax) return any();
    Orderer one(schema, depth);
    return one.make();
  }

 private:
  Orderer(const common_json& schema, size_t depth) : schema_(schema), depth_(depth) {}

  static common_json any() {
    common_json result = common_json::object();
    result["type"] = "string";
    result["description"] = kAny;
    return result;
  }

  void note(const std::string& text) { notes_ += (notes_.empty() ? "" : " ") + text; }

  common_json make() {
    merge_all();
    merge_alternatives();
    const std::string type = find_type();
    common_json result = common_json::object();
    result["type"] = type;
    result["description"] = "";  // keeps its place
    copy_plain(result);
    set_values(result, type);
    if (type == "array") set_items(result);
    if (type == "object") set_properties(result);
    note_others();
    if (is_nullable_) result["nullable"] = true;
    const std::string said = text_of(schema_, "description");
    result["description"] = said + (said.empty() || notes_.empty() ? "" : " ") + notes_;
    return result;
  }

  // Adds the keywords of another schema that holds too, where this one lacks them.
  void merge(const common_json& other) {
    if (!other.is_object()) return;
    for (const auto& [key, value] : other.items()) {
      if (key == "properties" && value.is_object()) {
        common_json both = find(schema_, key) ? schema_.at(key) : common_json::object();
        for (const auto& [name, one] : value.items()) {
          if (!both.contains(name)) both[name] = one;
        }
        schema_[key] = both;
      } else if (key == "required" && value.is_array() && find(schema_, key)) {
        if (schema_.at(key).is_array()) schema_[key].insert(value);
      } else if (key == "allOf" && value.is_array() && find(schema_, key)) {
        if (schema_.at(key).is_array()) schema_[key].insert(value);
      } else if (key == "description" && value.is_string() && find(schema_, key)) {
        note(value.get<std::string>());
      } else if (!schema_.contains(key)) {
        schema_[key] = value;
      }
    }
  }

  void merge_all() {
    for (size_t round = 0; round < kDepthMax; ++round) {
      const common_json* all = find(schema_, "allOf");
      if (!all || !all->is_array()) return;
      const common_json parts = *all;
      schema_.erase("allOf");
      for (const common_json& part : parts) merge(part);
    }
  }

  static bool is_null(const common_json& schema) {
    const common_json* values = find(schema, "enum");
    const common_json* value = find(schema, "const");
    return text_of(schema, "type") == "null" || (value && value->is_null()) ||
           (values && values->size() == 1 && values->at(size_t(0)).is_null());
  }

  void merge_alternatives() {
    // One of them may have another in it.
    for (size_t round = 0; round < 2 * kDepthMax; ++round) {
      const char* keyword = round % 2 == 0 ? "anyOf" : "oneOf";
      const common_json* list = find(schema_, keyword);
      if (!list || !list->is_array()) continue;
      std::vector<common_json> others;
      for (const common_json& one : *list) {
        if (is_null(one)) {
          is_nullable_ = true;
        } else {
          others.push_back(one);
        }
      }
      schema_.erase(keyword);
      if (others.size() == 1) {
        merge(others.front());
        merge_all();
      } else if (!others.empty()) {
        merge_several(others);
      }
    }
  }

  void merge_several(const std::vector<common_json>& others) {
    std::string texts;
    common_json first = common_json::object();
    for (const common_json& one : others) {
      texts += (texts.empty() ? "" : " or ") + one.dump_safe();
      const common_json* properties = find(one, "properties");
      if (properties && properties->is_object()) {
        if (!first.contains("properties")) first["properties"] = common_json::object();
        for (const auto& [name, value] : properties->items()) {
          if (!first["properties"].contains(name)) first["properties"][name] = value;
        }
      }
      const std::string type = text_of(one, "type");
      if (!type.empty() && !first.contains("type")) first["type"] = type;
    }
    if (first.contains("properties")) first["type"] = "object";
    note("One of: " + texts + ".");
    for (const auto& [key, value] : first.items()) {
      if (!schema_.contains(key)) schema_[key] = value;
    }
  }

  std::string find_type() {
    std::vector<std::string> types;
    if (const common_json* type = find(schema_, "type")) {
      common_json list = type->is_array() ? *type : common_json::array();
      if (type->is_string()) list.push_back(*type);
      for (const common_json& one : list) {
        const std::string name = one.is_string() ? one.get<std::string>() : "";
        if (name == "null") {
          is_nullable_ = true;
        } else if (is_among(name, kTypes) && !is_among(name, types)) {
          types.push_back(name);
        } else if (!name.empty() && !is_among(name, kTypes)) {
          note("Of type " + name + ".");
        }
      }
      if (types.empty() && is_nullable_) types.push_back("null");
    }
    if (types.size() > 1) {
      std::string names;
      for (const std::string& name : types) names += (names.empty() ? "" : ", ") + name;
      note("Of one of the types " + names + ".");
    }
    return types.empty() ? guessed_type() : types.front();
  }

  std::string guessed_type() {
    const auto has = [&](const std::vector<std::string>& keys) {
      return std::any_of(keys.begin(), keys.end(),
                         [&](const std::string& key) { return schema_.contains(key); });
    };
    if (const common_json* value = find(schema_, "const")) return type_of(*value);
    if (const common_json* values = find(schema_, "enum")) {
      for (const common_json& value : *values) {
        if (!value.is_null()) return type_of(value);
      }
    }
    if (has({"properties", "additionalProperties", "required", "patternProperties"})) {
      return "object";
    }
    if (has({"items", "prefixItems", "minItems", "maxItems", "contains"})) return "array";
    if (has({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"})) {
      return "number";
    }
    if (!has({"pattern", "format", "minLength", "maxLength"}) && notes_.empty()) note(kAny);
    return "string";
  }

  // Copies keywords whose values can be wrong only in their type.
  void copy_plain(common_json& result) {
    for (const char* key : {"title", "format", "pattern"}) {
      if (!text_of(schema_, key).empty()) result[key] = text_of(schema_, key);
    }
    for (const char* key : {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
                            "multipleOf", "minLength", "maxLength", "minItems", "maxItems"}) {
      const common_json* value = find(schema_, key);
      if (value && value->is_number()) result[key] = *value;
    }
    const common_json* nullable = find(schema_, "nullable");
    if (nullable && nullable->is_boolean() && nullable->get<bool>()) is_nullable_ = true;
    const common_json* examples = find(schema_, "examples");
    if (examples && examples->is_array()) result["examples"] = *examples;
  }

  void set_values(common_json& result, const std::string& type) {
    common_json values = common_json::array();
    if (const common_json* value = find(schema_, "const")) values.push_back(*value);
    const common_json* list = find(schema_, "enum");
    if (list && list->is_array() && values.empty()) values.insert(*list);
    common_json said = common_json::array();
    for (const common_json& value : values) {
      if (value.is_null()) is_nullable_ = true;
      // Templates join them as texts.
      const bool is_text = value.is_string() || type != "string";
      if (!value.is_null()) said.push_back(is_text ? value : common_json(value.dump_safe()));
    }
    if (!said.empty()) result["enum"] = said;
    if (!said.empty() && type != "string") note("One of " + said.dump_safe() + ".");
    const common_json* value = find(schema_, "default");
    if (!value || value->is_null()) return;
    result["default"] =
        said.empty() || value->is_string() ? *value : common_json(value->dump_safe());
  }

  void set_items(common_json& result) {
    const common_json* items = find(schema_, "items");
    const common_json* list = find(schema_, "prefixItems");
    if (items && items->is_array()) list = items;
    if (list && list->is_array() && !list->empty()) {
      note("Its first items, in this order: " + list->dump_safe() + ".");
      result["items"] = ordered(list->at(size_t(0)), depth_ + 1);
    } else {
      result["items"] = items && items->is_object() ? ordered(*items, depth_ + 1) : any();
    }
  }

  void set_properties(common_json& result) {
    result["properties"] = common_json::object();
    const common_json* properties = find(schema_, "properties");
    if (properties && properties->is_object()) {
      for (const auto& [name, one] : properties->items()) {
        result["properties"][name] = ordered(one, depth_ + 1);
      }
    }
    result["required"] = common_json::array();
    const common_json* required = find(schema_, "required");
    if (required && required->is_array()) {
      for (const common_json& name : *required) {
        if (name.is_string()) result["required"].push_back(name);
      }
    }
    const common_json* others = find(schema_, "additionalProperties");
    if (others && others->is_object() && !others->empty()) {
      result["additionalProperties"] = ordered(*others, depth_ + 1);
    }
  }

  void note_others() {
    common_json others = common_json::object();
    for (const char* key : {"not", "if", "then", "else", "contains", "patternProperties",
                            "propertyNames", "dependentRequired", "dependentSchemas",
                            "dependencies", "minProperties", "maxProperties"}) {
      if (const common_json* value = find(schema_, key)) others[key] = *value;
    }
    if (!others.empty()) note("Also: " + others.dump_safe() + ".");
  }

  common_json schema_;
  const size_t depth_;
  std::string notes_;
  bool is_nullable_ = false;
};

}  // namespace

bool holds_schema(const std::string& keyword) {
  static const std::vector<std::string> keywords{"not",
                                                 "if",
                                                 "then",
                                                 "else",
                                                 "contains",
                                                 "propertyNames",
                                                 "items",
                                                 "additionalItems",
                                                 "additionalProperties",
                                                 "unevaluatedItems",
                                                 "unevaluatedProperties"};
  return is_among(keyword, keywords);
}

bool holds_schemas(const std::string& keyword) {
  static const std::vector<std::string> keywords{"anyOf", "oneOf", "allOf", "prefixItems", "items"};
  return is_among(keyword, keywords);
}

bool holds_schemas_by_key(const std::string& keyword) {
  static const std::vector<std::string> keywords{"properties", "patternProperties", "$defs",
                                                 "definitions", "dependentSchemas"};
  return is_among(keyword, keywords);
}

common_json inlined_schema(const common_json& schema) { return Inliner(schema).inlined(schema, 0); }

common_json ordered_schema(const common_json& schema) {
  common_json result = Orderer::ordered(inlined_schema(schema));
  if (text_of(result, "type") == "object") return result;
  // Templates know a call's arguments only as an object.
  common_json object = common_json::object();
  object["type"] = "object";
  object["properties"] = common_json::object();
  object["required"] = common_json::array();
  return object;
}

}  // namespace sluice
