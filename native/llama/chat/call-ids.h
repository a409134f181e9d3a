#pragma once

#include <string>
#include <unordered_map>

namespace sluice {

// Letters and digits of an id that every template takes: Mistral's want nine.
constexpr size_t kCallIdLetters = 9;

// Any, for a call that is made.
std::string new_call_id();

// The ids of one conversation in nine letters and digits. The same id is always the same one, in
// this conversation and in others that begin like it, so that a prefix stays one.
class CallIds {
 public:
  static bool is_short(const std::string& id);
  // One that is of such a form stays as it is.
  const std::string& short_id(const std::string& id);

 private:
  std::unordered_map<std::string, std::string> short_, long_;
};

}  // namespace sluice
