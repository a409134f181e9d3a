#include "grammar/constraint.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr size_t kTextAtOnce = 64;  // bytes that may take as much work as one token

// A text mostly moves among a few states, such as those within a string: 20 KB each, for 152,000
// tokens.
constexpr size_t kMasksMax = 8;

// Grammars that we made can always be followed to an end: that one cannot be is our fault.
FaultCode fault_at(GrammarOrigin origin) {
  return origin == GrammarOrigin::request ? FaultCode::invalid_grammar : FaultCode::engine_failed;
}

}  // namespace

Constraint::Constraint(std::shared_ptr<const Grammar> grammar,
                       std::shared_ptr<const GrammarVocabulary> vocabulary, const GrammarSpec& spec)
    : vocabulary_(std::move(vocabulary)),
      origin_(spec.form ? spec.form->origin : spec.origin),
      matcher_(std::move(grammar), fault_at(origin_)),
      triggers_(spec.triggers),
      named_(spec.named_tokens.begin(), spec.named_tokens.end()),
      has_form_(spec.form != nullptr),
      is_waiting_(spec.is_lazy) {
  for (const std::string& trigger : triggers_) {
    longest_trigger_ = std::max(longest_trigger_, trigger.size());
  }
}

std::string_view Constraint::piece(int32_t token) const {
  const auto named = named_.find(token);
  return named == named_.end() ? vocabulary_->piece(token) : std::string_view(named->second);
}

std::string Constraint::triggered_by(std::string_view piece) const {
  const std::string text = recent_ + std::string(piece);
  size_t first = std::string::npos;
  for (const std::string& trigger : triggers_) first = std::min(first, text.find(trigger));
  return first == std::string::npos ? std::string() : text.substr(first);
}

void Constraint::suppress(bool is_suppressed) {
  is_suppressed_ = is_suppressed;
  if (!is_suppressed) return;
  recent_.clear();
  if (has_form_ && form_span().begin == FormSpan::kUnknown) matcher_.leave_form();
}

bool Constraint::allows(int32_t token) {
  if (is_waiting_ && is_suppressed_) return true;
  if (is_waiting_) {
    const std::string begun = triggered_by(piece(token));
    return begun.empty() || matcher_.walk(matcher_.state(), begun) != GrammarMatcher::kDead;
  }
  if (vocabulary_->ends_generation(token)) return matcher_.can_end();
  const std::string_view bytes = piece(token);
  if (bytes.empty()) return false;
  // A control token is no text: it is a mark around the form, and never in it.
  const bool is_mark = has_form_ && is_named(token);
  const int32_t from = is_mark ? matcher_.outside_form(matcher_.state()) : matcher_.state();
  return matcher_.walk(from, bytes) != GrammarMatcher::kDead;
}

void Constraint::copy_allowed(const float* logits, float* masked) {
  if (is_waiting_) {
    for (int32_t token = 0; token < vocabulary_->size(); ++token) {
      if (allows(token)) masked[token] = logits[token];
    }
    return;
  }
  const std::vector<uint64_t>& bits = mask();
  for (size_t i = 0; i < bits.size(); ++i) {
    if (bits[i] == 0) continue;
    for (size_t bit = 0; bit < 64; ++bit) {
      if (bits[i] >> bit & 1) masked[i * 64 + bit] = logits[i * 64 + bit];
    }
  }
  for (const auto& [token, name] : named_) {
    if (allows(token)) masked[token] = logits[token];
  }
}

bool Constraint::knows_allowed() const {
  return masks_epoch_ == matcher_.epoch() &&
         std::any_of(masks_.begin(), masks_.end(),
                     [this](const Mask& mask) { return mask.state == matcher_.state(); });
}

const std::vector<uint64_t>& Constraint::mask() {
  if (masks_epoch_ != matcher_.epoch()) masks_.clear();
  masks_epoch_ = matcher_.epoch();
  const auto known = std::find_if(masks_.begin(), masks_.end(), [this](const Mask& mask) {
    return mask.state == matcher_.state();
  });
  if (known != masks_.end()) {
    std::rotate(known, known + 1, masks_.end());
    return masks_.back().bits;
  }
  Mask made{matcher_.state(), vocabulary_->allowed(matcher_)};
  if (masks_.size() == kMasksMax) masks_.erase(masks_.begin());
  masks_.push_back(std::move(made));
  return masks_.back().bits;
}

void Constraint::accept(int32_t token) {
  if (is_waiting_ && is_suppressed_) return;
  matcher_.begin_row();
  const std::string_view bytes = piece(token);
  if (is_waiting_) {
    const std::string begun = triggered_by(bytes);
    is_waiting_ = begun.empty();
    if (!is_waiting_) {
      matcher_.accept(begun);
      return;
    }
    recent_.append(bytes);
    if (recent_.size() >= longest_trigger_) {
      recent_.erase(0, recent_.size() - longest_trigger_ + (longest_trigger_ > 0 ? 1 : 0));
    }
    return;
  }
  if (vocabulary_->ends_generation(token)) return;
  if (has_form_ && is_named(token)) matcher_.leave_form();
  if (follow(bytes)) return;
  throw FaultError(FaultCode::engine_failed, "a token that the grammar refuses was chosen");
}

FaultError Constraint::dead_end(bool is_forbidden) const {
  if (!is_forbidden) {
    return FaultError(fault_at(origin_),
                      "no token of the model's vocabulary goes on as the grammar wants");
  }
  const FaultCode code = origin_ == GrammarOrigin::request  ? FaultCode::invalid_grammar
                         : origin_ == GrammarOrigin::schema ? FaultCode::invalid_schema
                                                            : FaultCode::invalid_request;
  return FaultError(code,
                    "the only token that goes on as the grammar wants must not be sampled: the "
                    "text is whole, and ignore_eos (ignoreEos) forbids its end; leave that out");
}

bool Constraint::accept_text(std::string_view text) {
  for (size_t at = 0; at < text.size(); at += kTextAtOnce) {
    matcher_.begin_row();
    if (!follow(text.substr(at, kTextAtOnce))) return false;
  }
  return true;
}

bool Constraint::begins_blank() {
  const std::string_view blanks = " \t\r\n";
  return std::any_of(blanks.begin(), blanks.end(), [this](char blank) {
    return matcher_.step(matcher_.state(), uint8_t(blank)) != GrammarMatcher::kDead;
  });
}

bool Constraint::follow(std::string_view bytes) {
  if (has_form_) form_.follow(matcher_, bytes);
  return matcher_.accept(bytes);
}

}  // namespace sluice
