#include "disk/state-index.h"

#include <algorithm>

#include "base/common-prefix.h"

namespace sluice {
namespace {

// What takes so little is worth it whatever computing takes.
constexpr double kReadMsFree = 20;

double read_ms(uint64_t bytes, const DiskRates& rates) {
  return double(bytes) / rates.read_bytes_per_ms;
}

}  // namespace

bool is_worth_reading(int32_t spared, uint64_t bytes, const DiskRates& rates) {
  if (spared < kDiskTokensMin) return false;
  const double ms = read_ms(bytes, rates);
  return ms <= kReadMsFree || ms < spared * rates.token_ms;
}

bool is_worth_writing(int32_t tokens, int32_t known, uint64_t bytes, const DiskRates& rates,
                      bool is_last) {
  const int32_t gained = tokens - known;
  if (gained < (is_last ? kDiskTokensMin : std::max(kDiskTokensMin, tokens / 4))) return false;
  return is_worth_reading(tokens, bytes, rates);
}

int32_t StateIndex::served(const StateHead& head, const std::vector<int32_t>& tokens,
                           int32_t limit) const {
  const int32_t shared = common_prefix(head.tokens, tokens, limit);
  return whole_only_ && size_t(shared) < head.tokens.size() ? 0 : shared;
}

StateIndex::Found StateIndex::find(const Digest& owner, const std::vector<int32_t>& tokens,
                                   int32_t limit, int32_t there, const DiskRates& rates) const {
  Found best;
  double most_ms = 0;
  for (const auto& [name, entry] : entries_) {
    const StateHead& head = *entry.head;
    if (!entry.is_written || head.owner != owner) continue;
    if (head.tokens.size() > size_t(tokens_max_)) continue;
    const int32_t shared = served(head, tokens, limit);
    if (!is_worth_reading(shared - there, head.state_bytes, rates)) continue;
    const double spared_ms = (shared - there) * rates.token_ms - read_ms(head.state_bytes, rates);
    if (best.head && spared_ms <= most_ms) continue;
    most_ms = spared_ms;
    best = {name, entry.head, shared};
  }
  return best;
}

int32_t StateIndex::known(const Digest& owner, const std::vector<int32_t>& tokens) const {
  int32_t most = 0;
  for (const auto& [name, entry] : entries_) {
    if (entry.head->owner != owner) continue;
    most = std::max(most, served(*entry.head, tokens, int32_t(tokens.size())));
  }
  return most;
}

int32_t StateIndex::longest_common(const Digest& owner, const std::vector<int32_t>& tokens,
                                   int32_t limit) const {
  int32_t most = 0;
  for (const auto& [name, entry] : entries_) {
    if (entry.head->owner != owner) continue;
    most = std::max(most, common_prefix(entry.head->tokens, tokens, limit));
  }
  return most;
}

std::vector<std::string> StateIndex::large_prefixes_of(const Digest& owner,
                                                       const std::vector<int32_t>& tokens) const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) {
    const std::vector<int32_t>& own = entry.head->tokens;
    if (entry.head->owner != owner || own.size() > tokens.size()) continue;
    if (own.size() * 2 < tokens.size()) continue;
    const bool is_prefix = common_prefix(own, tokens, int32_t(own.size())) == int32_t(own.size());
    if (is_prefix) names.push_back(name);
  }
  return names;
}

std::vector<std::string> StateIndex::sharing(const Digest& owner,
                                             const std::vector<int32_t>& tokens) const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) {
    const std::vector<int32_t>& own = entry.head->tokens;
    if (entry.head->owner != owner) continue;
    const int32_t length = int32_t(std::min(own.size(), tokens.size()));
    const int32_t shared = common_prefix(own, tokens, length);
    if (shared >= std::min(kDiskTokensMin, int32_t(own.size()))) names.push_back(name);
  }
  return names;
}

void StateIndex::add(const std::string& name, std::shared_ptr<const StateHead> head,
                     bool is_written) {
  entries_[name] = {std::move(head), is_written};
}

void StateIndex::remove_written(const std::string& name) {
  const auto found = entries_.find(name);
  if (found != entries_.end() && found->second.is_written) entries_.erase(found);
}

std::vector<std::pair<std::string, std::shared_ptr<const StateHead>>> StateIndex::written() const {
  std::vector<std::pair<std::string, std::shared_ptr<const StateHead>>> all;
  for (const auto& [name, entry] : entries_) {
    if (entry.is_written) all.emplace_back(name, entry.head);
  }
  return all;
}

}  // namespace sluice
