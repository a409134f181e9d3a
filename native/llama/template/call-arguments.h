#pragma once

#include <string>
#include <vector>

namespace sluice {

// A call's arguments as a JSON object, for templates that take no text. Nothing is left out:
// - blank and `null` become `{}`, and a text that is an object's JSON becomes that object;
// - arguments that were cut are closed: `{"city": "Par` becomes {"city":"Par"}, and a name whose
//   value
//   had not begun gets null;
// - raw control characters in strings are escaped, half of a pair of surrogates is U+FFFD, and a
//   whole number beyond 64 bits becomes text, since templates would print another number;
// - anything else is {"arguments": ...}, with the value, or the text where it is no JSON or deeper
//   than kArgumentsDepthMax.
std::string arguments_object(const std::string& arguments);

// Templates recurse into them.
constexpr size_t kArgumentsDepthMax = 32;

// What must be known of arguments before a template prints them.
struct ArgumentsForm {
  bool is_object = false;  // one that is whole, and that arguments_object() leaves as it is
  bool is_nested = false;  // it has objects or arrays within
  bool has_null = false;
};
ArgumentsForm form_of(const std::string& arguments);

// For templates that do not print some values: an object of arguments_object() in which each object
// and array is text, or each null is the text "null".
std::string with_flat_values(const std::string& object);
std::string with_null_as_text(const std::string& object);

}  // namespace sluice
