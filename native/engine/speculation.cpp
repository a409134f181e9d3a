#include "engine/speculation.h"

#include <algorithm>

#include "engine/clock.h"

namespace sluice {

Speculation::Speculation(std::unique_ptr<Speculator> speculator, int32_t tokens_max)
    : speculator_(std::move(speculator)),
      tokens_max_(tokens_max),
      cost_(speculator_->rows_max()),
      length_(tokens_max) {}

std::vector<int32_t> Speculation::draft(const Sequence& sequence, int32_t limit, double catch_up_ms,
                                        const AbortCheck& abort) {
  turn_to(sequence);
  if (limit <= 0 || has_failed_) return {};
  const int32_t count = std::min(limit, length_.next());
  if (count == 0 || !catch_up(sequence, catch_up_ms, abort)) return {};
  return speculator_->draft(sequence.tokens(), count, abort);
}

void Speculation::turn_to(const Sequence& sequence) {
  const Request& request = sequence.request();
  if (request.id == id_) return;
  // How soon it has caught up tells what was asked before, so salts are kept apart here too.
  if (request.cache_salt != salt_) speculator_->forget();
  id_ = request.id;
  salt_ = request.cache_salt;
  has_failed_ = false;
  length_ = DraftLength(tokens_max_);
}

// False while there is more to read, or when it cannot be read.
bool Speculation::catch_up(const Sequence& sequence, double budget_ms, const AbortCheck& abort) {
  const int32_t missing = speculator_->missing(sequence.tokens());
  if (missing == 0) return true;
  const int32_t rows = std::min(missing, cost_.rows_within(budget_ms));
  const auto start = Clock::now();
  const DecodeStatus status = speculator_->catch_up(sequence.tokens(), rows, abort);
  if (status != DecodeStatus::ok) {
    has_failed_ = status != DecodeStatus::aborted;
    return false;
  }
  cost_.learn(rows, ms_since(start));
  return rows == missing;
}

}  // namespace sluice
