#include "engine/policy/embedding-plan.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace sluice {

std::vector<EmbeddingShare> plan_embedding_batch(const std::vector<InputsLeft>& jobs,
                                                 const EmbeddingLimits& limits) {
  std::vector<int32_t> counts(jobs.size(), 0);
  int32_t rows = 0, sequences = 0;
  const auto adds = [&](size_t job) {
    if (size_t(counts[job]) == jobs[job].size() || sequences == limits.sequences) return false;
    const int32_t more = jobs[job][size_t(counts[job])];
    if (rows > 0 && rows + more > limits.rows) return false;
    rows += more;
    ++sequences;
    ++counts[job];
    return true;
  };
  bool has_added = true;
  while (has_added) {
    has_added = false;
    for (size_t job = 0; job < jobs.size(); ++job) has_added |= adds(job);
  }
  std::vector<EmbeddingShare> shares;
  for (size_t job = 0; job < jobs.size(); ++job) {
    if (counts[job] > 0) shares.push_back({int32_t(job), counts[job]});
  }
  return shares;
}

std::vector<size_t> order_by_turns(const std::vector<const std::string*>& owners) {
  std::unordered_map<std::string, size_t> counts;
  std::vector<size_t> turns;
  for (const std::string* owner : owners) turns.push_back(counts[*owner]++);
  std::vector<size_t> order(owners.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t one, size_t other) { return turns[one] < turns[other]; });
  return order;
}

}  // namespace sluice
