#include "engine/speculation.h"

#include <algorithm>

#include "base/clock.h"

namespace sluice {
namespace {

// After so many drafted steps a single row is computed, to measure its time again: what drafting
// saves depends on it.
constexpr int32_t kDraftedStepsMax = 64;

}  // namespace

Speculation::Speculation(std::unique_ptr<Speculator> speculator, int32_t tokens_max)
    : speculator_(std::move(speculator)),
      tokens_max_(tokens_max),
      reading_(speculator_->rows_max()),
      length_(fresh_length()) {}

DraftLength Speculation::fresh_length() const {
  return tokens_max_ > 0 ? DraftLength(tokens_max_, nullptr)
                         : DraftLength(DraftCost::kDraftMax, &cost_);
}

std::vector<int32_t> Speculation::draft(const Sequence& sequence, int32_t limit, double catch_up_ms,
                                        const AbortCheck& abort) {
  turn_to(sequence);
  if (limit <= 0 || has_failed_) return {};
  if (drafted_steps_ >= kDraftedStepsMax) return {};
  const int32_t count = std::min(limit, length_.next());
  if (count == 0 || !catch_up(sequence, catch_up_ms, abort)) return {};
  const auto start = Clock::now();
  std::vector<int32_t> tokens = speculator_->draft(sequence.tokens(), count, abort);
  if (!tokens.empty()) cost_.learn_draft(int32_t(tokens.size()), ms_since(start));
  return tokens;
}

void Speculation::learn(int32_t drafted, int32_t accepted, bool missed) {
  length_.learn(drafted, accepted, missed);
}

void Speculation::learn_batch(int32_t rows, double ms) {
  cost_.learn_batch(rows, ms);
  drafted_steps_ = rows > 1 ? drafted_steps_ + 1 : 0;
}

void Speculation::turn_to(const Sequence& sequence) {
  const Request& request = sequence.request();
  if (request.id == id_) return;
  // The time it takes to catch up would reveal what was asked before, so salts are kept apart here
  // as well.
  if (request.cache_salt != salt_) speculator_->forget();
  id_ = request.id;
  salt_ = request.cache_salt;
  has_failed_ = false;
  // A draft model helps about equally with every text. Looking up helps with some texts only, so
  // that is learned anew for each request.
  if (!speculator_->has_model()) length_ = fresh_length();
}

// False while there is more to read, or when it cannot be read.
bool Speculation::catch_up(const Sequence& sequence, double budget_ms, const AbortCheck& abort) {
  const int32_t missing = speculator_->missing(sequence.tokens());
  if (missing == 0) return true;
  const int32_t rows = std::min(missing, reading_.rows_within(budget_ms));
  const auto start = Clock::now();
  const DecodeStatus status = speculator_->catch_up(sequence.tokens(), rows, abort);
  if (status != DecodeStatus::ok) {
    has_failed_ = status != DecodeStatus::aborted;
    return false;
  }
  reading_.learn({rows, rows, 0}, ms_since(start));
  return rows == missing;
}

}  // namespace sluice
