#pragma once

#include <string>
#include <unordered_map>

namespace sluice {

// Letters and digits of an id that every template takes: Mistral's want nine.
constexpr size_t kCallIdLetters = 9;

// A random id, for a call of a reply.
std::string new_call_id();

// Maps the ids of one conversation to ids of nine letters and digits. An id is always mapped to the
// same one, in other conversations that begin alike too, so that they still share a prefix.
class CallIds {
 public:
  static bool is_short(const std::string& id);
  // An id of that form is not changed.
  const std::string& short_id(const std::string& id);

 private:
  std::unordered_map<std::string, std::string> short_, long_;
};

}  // namespace sluice
