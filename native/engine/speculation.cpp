#include "engine/speculation.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace sluice {
namespace {

// After so many drafted steps one without is computed, to measure its time again: what drafting
// saves depends on it.
constexpr int32_t kDraftedStepsMax = 64;
// An edit replaces words. So where the text goes its own way, the copy is taken up again behind the
// tokens that were replaced, before three of them are found again.
constexpr int32_t kResumes = TextIndex::kKey;

}  // namespace

Speculation::Speculation(std::unique_ptr<Speculator> speculator, Context* with_heads,
                         const SpeculationOptions& options)
    : speculator_(std::move(speculator)),
      with_heads_(with_heads),
      options_(options),
      reading_(speculator_ ? speculator_->rows_max() : 0),
      length_(fresh_length()) {}

DraftLength Speculation::fresh_length() const {
  return options_.tokens_max > 0 ? DraftLength(options_.tokens_max, nullptr)
                                 : DraftLength(DraftCost::kDraftMax, &cost_);
}

std::vector<std::vector<int32_t>> Speculation::draft(const std::vector<DraftRequest>& requests,
                                                     int32_t rows, int32_t rows_max,
                                                     double catch_up_ms, const AbortCheck& abort) {
  if (drafted_steps_ >= kDraftedStepsMax) return std::vector<std::vector<int32_t>>(requests.size());
  if (with_heads_) return draft_by_heads(requests, rows, rows_max, abort);
  if (!speculator_) return look_up(requests, rows, rows_max);
  std::vector<std::vector<int32_t>> drafts(requests.size());
  if (rows == 1 && requests.size() == 1 && catch_up_ms > 0) {
    drafts.front() = draft_by_model(requests.front(), catch_up_ms, abort);
  }
  return drafts;
}

std::vector<int32_t> Speculation::draft_by_model(const DraftRequest& request, double catch_up_ms,
                                                 const AbortCheck& abort) {
  const Sequence& sequence = *request.sequence;
  turn_to(sequence);
  if (has_failed_) return {};
  const int32_t count = std::min(request.tokens_max, length_.next());
  if (count == 0 || !catch_up(sequence, catch_up_ms, abort)) return {};
  const auto start = Clock::now();
  std::vector<int32_t> tokens = speculator_->draft(sequence.tokens(), count, abort);
  if (!tokens.empty()) cost_.learn_draft(int32_t(tokens.size()), ms_since(start));
  return tokens;
}

std::vector<std::vector<int32_t>> Speculation::draft_by_heads(
    const std::vector<DraftRequest>& requests, int32_t rows, int32_t rows_max,
    const AbortCheck& abort) {
  std::vector<DraftWish> wishes;
  std::vector<DraftLength*> lengths;
  for (const auto& [sequence, tokens_max] : requests) {
    const RequestId id = sequence->request().id;
    lengths.push_back(&by_heads_.try_emplace(id, fresh_length()).first->second);
    wishes.push_back(wish_of(*lengths.back(), tokens_max));
  }
  const std::vector<int32_t> counts = counts_of(wishes, lengths, rows, rows_max);
  std::vector<DraftStart> starts;
  int32_t tokens = 0;
  for (size_t i = 0; i < requests.size(); ++i) {
    const Sequence& sequence = *requests[i].sequence;
    const int32_t position = sequence.n_computed();
    starts.push_back({sequence.slot(), sequence.token(position), position, counts[i]});
    tokens += counts[i];
  }
  if (tokens == 0) return std::vector<std::vector<int32_t>>(requests.size());
  const auto start = Clock::now();
  auto drafts = with_heads_->draft(starts, abort);
  int32_t drafted = 0;
  for (const auto& draft : drafts) drafted += int32_t(draft.size());
  if (drafted > 0) cost_.learn_draft(drafted, ms_since(start));
  return drafts;
}

std::vector<std::vector<int32_t>> Speculation::look_up(const std::vector<DraftRequest>& requests,
                                                       int32_t rows, int32_t rows_max) {
  std::vector<DraftWish> wishes;
  std::vector<DraftLength*> lengths;
  std::vector<int32_t> sources;
  for (const auto& [sequence, tokens_max] : requests) {
    LookUp& look_up = look_up_of(*sequence);
    const int32_t source = source_of(look_up, sequence->tokens());
    const int32_t found = source < 0 ? 0 : std::min(tokens_max, sequence->n_tokens() - source);
    wishes.push_back(wish_of(look_up.length, found));
    lengths.push_back(&look_up.length);
    sources.push_back(source);
  }
  const std::vector<int32_t> counts = counts_of(wishes, lengths, rows, rows_max);
  std::vector<std::vector<int32_t>> drafts(requests.size());
  for (size_t i = 0; i < requests.size(); ++i) {
    if (counts[i] <= 0) continue;
    const auto begin = requests[i].sequence->tokens().begin() + sources[i];
    drafts[i].assign(begin, begin + counts[i]);
    look_up_of(*requests[i].sequence).source = sources[i];
  }
  return drafts;
}

DraftWish Speculation::wish_of(DraftLength& length, int32_t tokens) const {
  DraftWish wish{0, std::max(0, tokens)};
  if (wish.tokens == 0) return wish;
  if (options_.tokens_max > 0) {
    const int32_t next = length.next();
    wish.chance = next > 0 ? 1 : 0;
    if (next > 0) wish.tokens = std::min(wish.tokens, next);
  } else {
    wish.chance = length.chance();
  }
  if (wish.chance == 0 && !are_alike()) wish.tokens = 0;
  return wish;
}

