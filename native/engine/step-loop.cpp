#include "engine/step-loop.h"

#include <algorithm>
#include <string>

#include "llama/fault.h"

namespace sluice {

// A call is abandoned only when nobody is left who wants any of its rows, because llama.cpp
// drops the whole batch.
class StepLoop::CallAbort : public AbortCheck {
 public:
  CallAbort(const StepLoop& loop, const std::vector<int32_t>& slots) : loop_(loop), slots_(slots) {}

  bool should_abort() const override {
    if (loop_.closing_.load(std::memory_order_relaxed)) return true;
    return std::all_of(slots_.begin(), slots_.end(),
                       [&](int32_t slot) { return loop_.places_[size_t(slot)]->cancelled(); });
  }

 private:
  const StepLoop& loop_;
  const std::vector<int32_t>& slots_;
};

StepLoop::StepLoop(Context& context, const StepLoopOptions& options, Ledger& ledger,
                   EventSink& sink, Mailbox<EngineMessage>& mailbox,
                   const std::atomic<bool>& closing)
    : context_(context),
      options_(options),
      ledger_(ledger),
      sink_(sink),
      mailbox_(mailbox),
      closing_(closing),
      scheduler_(options.chunk_rows),
      places_(size_t(options.parallel)) {
  stats_.cells_total = int64_t(options.parallel) * options.context_tokens;
  publish_stats();
}

StepLoop::~StepLoop() = default;

void StepLoop::run() {
  while (!closing_) {
    receive();
    retire_cancelled_places();
    fill_places();
    expire_queue();
    const StepPlan step = plan();
    publish_stats();
    if (!step.empty()) {
      run_step(step);
      continue;
    }
    sink_.flush();
    std::optional<Clock::time_point> deadline;
    if (!queue_.empty()) {
      deadline = queue_.front()->request().submitted + options_.queue_deadline;
    }
    mailbox_.wait(deadline);
  }
}

void StepLoop::receive() {
  for (EngineMessage& message : mailbox_.drain()) {
    std::visit([this](auto& entry) { receive(entry); }, message);
  }
}

void StepLoop::receive(Prepared& message) {
  // Its cancellation may have been announced while the Preparer still had it.
  if (message.sequence->cancelled()) {
    conclude(std::move(message.sequence), FinishReason::cancelled);
  } else {
    queue_.push_back(std::move(message.sequence));
  }
}

void StepLoop::receive(const Credit& message) {
  for (const auto& sequence : places_) {
    if (sequence && sequence->request().id == message.id) sequence->credit(message.tokens);
  }
}

void StepLoop::receive(const Cancel&) { retire_cancelled_queue(); }

void StepLoop::receive(const Close&) {}  // `closing` says it; the message only wakes the loop

// At every turn: the flag is set before its message arrives, and nobody may compute meanwhile.
void StepLoop::retire_cancelled_places() {
  for (int32_t slot = 0; slot < options_.parallel; ++slot) {
    const auto& sequence = places_[size_t(slot)];
    if (sequence && sequence->cancelled()) conclude(leave_place(slot), FinishReason::cancelled);
  }
}

void StepLoop::retire_cancelled_queue() {
  std::deque<std::unique_ptr<Sequence>> waiting;
  for (auto& sequence : queue_) {
    if (sequence->cancelled()) {
      conclude(std::move(sequence), FinishReason::cancelled);
    } else {
      waiting.push_back(std::move(sequence));
    }
  }
  queue_.swap(waiting);
}

void StepLoop::expire_queue() {
  // In order of submission, so the front is the oldest.
  while (!queue_.empty() &&
         queue_.front()->request().submitted + options_.queue_deadline <= Clock::now()) {
    std::unique_ptr<Sequence> sequence = std::move(queue_.front());
    queue_.pop_front();
    fail(std::move(sequence),
         {FaultCode::queue_timeout,
          "no place became free within " + std::to_string(options_.queue_deadline.count()) +
              " ms; try again later or raise parallel",
          0, 0});
  }
}

void StepLoop::fill_places() {
  for (int32_t slot = 0; slot < options_.parallel && !queue_.empty(); ++slot) {
    if (places_[size_t(slot)]) continue;
    places_[size_t(slot)] = std::move(queue_.front());
    queue_.pop_front();
    places_[size_t(slot)]->place(slot);
  }
}

StepPlan StepLoop::plan() {
  std::vector<SequenceView> views;
  for (const auto& sequence : places_) {
    if (sequence) views.push_back(sequence->view(options_.window));
  }
  return scheduler_.plan(views);
}

void StepLoop::run_step(const StepPlan& plan) {
  ++stats_.steps;
  if (!plan.singles.empty()) {
    run_singles(plan.singles);
    sink_.flush();  // readers need not wait for the chunks
  }
  for (const Chunk& chunk : plan.chunks) {
    if (closing_) return;
    run_chunk(chunk);
  }
  sink_.flush();
}

void StepLoop::run_singles(const std::vector<int32_t>& slots) {
  context_.clear_rows();
  int64_t generating = 0;
  for (int32_t slot : slots) {
    const Sequence& sequence = *places_[size_t(slot)];
    if (sequence.completion_tokens() > 0) ++generating;
    context_.add_row(sequence.token(sequence.n_computed()), sequence.n_computed(), slot, true);
  }
  stats_.rows_decoded += int64_t(slots.size());
  stats_.rows_prefilled += int64_t(slots.size()) - generating;  // a prompt's last row
  if (generating > 0) ++stats_.decode_steps;
  const DecodeStatus status = context_.decode(CallAbort(*this, slots));
  if (!settle_call(status, slots)) return;
  for (size_t row = 0; row < slots.size(); ++row) {
    Sequence& sequence = *places_[size_t(slots[row])];
    sequence.computed(1);
    sample(sequence, int32_t(row));
  }
}

void StepLoop::run_chunk(const Chunk& chunk) {
  Sequence& sequence = *places_[size_t(chunk.slot)];
  if (sequence.cancelled()) return;
  const int32_t end = chunk.begin + chunk.count;
  const bool completes = end == sequence.n_tokens();
  context_.clear_rows();
  for (int32_t position = chunk.begin; position < end; ++position) {
    const bool wants_logits = completes && position == end - 1;
    context_.add_row(sequence.token(position), position, chunk.slot, wants_logits);
  }
  stats_.rows_decoded += chunk.count;
  stats_.rows_prefilled += chunk.count;
  const std::vector<int32_t> slots{chunk.slot};
  const DecodeStatus status = context_.decode(CallAbort(*this, slots));
  if (!settle_call(status, slots)) return;
  sequence.computed(chunk.count);
  if (completes) sample(sequence, chunk.count - 1);
}

bool StepLoop::settle_call(DecodeStatus status, const std::vector<int32_t>& slots) {
  const char* why = nullptr;
  switch (status) {
    case DecodeStatus::ok: return true;
    // Everybody in it is cancelled and leaves before the next plan, cells and all.
    case DecodeStatus::aborted: return false;
    case DecodeStatus::no_room: why = "there were no free cells"; break;
    case DecodeStatus::invalid: why = "the batch was refused"; break;
    case DecodeStatus::fatal: why = "the backend failed"; break;
  }
  for (int32_t slot : slots) {
    fail(leave_place(slot),
         {FaultCode::engine_failed, std::string("llama.cpp could not compute this request: ") + why,
          0, 0});
  }
  return false;
}

void StepLoop::sample(Sequence& sequence, int32_t row) {
  if (sequence.cancelled()) return;
  try {
    advance(sequence, sequence.sampler().sample(context_, row));
  } catch (const std::exception& error) {
    fail(leave_place(sequence.slot()), fault_of(error, FaultCode::engine_failed));
  }
}

void StepLoop::advance(Sequence& sequence, int32_t token) {
  const Request& request = sequence.request();
  const bool ends = context_.model().ends_generation(token);
  if (ends && !request.sampling.ignore_eos) {
    sequence.end();
    conclude(leave_place(sequence.slot()), FinishReason::stop);
    return;
  }
  sequence.append(token, context_.model().piece(token));
  ++stats_.tokens_generated;
  if (sequence.text().stopped()) {
    conclude(leave_place(sequence.slot()), FinishReason::stop);
  } else if (sequence.completion_tokens() == request.max_tokens ||
             sequence.n_tokens() == options_.context_tokens) {
    conclude(leave_place(sequence.slot()), FinishReason::length);
  } else {
    sequence.deliver(sink_);
  }
}

std::unique_ptr<Sequence> StepLoop::leave_place(int32_t slot) {
  context_.remove(slot);
  return std::move(places_[size_t(slot)]);
}

void StepLoop::conclude(std::unique_ptr<Sequence> sequence, FinishReason reason) {
  const bool cancelled = reason == FinishReason::cancelled;
  if (!cancelled) {
    sequence->text().finish();
    sequence->deliver(sink_);
  }
  const RequestId id = sequence->request().id;
  publish_stats();
  if (ledger_.retire(id, cancelled ? Outcome::cancelled : Outcome::finished)) {
    sink_.finished(id, reason, sequence->tally());
  }
}

void StepLoop::fail(std::unique_ptr<Sequence> sequence, const Fault& fault) {
  const RequestId id = sequence->request().id;
  publish_stats();
  if (ledger_.retire(id, Outcome::failed)) sink_.failed(id, fault);
}

void StepLoop::publish_stats() {
  stats_.running = stats_.parked = stats_.cells_used = 0;
  for (const auto& sequence : places_) {
    if (!sequence) continue;
    ++(sequence->parked(options_.window) ? stats_.parked : stats_.running);
    stats_.cells_used += sequence->n_computed();
  }
  ledger_.publish(stats_);
}

}  // namespace sluice
