#include "engine/embed/embedder.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>
#include <utility>

#include "base/average.h"
#include "base/fault.h"
#include "engine/batch/compute.h"

namespace sluice {
namespace {

constexpr auto kExpireEvery = std::chrono::milliseconds(5);

// Appends the vector, scaled to length 1. False when a value is not finite; a vector of zeros stays
// as it is.
bool append_normalized(const float* values, int32_t size, std::vector<float>& to) {
  double squares = 0;
  for (int32_t i = 0; i < size; ++i) squares += double(values[i]) * values[i];
  if (!std::isfinite(squares)) return false;
  const double scale = squares > 0 ? 1 / std::sqrt(squares) : 0;
  for (int32_t i = 0; i < size; ++i) to.push_back(float(values[i] * scale));
  return true;
}

// The first of its numbers as it is. False when it is not finite.
bool append_score(const float* values, std::vector<float>& to) {
  if (!std::isfinite(values[0])) return false;
  to.push_back(values[0]);
  return true;
}

Phase phase_of(const EmbeddingJob& job) {
  return job.computed > 0 ? Phase::prefill : Phase::queued;
}

}  // namespace

Embedder::Embedder(Context& context, const EmbedderOptions& options, const Wiring& wiring)
    : context_(context),
      options_(options),
      wiring_(wiring),
      ledger_(wiring.ledger),
      sink_(wiring.sink),
      threads_(options.threads, options.fixed_threads) {}

void Embedder::run() {
  while (!wiring_.closing) {
    ledger_.beat();
    receive();
    retire_cancelled();
    expire_queue();
    take_turns();
    const std::vector<EmbeddingShare> shares = plan();
    publish_stats();
    if (shares.empty()) {
      wake_readers();
      const WorkClock::Span span(clock_, &Stats::idle_ms);  // begins before what the ledger tells
      const Ledger::Idle idle(ledger_);
      wiring_.mailbox.wait();
      publish_stats();
    } else {
      run_batch(shares);
    }
  }
}

// Only new jobs are taken from the messages: a job's `cancelled` flag is looked at in each step.
void Embedder::receive() {
  for (EngineMessage& message : wiring_.mailbox.drain()) {
    auto* prepared = std::get_if<PreparedEmbedding>(&message);
    if (!prepared) continue;
    stats_.prompt_tokens += prepared->job->prompt_tokens;
    jobs_.push_back(std::move(prepared->job));
  }
}

void Embedder::retire_cancelled() {
  const auto is_cancelled = [](const EmbeddingJob& job) { return job.request->cancelled.load(); };
  for (const Job& job : take_out(is_cancelled)) {
    if (!ledger_.retire(job->request->id)) continue;
    Tally tally;
    tally.phase = phase_of(*job);
    sink_.finished(job->request->id, FinishReason::cancelled, tally);
  }
}

// The first job is in the next batch, so it is not late, however long it has waited.
bool Embedder::is_late(const EmbeddingJob& job) const {
  const auto deadline = Clock::now() - options_.queue_deadline;
  const bool is_first = !jobs_.empty() && &job == jobs_.front().get();
  return !is_first && job.computed == 0 && job.request->submitted < deadline;
}

void Embedder::expire_queue() {
  for (const Job& job : take_out([&](const EmbeddingJob& one) { return is_late(one); })) {
    fail(*job, late());
  }
}

// Late requests fail at once, and are taken out after the batch, which knows jobs by their index.
void Embedder::expire_during(const std::vector<EmbeddingShare>& shares) {
  const auto now = Clock::now();
  if (now < expire_again_) return;
  expire_again_ = now + kExpireEvery;
  receive();
  bool has_expired = false;
  for (size_t i = 0; i < jobs_.size(); ++i) {
    const EmbeddingJob& job = *jobs_[i];
    const bool is_computed =
        std::any_of(shares.begin(), shares.end(),
                    [&](const EmbeddingShare& share) { return size_t(share.job) == i; });
    if (is_computed || job.request->cancelled || !is_late(job)) continue;
    fail(job, late());
    job.request->cancelled = true;
    has_expired = true;
  }
  if (has_expired) sink_.flush();
}

Fault Embedder::late() const {
  return {FaultCode::queue_timeout,
          "its turn did not come within " + std::to_string(options_.queue_deadline.count()) +
              " ms; try again later",
          0, 0};
}

void Embedder::take_turns() {
  const auto differs = [&](const Job& job) {
    return job->request->owner != jobs_.front()->request->owner;
  };
  if (std::none_of(jobs_.begin(), jobs_.end(), differs)) return;
  std::vector<const std::string*> owners;
  for (const Job& job : jobs_) owners.push_back(&job->request->owner);
  std::vector<Job> jobs;
  for (size_t place : order_by_turns(owners)) jobs.push_back(std::move(jobs_[place]));
  jobs_ = std::move(jobs);
}

std::vector<EmbeddingShare> Embedder::plan() const {
  std::vector<InputsLeft> left;
  for (const Job& job : jobs_) {
    InputsLeft& next = left.emplace_back();
    next.owner = job->request->owner;
    // No more inputs than fit into a batch are looked at.
    const size_t last =
        std::min(job->inputs.size(), size_t(job->computed) + size_t(options_.limits.sequences));
    for (size_t i = size_t(job->computed); i < last; ++i) {
      next.lengths.push_back(int32_t(job->inputs[i].size()));
    }
  }
  return plan_embedding_batch(left, options_.limits);
}

void Embedder::run_batch(const std::vector<EmbeddingShare>& shares) {
  const auto start = Clock::now();
  const RequestId first = jobs_.front()->request->id;
  add_rows(shares);
  const BatchAbort abort(wiring_, [&] {
    expire_during(shares);  // an input of thousands of tokens may be computed for a minute
    return std::all_of(shares.begin(), shares.end(), [&](const EmbeddingShare& share) {
      return jobs_[size_t(share.job)]->request->cancelled.load();
    });
  });
  const DecodeStatus status = compute_rows(abort);
  ++stats_.steps;
  if (status == DecodeStatus::ok) {
    stats_.rows_decoded += context_.rows();
    stats_.rows_prefilled += context_.rows();
    take(shares);
  } else if (status != DecodeStatus::aborted) {
    refuse(shares, status);
  }
  context_.remove_all();
  average(stats_.step_ms, ms_since(start), kNewestStep);
  conclude_computed();
  // Where it is done and gone, the next one is the first already.
  const bool is_first = !jobs_.empty() && jobs_.front()->request->id == first;
  if (is_first) std::rotate(jobs_.begin(), jobs_.begin() + 1, jobs_.end());
  wake_readers();
}

void Embedder::wake_readers() {
  const WorkClock::Span span(clock_, &Stats::wake_ms);
  sink_.flush();
}

DecodeStatus Embedder::compute_rows(const BatchAbort& abort) {
  const WorkClock::Span span(clock_, &Stats::compute_ms);
  return compute(context_, threads_, abort).status;
}

void Embedder::add_rows(const std::vector<EmbeddingShare>& shares) {
  context_.clear_rows();
  int32_t sequence = 0;
  for (const EmbeddingShare& share : shares) {
    const EmbeddingJob& job = *jobs_[size_t(share.job)];
    for (int32_t i = 0; i < share.count; ++i, ++sequence) {
      int32_t position = 0;
      for (int32_t token : job.inputs[size_t(job.computed + i)]) {
        context_.add_row(token, position++, sequence, true);
      }
    }
  }
}

void Embedder::take(const std::vector<EmbeddingShare>& shares) {
  int32_t sequence = 0;
  for (const EmbeddingShare& share : shares) {
    EmbeddingJob& job = *jobs_[size_t(share.job)];
    const int32_t first = sequence;
    sequence += share.count;
    for (int32_t i = 0; i < share.count; ++i) {
      const float* values = context_.embedding(first + i);
      const bool is_taken =
          values && (options_.ranks ? append_score(values, job.values)
                                    : append_normalized(values, options_.size, job.values));
      if (is_taken) {
        ++job.computed;
        continue;
      }
      const char* what = options_.ranks ? "score" : "embedding";
      fail(job, {FaultCode::engine_failed,
                 std::string("the model computed no ") + what + " of input " +
                     std::to_string(job.computed) +
                     ": its numbers are not finite; the file may be damaged",
                 0, 0});
      break;
    }
  }
}

void Embedder::refuse(const std::vector<EmbeddingShare>& shares, DecodeStatus status) {
  for (const EmbeddingShare& share : shares) {
    const EmbeddingJob& job = *jobs_[size_t(share.job)];
    if (job.request->cancelled) continue;  // leaves before the next plan
    fail(job, refusal(status));
  }
}

void Embedder::conclude_computed() {
  const auto is_done = [&](const EmbeddingJob& job) {
    const bool failed = !ledger_.find(job.request->id);
    return failed || size_t(job.computed) == job.inputs.size();
  };
  for (const Job& job : take_out(is_done)) {
    const RequestId id = job->request->id;
    if (!ledger_.retire(id)) continue;
    sink_.embedded(id, std::move(job->values), job->prompt_tokens);
  }
}

// The counts are published before the events of the ends, so that a caller that hears of an end
// finds it counted.
std::vector<Embedder::Job> Embedder::take_out(
    const std::function<bool(const EmbeddingJob&)>& leaves) {
  const auto stays = [&](const Job& job) { return !leaves(*job); };
  const auto first = std::stable_partition(jobs_.begin(), jobs_.end(), stays);
  std::vector<Job> taken(std::make_move_iterator(first), std::make_move_iterator(jobs_.end()));
  jobs_.erase(first, jobs_.end());
  if (!taken.empty()) publish_stats();
  return taken;
}

void Embedder::fail(const EmbeddingJob& job, const Fault& fault) {
  const RequestId id = job.request->id;
  if (ledger_.retire(id)) sink_.failed(id, fault, phase_of(job));
}

void Embedder::publish_stats() {
  clock_.settle();
  stats_.running = int64_t(jobs_.size());
  ledger_.publish(stats_);
}

}  // namespace sluice