std::vector<int32_t> Speculation::counts_of(const std::vector<DraftWish>& wishes,
                                            const std::vector<DraftLength*>& lengths, int32_t rows,
                                            int32_t rows_max) const {
  std::vector<int32_t> counts = share(wishes, rows, rows_max);
  const auto drafts = [](int32_t count) { return count > 0; };
  if (std::any_of(counts.begin(), counts.end(), drafts)) return counts;
  // Nobody drafts, since by the costs as they were measured it would be slower.
  if (are_alike() && rows > 1) {
    try_for_all(counts, wishes, lengths, rows, rows_max);
  } else {
    try_for_one(counts, wishes, lengths, rows, rows_max);
  }
  return counts;
}

void Speculation::try_for_one(std::vector<int32_t>& counts, const std::vector<DraftWish>& wishes,
                              const std::vector<DraftLength*>& lengths, int32_t rows,
                              int32_t rows_max) const {
  for (size_t i = 0; i < wishes.size(); ++i) {
    if (!is_too_dear(wishes[i], rows, rows_max) || !lengths[i]->passed()) continue;
    counts[i] = std::min({wishes[i].tokens, rows_max - rows, DraftCost::kDraftMax});
    return;
  }
}

void Speculation::try_for_all(std::vector<int32_t>& counts, const std::vector<DraftWish>& wishes,
                              const std::vector<DraftLength*>& lengths, int32_t rows,
                              int32_t rows_max) const {
  if (options_.tokens_max > 0 || int32_t(wishes.size()) < rows || !cost_.knows(rows)) return;
  int32_t count = std::min((rows_max - rows) / rows, DraftCost::kDraftMax);
  for (const DraftWish& wish : wishes) count = std::min(count, wish.chance > 0 ? wish.tokens : 0);
  if (count > 0 && lengths.front()->passed()) counts.assign(wishes.size(), count);
}

// And by nothing else: not that it found too little, or that the rows were never measured.
bool Speculation::is_too_dear(const DraftWish& wish, int32_t rows, int32_t rows_max) const {
  if (options_.tokens_max > 0 || wish.chance == 0 || rows >= rows_max || !cost_.knows(rows)) {
    return false;
  }
  return cost_.share(rows, {wish}, rows_max, options_.lengths).front() == 0;
}

std::vector<int32_t> Speculation::share(const std::vector<DraftWish>& wishes, int32_t rows,
                                        int32_t rows_max) const {
  if (options_.tokens_max == 0) return cost_.share(rows, wishes, rows_max, options_.lengths);
  int32_t drafting = 0, length = options_.tokens_max;
  bool is_hopeful = false;
  for (const DraftWish& wish : wishes) {
    if (wish.tokens == 0) continue;
    ++drafting;
    is_hopeful |= wish.chance > 0;
    length = std::min(length, wish.tokens);
  }
  const bool is_allowed = !are_alike() || drafting == rows;
  length = is_hopeful && is_allowed ? std::min(length, (rows_max - rows) / drafting) : 0;
  std::vector<int32_t> counts;
  for (const DraftWish& wish : wishes) counts.push_back(wish.tokens > 0 ? length : 0);
  return counts;
}

int32_t Speculation::source_of(LookUp& look_up, const std::vector<int32_t>& tokens) {
  const int32_t found = look_up.index.find(tokens);
  if (found >= 0 || look_up.source < 0 || look_up.resumes <= 0) return found;
  --look_up.resumes;
  return look_up.source++;
}

Speculation::LookUp& Speculation::look_up_of(const Sequence& sequence) {
  const Request& request = sequence.request();
  return looked_up_.try_emplace(request.id, store_, request.tenant_salt, fresh_length())
      .first->second;
}

void Speculation::learn(RequestId id, int32_t drafted, int32_t accepted, bool missed) {
  if (speculator_) return length_.learn(drafted, accepted, missed);
  if (with_heads_) {
    const auto length = by_heads_.find(id);
    if (length != by_heads_.end()) length->second.learn(drafted, accepted, missed);
    return;
  }
  const auto entry = looked_up_.find(id);
  if (entry == looked_up_.end()) return;  // the reply is over
  LookUp& look_up = entry->second;
  look_up.length.learn(drafted, accepted, missed);
  look_up.resumes = accepted > 0 ? kResumes : 0;
  look_up.source += accepted + 1;
}

void Speculation::forget(RequestId id) {
  looked_up_.erase(id);
  by_heads_.erase(id);
}

void Speculation::learn_batch(int32_t single, int32_t drafted, bool is_one_pass, double ms) {
  if (is_one_pass) {
    cost_.learn_batch(single + drafted, ms);
  } else {
    cost_.learn_second_pass(single, drafted, ms);
  }
  drafted_steps_ = drafted > 0 ? drafted_steps_ + 1 : 0;
}

void Speculation::turn_to(const Sequence& sequence) {
  const Request& request = sequence.request();
  if (request.id == id_) return;
  // The time it takes to catch up would reveal what was asked before, so salts are kept apart here
  // as well.
  if (request.tenant_salt != salt_) speculator_->forget();
  id_ = request.id;
  salt_ = request.tenant_salt;
  has_failed_ = false;
}

// False while there is more to read, or when it cannot be read.
bool Speculation::catch_up(const Sequence& sequence, double budget_ms, const AbortCheck& abort) {
  const int32_t missing = speculator_->missing(sequence.tokens());
  if (missing == 0) return true;
  const int32_t begin = sequence.n_tokens() - 1 - missing;
  const int32_t rows = std::min(missing, reading_.rows_within(budget_ms, begin));
  const auto start = Clock::now();
  const DecodeStatus status = speculator_->catch_up(sequence.tokens(), rows, abort);
  if (status != DecodeStatus::ok) {
    has_failed_ = status != DecodeStatus::aborted;
    return false;
  }
  reading_.learn({rows, rows, begin + rows / 2.0}, ms_since(start));
  return rows == missing;
}

}  // namespace sluice
