#include "engine/policy/embedding-plan.h"

#include <algorithm>
#include <deque>
#include <numeric>
#include <unordered_map>

namespace sluice {

namespace {

// The jobs of one owner that may give one more input, the next one first.
struct OwnersLine {
  std::deque<size_t> jobs;
  int32_t rows = 0;  // that it has of the batch
};

// In the order in which the owners come.
std::vector<OwnersLine> lines_of(const std::vector<InputsLeft>& jobs) {
  std::vector<OwnersLine> lines;
  std::unordered_map<std::string_view, size_t> places;
  for (size_t job = 0; job < jobs.size(); ++job) {
    const size_t place = places.emplace(jobs[job].owner, lines.size()).first->second;
    if (place == lines.size()) lines.emplace_back();
    lines[place].jobs.push_back(job);
  }
  return lines;
}

// Of those with the fewest rows the first. Null where no job has an input that may fit.
OwnersLine* next_of(std::vector<OwnersLine>& lines) {
  OwnersLine* next = nullptr;
  for (OwnersLine& line : lines) {
    if (!line.jobs.empty() && (!next || line.rows < next->rows)) next = &line;
  }
  return next;
}

}  // namespace

std::vector<EmbeddingShare> plan_embedding_batch(const std::vector<InputsLeft>& jobs,
                                                 const EmbeddingLimits& limits) {
  std::vector<int32_t> counts(jobs.size(), 0);
  int32_t rows = 0, sequences = 0;
  std::vector<OwnersLine> lines = lines_of(jobs);
  OwnersLine* line = nullptr;
  while (sequences < limits.sequences && (line = next_of(lines))) {
    const size_t job = line->jobs.front();
    line->jobs.pop_front();
    const std::vector<int32_t>& lengths = jobs[job].lengths;
    if (size_t(counts[job]) == lengths.size()) continue;
    const int32_t more = lengths[size_t(counts[job])];
    if (rows > 0 && rows + more > limits.rows) continue;  // nor will it fit later
    rows += more;
    ++sequences;
    ++counts[job];
    line->rows += more;
    line->jobs.push_back(job);
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
