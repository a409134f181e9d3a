#pragma once

#include <string>
#include <vector>

namespace sluice {

// A call's arguments as a JSON object, for templates that want no text. Nothing that they say is
// left out:
// - blank and `null` are `{}`, and text that holds an object's JSON is that object;
// - what was cut is closed where it ends: `{"city": "Par` is {"city":"Par"}, and a name whose value
//   had not begun has null;
// - raw control characters in strings are escaped, half of a pair of surrogates is U+FFFD, and a
//   whole number beyond 64 bits is text, since templates would print another one;
// - anything else is {"arguments": ...}, with the value, or the text where it is no JSON or deeper
//   than kArgumentsDepthMax.
std::string arguments_object(const std::string& arguments);

// Templates recurse into them.
constexpr size_t kArgumentsDepthMax = 32;

// What has to be known of arguments before a template prints them.
struct ArgumentsForm {
  bool is_object = false;  // one that is whole, and that arguments_object() leaves as it is
  bool is_nested = false;  // it has objects or arrays within
  bool has_null = false;
};
ArgumentsForm form_of(const std::string& arguments);

// For templates that print some values as nothing: an object of arguments_object() with each object
// and array in it as text, and with each null as the text "null".
std::string with_flat_values(const std::string& object);
std::string with_null_as_text(const std::string& object);

}  // namespace sluice
