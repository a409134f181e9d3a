#include "llama/speculator.h"

#include <algorithm>

#include "base/fault.h"
#include "common.h"
#include "llama.h"
#include "llama/model.h"
#include "speculative.h"

namespace sluice {
namespace {

constexpr int32_t kSequence = 0;

common_params_speculative draft_params(const Context& target, const Context& draft,
                                       int32_t tokens_max) {
  common_params_speculative params;
  params.types = {COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE};
  params.draft.ctx_tgt = target.raw();
  params.draft.ctx_dft = draft.raw();
  params.draft.n_max = tokens_max;
  return params;
}

FaultError misfit(const SpeculatorParams& params, const std::string& why) {
  return FaultError(FaultCode::model_invalid,
                    params.draft_path + " cannot draft for " + params.model_path + ": " + why);
}

}  // namespace

void Speculator::Free::operator()(common_speculative* speculative) const {
  common_speculative_free(speculative);
}

Speculator::Speculator(const Context& target, std::unique_ptr<Context> draft,
                       const SpeculatorParams& params)
    : vocabulary_(target.model().vocabulary()), draft_(std::move(draft)) {
  if (!draft_->can_trim()) {
    throw misfit(params,
                 "its memory cannot be cut back to what was accepted; use a draft model "
                 "with plain attention");
  }
  common_params_speculative settings = draft_params(target, *draft_, params.tokens_max);
  try {
    speculative_.reset(common_speculative_init(settings, 1));
  } catch (const std::exception&) {  // it says no more than that they do not match
    throw misfit(params, "their vocabularies differ (" +
                             std::to_string(draft_->model().vocabulary()) + " and " +
                             std::to_string(vocabulary_) +
                             " tokens, or other ones); use a smaller model of the same family");
  }
}

Speculator::~Speculator() = default;

void Speculator::forget() {
  draft_->remove(kSequence);
  seen_.clear();
}

int32_t Speculator::missing(const std::vector<int32_t>& tokens) {
  const size_t wanted = tokens.size() - 1;
  const auto end = seen_.begin() + ptrdiff_t(std::min(seen_.size(), wanted));
  seen_.erase(std::mismatch(seen_.begin(), end, tokens.begin()).first, seen_.end());
  if (!draft_->trim(kSequence, int32_t(seen_.size()))) forget();
  return int32_t(wanted - seen_.size());
}

DecodeStatus Speculator::catch_up(const std::vector<int32_t>& tokens, int32_t rows,
                                  const AbortCheck& abort) {
  draft_->clear_rows();
  const auto begin = tokens.begin() + ptrdiff_t(seen_.size());
  for (int32_t i = 0; i < rows; ++i) {
    draft_->add_row(begin[i], int32_t(seen_.size()) + i, kSequence, false);
  }
  const DecodeStatus status = draft_->decode(abort);
  if (status == DecodeStatus::ok) {
    seen_.insert(seen_.end(), begin, begin + rows);
  } else {
    forget();
  }
  return status;
}

std::vector<int32_t> Speculator::draft(const std::vector<int32_t>& tokens, int32_t count,
                                       const AbortCheck& abort) {
  std::vector<int32_t> drafted;
  history_.assign(tokens.begin(), tokens.end() - 1);
  common_speculative_draft_params& params =
      common_speculative_get_draft_params(speculative_.get(), kSequence);
  params.drafting = true;
  params.n_max = count;
  params.pos0 = int32_t(history_.size());
  params.id_last = tokens.back();
  params.prompt = &history_;
  params.result = &drafted;
  run(abort);
  // Of what it drafted it computed all but the last, or fewer if it was stopped.
  seen_ = tokens;
  seen_.insert(seen_.end(), drafted.begin(), drafted.end());
  seen_.resize(std::min(seen_.size(), size_t(draft_->computed(kSequence))));
  const auto is_foreign = [&](int32_t token) { return token >= vocabulary_; };
  drafted.erase(std::find_if(drafted.begin(), drafted.end(), is_foreign), drafted.end());
  return drafted;
}

void Speculator::run(const AbortCheck& abort) {
  const Context::AbortScope scope(*draft_, abort);
  try {
    common_speculative_draft(speculative_.get());
  } catch (const std::exception&) {
    forget();  // llama_decode may throw; the tokens that were drafted before are used
  }
}

}  // namespace sluice
