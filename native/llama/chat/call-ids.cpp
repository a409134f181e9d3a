#include "llama/chat/call-ids.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string_view>

namespace sluice {
namespace {

constexpr std::string_view kLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

// FNV-1a, the same on every machine.
uint64_t hash_of(const std::string& text) {
  uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

std::string letters_of(uint64_t number) {
  std::string letters;
  for (size_t i = 0; i < kCallIdLetters; ++i) {
    letters.push_back(kLetters[number % kLetters.size()]);
    number /= kLetters.size();
  }
  return letters;
}

}  // namespace

std::string new_call_id() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  return letters_of(random());
}

bool CallIds::is_short(const std::string& id) {
  return id.size() == kCallIdLetters && std::all_of(id.begin(), id.end(), [](char c) {
           return kLetters.find(c) != std::string_view::npos;
         });
}

const std::string& CallIds::short_id(const std::string& id) {
  const auto known = short_.find(id);
  if (known != short_.end()) return known->second;
  std::string made = id;
  if (!is_short(id)) made = letters_of(hash_of(id));
  for (int i = 1; long_.count(made) != 0; ++i) made = letters_of(hash_of(id + std::to_string(i)));
  long_.emplace(made, id);
  return short_.emplace(id, std::move(made)).first->second;
}

}  // namespace sluice
