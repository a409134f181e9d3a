#include "engine/reply-writer.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <optional>
#include <string>

#include "base/stack.h"
#include "sampling/row-scorer.h"

namespace sluice {
namespace {

Fault broken_reply(const Sequence& sequence) {
  if (!sequence.has_too_many_brackets()) {
    return {FaultCode::engine_failed,
            "the model left the format of its tool calls in the middle of one; what was sent of "
            "the call is not whole, so ask again",
            0, 0};
  }
  const int32_t most = ChatParser::brackets_max(stack_bytes());
  return {FaultCode::engine_failed,
          "the reply opens more than " + std::to_string(most) +
              " brackets, which is as many as can be read of one that may call tools or reason; "
              "what was sent of it is not whole, so ask for a shorter one" +
              (most < ChatParser::kBracketsMax ? small_stack_hint() : ""),
          0, 0};
}

// The prompt is computed, and nothing more was asked for, or only what its labels' chances are.
bool ends_with_prompt(const Sequence& sequence) {
  return sequence.request().max_tokens == 0 || sequence.reads_labels();
}

// What a token writes into a reply.
std::string piece_of(const Sequence& sequence, const Model& model, int32_t token) {
  return sequence.is_visible(token) ? model.name(token) : model.piece(token);
}

bool ends_reply(const Request& request, const Model& model, int32_t token) {
  if (model.ends_generation(token) && !request.sampling.ignore_eos) return true;
  const std::vector<int32_t>& stops = request.stop_tokens;
  return std::find(stops.begin(), stops.end(), token) != stops.end();
}

TokenLogprob token_logprob(const Sequence& sequence, const Model& model, TokenChance chance) {
  std::string bytes = piece_of(sequence, model, chance.token);
  std::string name = bytes.empty() ? model.name(chance.token) : std::string();
  return {std::move(bytes), chance.logprob, std::move(name), chance.token};
}

TokenLogprobs token_logprobs(const Sequence& sequence, const Model& model, int32_t token,
                             const RowChances& chances) {
  TokenLogprobs entry{token_logprob(sequence, model, {token, chances.chosen}), {}};
  for (const TokenChance& chance : chances.top) {
    entry.top.push_back(token_logprob(sequence, model, chance));
  }
  return entry;
}

}  // namespace

void ReplyWriter::begin(Sequence& sequence) const {
  if (!sequence.wants_prompt_logprobs()) return;
  // The first token follows nothing.
  const TokenChance first{sequence.token(0), std::numeric_limits<float>::quiet_NaN()};
  sequence.append_prompt_logprobs({{token_logprob(sequence, parts_.context.model(), first), {}}});
}

void ReplyWriter::score(const std::vector<ScoredRow>& rows) {
  const Model& model = parts_.context.model();
  std::deque<RowScorer> scorers;
  std::vector<SampleJob> jobs;
  for (const ScoredRow& row : rows) {
    const int32_t top = parts_.slots.at(row.slot)->request().prompt_logprobs;
    jobs.push_back({&scorers.emplace_back(model.vocabulary(), row.token, top),
                    parts_.context.logits(row.row)});
  }
  run_samplers(jobs);
  parts_.ledger.beat();
  const WorkClock::Span span(parts_.clock, &Stats::text_ms);
  for (size_t first = 0, end = 0; first < rows.size(); first = end) {
    const int32_t slot = rows[first].slot;
    Sequence& sequence = *parts_.slots.at(slot);
    std::vector<TokenLogprobs> entries;
    std::optional<Fault> fault;
    for (end = first; end < rows.size() && rows[end].slot == slot; ++end) {
      if (jobs[end].fault) fault = jobs[end].fault;
      entries.push_back(
          token_logprobs(sequence, model, scorers[end].token(), scorers[end].chances()));
    }
    if (fault) {
      give_up_after_sampling(slot, *fault);
      continue;
    }
    sequence.append_prompt_logprobs(std::move(entries));
    sequence.deliver(parts_.sink, window_);
  }
}

void ReplyWriter::run_samplers(std::vector<SampleJob>& jobs) {
  const WorkClock::Span span(parts_.clock, &Stats::sample_ms);
  parts_.samplers.run(jobs);
}

std::vector<int32_t> ReplyWriter::sample(const std::vector<LogitsRow>& rows) {
  const int32_t vocabulary = parts_.context.model().vocabulary();
  std::deque<LabelScorer> scorers;
  std::vector<SampleJob> jobs;
  std::vector<SampledRow> sampled;
  std::vector<int32_t> tokens(rows.size(), -1);
  for (size_t i = 0; i < rows.size(); ++i) {
    Sequence* sequence = parts_.slots.at(rows[i].slot);
    if (!sequence || sequence->cancelled()) continue;
    const std::vector<int32_t>& asked = sequence->request().label_tokens;
    LabelScorer* labels =
        sequence->reads_labels() ? &scorers.emplace_back(vocabulary, asked) : nullptr;
    if (!labels && ends_with_prompt(*sequence)) {
      conclude_prompt(rows[i].slot);
      continue;
    }
    RowSampler* sampler = labels;
    if (!labels) sampler = &sequence->sampler();
    jobs.push_back({sampler, parts_.context.logits(rows[i].row)});
    sampled.push_back({i, labels});
  }
  run_samplers(jobs);
  const WorkClock::Span span(parts_.clock, &Stats::text_ms);
  for (size_t i = 0; i < jobs.size(); ++i) {
    const auto& [place, labels] = sampled[i];
    tokens[place] = apply(rows[place], jobs[i], labels);
  }
  return tokens;
}

int32_t ReplyWriter::apply(const LogitsRow& row, const SampleJob& job, LabelScorer* labels) {
  parts_.ledger.beat();
  if (job.fault) {
    give_up_after_sampling(row.slot, *job.fault);
    return -1;
  }
  if (labels) {
    conclude_labels(row.slot, *labels);
    return -1;
  }
  Sequence& sequence = *parts_.slots.at(row.slot);
  if (job.token == row.drafted) {
    ++parts_.stats.draft_accepted_tokens;
    sequence.draft_accepted();
  }
  advance(sequence, job.token);
  return job.token;
}

void ReplyWriter::conclude_labels(int32_t slot, LabelScorer& labels) {
  parts_.slots.at(slot)->set_label_logprobs(labels.take());
  conclude_prompt(slot);
}

bool ReplyWriter::needs_logits(const Sequence& sequence) {
  return !ends_with_prompt(sequence) || sequence.reads_labels();
}

void ReplyWriter::conclude_prompt(int32_t slot) {
  parts_.slots.at(slot)->end();
  conclude(parts_.slots.finish(slot), FinishReason::length);
}

// Where the fault is the engine's and not a grammar's, the cells may be as bad as the logits.
void ReplyWriter::give_up_after_sampling(int32_t slot, const Fault& fault) {
  if (fault.code == FaultCode::engine_failed) parts_.slots.forget_prefixes(*parts_.slots.at(slot));
  give_up_on(slot, fault);
}

void ReplyWriter::give_up_on(int32_t slot, const Fault& fault) {
  parts_.slots.forget(slot);
  fail(parts_.slots.finish(slot), fault);
}

void ReplyWriter::advance(Sequence& sequence, int32_t token) {
  const Request& request = sequence.request();
  const Model& model = parts_.context.model();
  const RowChances& chances = sequence.sampler().chances();
  if (ends_reply(request, model, token)) {
    sequence.end();
    // A client that gets prompt logprobs counts the entries against the tokens, so the end token
    // has an entry too, without text.
    if (sequence.wants_logprobs() && sequence.wants_prompt_logprobs()) {
      TokenLogprobs entry = token_logprobs(sequence, model, token, chances);
      entry.chosen.bytes.clear();
      entry.chosen.name = model.name(token);
      sequence.append_logprobs(std::move(entry));
    }
    conclude(parts_.slots.finish(sequence.slot()), FinishReason::stop);
    return;
  }
  sequence.append(token, piece_of(sequence, model, token));
  if (sequence.wants_logprobs()) {
    sequence.append_logprobs(token_logprobs(sequence, model, token, chances));
  }
  ++parts_.stats.tokens_generated;
  if (sequence.stopped()) {
    conclude(parts_.slots.finish(sequence.slot()), FinishReason::stop);
  } else if (sequence.completion_tokens() == request.max_tokens ||
             sequence.n_tokens() == context_tokens_) {
    conclude(parts_.slots.finish(sequence.slot()), FinishReason::length);
  } else {
    sequence.deliver(parts_.sink, window_);
    if (sequence.broken()) {
      const Fault fault = broken_reply(sequence);
      fail(parts_.slots.finish(sequence.slot()), fault);
    } else if (sequence.has_enough()) {
      conclude(parts_.slots.finish(sequence.slot()), FinishReason::stop);
    }
  }
}

void ReplyWriter::conclude(std::unique_ptr<Sequence> sequence, FinishReason reason) {
  const bool cancelled = reason == FinishReason::cancelled;
  const Phase phase = sequence->phase();  // first, because sending its last text may park it
  if (!cancelled) {
    sequence->finish(reason == FinishReason::length);
    sequence->deliver(parts_.sink, window_);
    if (sequence->broken()) {
      const Fault fault = broken_reply(*sequence);
      return fail(std::move(sequence), fault);
    }
    // Its last text may have a stop string: text that looked like the beginning of a mark.
    if (sequence->stopped()) reason = FinishReason::stop;
    if (reason == FinishReason::stop && sequence->calls_tools()) reason = FinishReason::tool_calls;
  }
  const RequestId id = sequence->request().id;
  if (parts_.speculation) parts_.speculation->forget(id);
  parts_.publish_stats();
  if (!parts_.ledger.retire(id)) return;
  Tally tally = sequence->tally();
  tally.phase = phase;
  parts_.sink.finished(id, reason, tally);
}

void ReplyWriter::fail(std::unique_ptr<Sequence> sequence, const Fault& fault) {
  const RequestId id = sequence->request().id;
  if (parts_.speculation) parts_.speculation->forget(id);
  parts_.publish_stats();
  if (parts_.ledger.retire(id)) parts_.sink.failed(id, fault, sequence->phase());
}

}  // namespace sluice
