#include "engine/step-loop.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include "base/average.h"
#include "base/fault.h"
#include "engine/batch/compute.h"

namespace sluice {
namespace {

// Copying states, to start sequences or to move them, takes no longer than this in one step: the
// running replies wait meanwhile.
constexpr auto kCopyingMax = std::chrono::milliseconds(40);
// Of nothing to do: longer than a client takes that answers at once.
constexpr auto kPause = std::chrono::milliseconds(200);

// For so long, in each step of a lone reply, its draft model reads what it has not read yet.
constexpr double kCatchUpMs = 80;

int64_t rows_of(const StepPlan& plan) {
  int64_t rows = 0;
  for (const auto& batch : plan.singles) rows += int64_t(batch.size());
  for (const auto& batch : plan.prefills) {
    for (const Chunk& chunk : batch) rows += chunk.count;
  }
  return rows;
}

// All of the drafts of so many replies, some of which may have none.
void shorten_to_one_length(std::vector<std::vector<int32_t>>& drafts, size_t replies) {
  size_t length = drafts.size() < replies ? 0 : drafts.front().size();
  for (const auto& draft : drafts) length = std::min(length, draft.size());
  for (auto& draft : drafts) draft.resize(length);
}

}  // namespace

StepLoop::StepLoop(Context& context, std::unique_ptr<Speculation> speculation,
                   const StepLoopOptions& options, const Wiring& wiring)
    : context_(context),
      options_(options),
      wiring_(wiring),
      ledger_(wiring.ledger),
      sink_(wiring.sink),
      speculation_(std::move(speculation)),
      slots_(context, options.slots),
      samplers_(options.threads - 1),
      threads_(options.compute_threads, options.fixed_threads),
      adapted_threads_(options.compute_threads, options.fixed_threads),
      prefill_cost_(options.rows_max),
      adapted_cost_(options.rows_max),
      scored_cost_(options.logits_max),
      disk_(options.store, slots_, prefill_cost_, options.reading_bytes_max),
      newcomers_(wiring_, slots_),
      replies_({context, slots_, samplers_, speculation_.get(), sink_, ledger_, stats_, clock_,
                [this] { publish_stats(); }},
               options.window, options.context_tokens) {
  stats_.cells_total = options.slots.shared_cells > 0
                           ? options.slots.shared_cells
                           : int64_t(options.slots.parallel) * options.context_tokens;
  publish_stats();
}

void StepLoop::run() {
  while (!wiring_.closing) {
    ledger_.beat();
    receive();
    retire_cancelled();
    const auto start = Clock::now();
    disk_.save_free_slots(false);
    fill_slots();
    expire_queue();
    stats_.moved += slots_.compact(Clock::now() + kCopyingMax);
    const StepPlan step = plan(ms_since(start));
    if (step.empty()) {
      disk_.save_free_slots(true);
      keep_ahead();
      publish_stats();
      sleep();
    } else if (make_cells_for(step)) {
      disk_.step_begins();
      pause_.reset();
      ++stats_.steps;  // told before it runs: who cancels can see that no later one has its rows
      publish_stats();
      run_step(step);
    }
  }
  // Requests that were cancelled by now end as such, with their counts; the rest fail with the
  // engine's fault.
  receive();
  retire_cancelled();
}

void StepLoop::receive() {
  for (EngineMessage& message : newcomers_.take_messages()) {
    std::visit([this](auto& entry) { receive(entry); }, message);
  }
}

void StepLoop::receive(Prepared& message) {
  // Its cancellation may have been announced while the Preparer still had it.
  if (message.sequence->cancelled()) {
    replies_.conclude(std::move(message.sequence), FinishReason::cancelled);
    return;
  }
  replies_.begin(*message.sequence);
  line_.join(std::move(message.sequence));
}

// The Preparer of an engine that generates refuses them, so there are none.
void StepLoop::receive(const PreparedEmbedding&) {}

void StepLoop::receive(const Credit& message) {
  Sequence* sequence = slots_.find(message.id);
  if (sequence) {
    sequence->credit(message.tokens, options_.window);
  } else {
    line_.credit(message.id, message.tokens, options_.window);
  }
}

void StepLoop::receive(const Cancel&) {
  for (auto& sequence : line_.take_cancelled()) {
    slots_.disown(sequence->request().id);
    replies_.conclude(std::move(sequence), FinishReason::cancelled);
  }
}

// In each step: the flag is set before its message arrives, and nothing may be computed for a
// cancelled request meanwhile.
void StepLoop::retire_cancelled() {
  for (int32_t slot = 0; slot < slots_.count(); ++slot) {
    const Sequence* sequence = slots_.at(slot);
    if (sequence && sequence->cancelled()) {
      replies_.conclude(slots_.finish(slot), FinishReason::cancelled);
    }
  }
}

void StepLoop::expire_queue() {
  const auto deadline = Clock::now() - options_.queue_deadline;
  for (auto& sequence : line_.take_submitted_before(deadline)) {
    replies_.fail(std::move(sequence),
                  {FaultCode::queue_timeout,
                   "no slot became free within " + std::to_string(options_.queue_deadline.count()) +
                       " ms; try again later or raise parallel",
                   0, 0});
  }
}

void StepLoop::fill_slots() {
  const auto until = Clock::now() + kCopyingMax;
  bool has_started = false;
  line_.offer([&](auto& sequence) {
    ledger_.beat();  // copying a state may take a while
    const bool has_room = offer_slot(sequence);
    has_started |= sequence == nullptr;
    // The others start in the next step, which follows at once: one that started has work to do.
    return has_room && !(has_started && Clock::now() >= until);
  });
}

// False when there is no room, for it or for any sequence behind it.
bool StepLoop::offer_slot(std::unique_ptr<Sequence>& sequence) {
  if (slots_.would_have_room(*sequence) && disk_.must_wait(*sequence)) return true;
  if (must_wait_for_leader(*sequence)) return true;
  // Parked replies, whose readers take nothing, give up their slots to one that can run.
  if (!slots_.would_have_room(*sequence)) return false;
  while (!slots_.has_room(*sequence)) preempt(slots_.longest_parked());
  const bool comes_back = sequence->has_begun();
  const Sequence& started = *sequence;
  slots_.start(std::move(sequence));
  if (comes_back) return true;
  stats_.prompt_tokens += started.prompt_tokens();
  stats_.cached_tokens += started.cached_tokens();
  return true;
}

bool StepLoop::must_wait_for_leader(Sequence& sequence) {
  if (sequence.leader) {
    const Sequence* leader = slots_.find(sequence.leader->id);
    const bool is_computing = leader && leader->n_computed() < sequence.leader->shared;
    if (is_computing && !leader->cancelled() && !leader->parked()) return true;
    sequence.leader.reset();
  }
  if (!slots_.would_have_room(sequence)) return false;
  sequence.leader = slots_.find_leader(sequence);
  return sequence.leader.has_value();
}

std::vector<SequenceView> StepLoop::views() const {
  std::vector<SequenceView> views;
  std::vector<const AdapterSet*> sets;  // those that were met; their numbers are from 1 on
  for (int32_t slot = 0; slot < slots_.count(); ++slot) {
    const Sequence* sequence = slots_.at(slot);
    if (!sequence) continue;
    views.push_back(sequence->view());
    const AdapterSet& adapters = sequence->request().adapters;
    if (adapters.empty()) continue;
    const auto known = std::find_if(sets.begin(), sets.end(),
                                    [&](const AdapterSet* set) { return *set == adapters; });
    views.back().adapters = int32_t(known - sets.begin()) + 1;
    if (known == sets.end()) sets.push_back(&adapters);
  }
  return views;
}

StepPlan StepLoop::plan(double copied_ms) {
  const std::vector<SequenceView> views = this->views();
  const auto now = Clock::now();
  const StepTime time{singles_ms_, options_.can_abort, hold_.ms(now), copied_ms};
  const PrefillCost& cost = has_adapted_prompt(views) ? adapted_cost_ : prefill_cost_;
  PromptLimits limits = prompt_limits(views, cost, time);
  hold_.note(limits, now);
  limits.is_oldest_turn = stats_.steps % 2 == 1;
  limits.shares_cells = options_.slots.shared_cells > 0;
  const auto is_scored = [](const SequenceView& view) { return view.is_scored; };
  if (std::any_of(views.begin(), views.end(), is_scored)) {
    limits.scored_rows = prompt_limits(views, scored_cost_, time).rows;
  }
  limits.batch_logits = options_.logits_max;
  return plan_step(views, limits);
}

// With shared cells, cells may have to be freed first: of what is only remembered, then of a parked
// reply, then of the sequence that came last. False when the plan must be made again.
bool StepLoop::make_cells_for(const StepPlan& plan) {
  const int64_t rows = rows_of(plan);
  if (slots_.free_cells(rows)) return true;
  const int32_t parked = slots_.longest_parked();
  // Alone it has room: one context is never more than all cells.
  if (parked < 0 && slots_.live_count() == 1) return true;
  preempt(parked >= 0 ? parked : slots_.youngest());
  return false;
}

void StepLoop::preempt(int32_t slot) {
  ++stats_.preempted;
  line_.join_again(slots_.preempt(slot));
}

void StepLoop::run_step(const StepPlan& plan) {
  const auto start = Clock::now();
  if (!plan.singles.empty()) run_singles(plan);
  // Nobody who hears of something need wait for the prompts.
  if (!plan.prefills.empty()) wake_readers(false);
  for (const std::vector<Chunk>& chunks : plan.prefills) {
    if (wiring_.closing) return;
    if (!run_prefill(chunks)) break;
  }
  average(stats_.step_ms, ms_since(start), kNewestStep);
  wake_readers(plan.prefills.empty());
}

void StepLoop::wake_readers(bool may_wait) {
  const WorkClock::Span span(clock_, &Stats::wake_ms);
  sink_.flush(may_wait);
}

void StepLoop::run_singles(const StepPlan& plan) {
  SinglesRun run;
  run.is_alone = plan.prefills.empty() && plan.singles.size() == 1;
  for (const std::vector<int32_t>& slots : plan.singles) {
    if (wiring_.closing) return;
    // A batch of this step that failed may have cost others their cells or slots: plan again.
    const auto is_ready = [this](int32_t slot) {
      const Sequence* sequence = slots_.at(slot);
      return sequence && sequence->n_tokens() - sequence->n_computed() == 1;
    };
    if (!std::all_of(slots.begin(), slots.end(), is_ready)) return;
    if (run.ms > 0) wake_readers(false);  // they need not wait for the next batch
    run_singles(slots, run);
  }
  if (run.is_whole) average(singles_ms_, run.ms, kNewestStep);
}

void StepLoop::use_adapters_of(int32_t slot) {
  context_.use_adapters(slots_.at(slot)->request().adapters);
}

void StepLoop::run_singles(const std::vector<int32_t>& slots, SinglesRun& run) {
  use_adapters_of(slots.front());
  std::vector<SingleRows> singles = draft_singles(slots, run.is_alone);
  auto start = Clock::now();
  Computed done = decode_singles(slots, singles);
  if (done.status == DecodeStatus::no_room && context_.rows() > int32_t(slots.size())) {
    for (SingleRows& single : singles) single.draft.clear();
    start = Clock::now();
    done = decode_singles(slots, singles);  // there may be room for the rows alone
  }
  if (!settle_batch(done.status, slots)) {
    run.is_whole = false;
    return;
  }
  const int32_t rows = context_.rows(), drafted = rows - int32_t(slots.size());
  if (speculation_ && !context_.has_adapters_on()) {
    const bool is_one_pass = drafted == 0 || options_.slots.shared_cells > 0 ||
                             std::all_of(singles.begin(), singles.end(), [&](const auto& single) {
                               return single.draft.size() == singles.front().draft.size();
                             });
    speculation_->learn_batch(int32_t(slots.size()), drafted, is_one_pass,
                              done.time.undisturbed_ms());
  }
  const int64_t generating = std::count_if(slots.begin(), slots.end(), [&](int32_t slot) {
    return slots_.at(slot)->completion_tokens() > 0;
  });
  stats_.rows_decoded += rows;
  stats_.rows_prefilled += int64_t(slots.size()) - generating;  // a prompt's last row
  if (generating > 0 && !std::exchange(run.is_counted, true)) ++stats_.decode_steps;
  sample_singles(singles);
  run.ms += ms_since(start) - done.time.disturbed_ms();
}

std::vector<StepLoop::SingleRows> StepLoop::draft_singles(const std::vector<int32_t>& slots,
                                                          bool is_alone) {
  std::vector<SingleRows> singles;
  for (int32_t slot : slots) singles.push_back({slot, 0, slots_.at(slot)->request().id, {}});
  // What drafts gain is learned of batches without adapters, and heads and draft models know none.
  if (!speculation_ || context_.has_adapters_on() || !are_one_part(slots)) return singles;
  std::vector<DraftRequest> requests;
  std::vector<SingleRows*> asked;
  for (SingleRows& single : singles) {
    const Sequence& sequence = *slots_.at(single.slot);
    const int32_t limit = sequence.is_generating() ? draft_limit(sequence) : 0;
    if (limit <= 0) continue;
    requests.push_back({&sequence, limit});
    asked.push_back(&single);
  }
  if (requests.empty()) return singles;
  const int32_t rows = int32_t(slots.size());
  const int32_t rows_max = std::min(options_.logits_max, context_.rows_max());
  const double catch_up_ms = is_alone ? std::max(kCatchUpMs, singles_ms_) : 0;
  auto drafts = speculation_->draft(requests, rows, rows_max, catch_up_ms, abort_of(slots));
  int64_t all_rows = rows;
  for (const auto& draft : drafts) all_rows += int64_t(draft.size());
  if (all_rows == rows || all_rows > rows_max || !slots_.free_cells(all_rows)) return singles;
  // Some may have fewer tokens than were asked for.
  if (!context_.can_trim()) shorten_to_one_length(drafts, slots.size());
  for (size_t i = 0; i < drafts.size(); ++i) asked[i]->draft = std::move(drafts[i]);
  return singles;
}

// Only then can the rows of a model that cannot be trimmed be taken back (Context::rollback_max).
bool StepLoop::are_one_part(const std::vector<int32_t>& slots) const {
  if (context_.can_trim()) return true;
  const auto follows = [](int32_t slot, int32_t next) { return next == slot + 1; };
  return std::adjacent_find(slots.begin(), slots.end(), std::not_fn(follows)) == slots.end();
}

Computed StepLoop::decode_singles(const std::vector<int32_t>& slots,
                                  std::vector<SingleRows>& singles) {
  context_.clear_rows();
  for (SingleRows& single : singles) {
    const Sequence& sequence = *slots_.at(single.slot);
    int32_t position = sequence.n_computed();
    single.row = context_.add_row(sequence.token(position), position, single.slot,
                                  ReplyWriter::needs_logits(sequence));
    for (int32_t token : single.draft) context_.add_row(token, ++position, single.slot, true);
  }
  return decode(abort_of(slots));
}

// A step with k drafted tokens generates at most k + 1. Not more are drafted than the reply may
// still have before it ends or is parked: further rows would be computed for nothing.
int32_t StepLoop::draft_limit(const Sequence& sequence) const {
  const int32_t tokens_max = sequence.request().max_tokens;
  int32_t limit =
      std::min(options_.context_tokens - sequence.n_tokens(), sequence.room(options_.window));
  if (tokens_max >= 0) limit = std::min(limit, tokens_max - sequence.completion_tokens());
  // Its state is kept at the boundary, and must not be that of a later token.
  if (!context_.can_trim() && sequence.has_boundary_ahead()) return 0;
  return std::min(limit - 1, context_.rollback_max());
}

// Samples row by row with each reply's own sampler, as if each row had been computed in a step of
// its own. While it chooses the drafted token, the next row is valid. The first other token that it
// chooses is the reply's next token too; the rows behind it are dropped.
void StepLoop::sample_singles(std::vector<SingleRows>& singles) {
  std::vector<SingleRows*> going;
  for (SingleRows& single : singles) {
    going.push_back(&single);
    if (single.draft.empty()) continue;
    slots_.at(single.slot)->drafted(int32_t(single.draft.size()));
    stats_.draft_tokens += int64_t(single.draft.size());
  }
  for (size_t depth = 0; !going.empty(); ++depth) {
    std::vector<ReplyWriter::LogitsRow> rows;
    for (const SingleRows* single : going) {
      computed(*slots_.at(single->slot), 1);
      const bool has_draft = depth < single->draft.size();
      rows.push_back(
          {single->slot, single->row + int32_t(depth), has_draft ? single->draft[depth] : -1});
    }
    const std::vector<int32_t> tokens = replies_.sample(rows);
    std::vector<SingleRows*> next;
    for (size_t i = 0; i < going.size(); ++i) {
      SingleRows& single = *going[i];
      if (rows[i].drafted < 0 || tokens[i] < 0) continue;
      single.missed = tokens[i] != rows[i].drafted;
      if (single.missed) continue;
      ++single.accepted;
      const Sequence* sequence = slots_.at(single.slot);
      if (sequence && !sequence->parked() && !sequence->cancelled()) next.push_back(&single);
    }
    going = std::move(next);
  }
  for (const SingleRows& single : singles) {
    if (single.draft.empty()) continue;
    speculation_->learn(single.id, int32_t(single.draft.size()), single.accepted, single.missed);
    slots_.roll_back(single.slot);
  }
}

StepLoop::PrefillRows StepLoop::add_prefill_rows(const std::vector<Chunk>& chunks) {
  context_.clear_rows();
  PrefillRows rows;
  for (const Chunk& chunk : chunks) {
    const Sequence* sequence = slots_.at(chunk.slot);
    if (!sequence || sequence->cancelled()) continue;
    // A batch of this step that failed lost the cells which this chunk follows: plan again.
    if (sequence->n_computed() != chunk.begin) continue;
    const int32_t end = chunk.begin + chunk.count;
    const bool completes = end == sequence->n_tokens();
    for (int32_t position = chunk.begin; position < end; ++position) {
      const bool is_scored = sequence->scores(position);
      const bool is_sampled =
          completes && position == end - 1 && ReplyWriter::needs_logits(*sequence);
      const int32_t row = context_.add_row(sequence->token(position), position, chunk.slot,
                                           is_scored || is_sampled);
      if (is_scored) rows.scored.push_back({chunk.slot, row, sequence->token(position + 1)});
      rows.count = row + 1;
    }
    rows.chunks.push_back(chunk);
    if (completes) rows.completed.push_back({chunk.slot, rows.count - 1});
  }
  return rows;
}

bool StepLoop::run_prefill(const std::vector<Chunk>& chunks) {
  const PrefillRows rows = add_prefill_rows(chunks);
  if (rows.chunks.empty()) return true;
  std::vector<int32_t> slots;
  for (const Chunk& chunk : rows.chunks) slots.push_back(chunk.slot);
  use_adapters_of(slots.front());
  PrefillCost& usual_cost = context_.has_adapters_on() ? adapted_cost_ : prefill_cost_;
  PrefillCost& cost = rows.scored.empty() ? usual_cost : scored_cost_;
  const PrefillBatch batch = PrefillBatch::of(rows.chunks);
  newcomers_.begin(cost.ms_of(batch), gives_way_to(rows));
  const BatchAbort abort(wiring_, [&] { return are_unwanted(slots) || newcomers_.has_come(); });
  const auto start = Clock::now();
  const Computed done = decode(abort);
  const double ms = ms_since(start);
  if (done.status == DecodeStatus::aborted) {
    keep_computed(rows.chunks);
    if (newcomers_.gives_way()) {
      const WorkClock::Span span(clock_, &Stats::idle_ms);  // others are waited for
      newcomers_.abandoned(ms);
    }
  }
  if (!settle_batch(done.status, slots)) return done.status != DecodeStatus::aborted;
  newcomers_.computed(ms);
  for (const Chunk& chunk : rows.chunks) computed(*slots_.at(chunk.slot), chunk.count);
  if (!rows.scored.empty()) replies_.score(rows.scored);
  // What the rows cost is not what other programs took meanwhile. Else a busy machine would have
  // smaller batches, which cost more a row, and so smaller ones still.
  cost.learn(batch, ms_since(start) - done.time.disturbed_ms());
  stats_.rows_decoded += rows.count;
  stats_.rows_prefilled += rows.count;
  replies_.sample(rows.completed);
  return true;
}

// How many rows a newcomer must have fewer than: only such a one is served before the prompts of
// the batch. None where somebody waits for a token, or where prompts are held, since nobody begins
// before all can.
int32_t StepLoop::gives_way_to(const PrefillRows& rows) const {
  if (!context_.can_trim() || hold_.is_on()) return 0;
  for (int32_t slot = 0; slot < slots_.count(); ++slot) {
    if (slots_.at(slot) && slots_.at(slot)->is_generating()) return 0;
  }
  int32_t least = INT32_MAX;
  for (const Chunk& chunk : rows.chunks) {
    const Sequence& sequence = *slots_.at(chunk.slot);
    least = std::min(least, sequence.n_tokens() - sequence.n_computed());
  }
  return least;
}

void StepLoop::keep_computed(const std::vector<Chunk>& chunks) {
  if (!context_.can_trim()) return;
  for (const Chunk& chunk : chunks) {
    Sequence& sequence = *slots_.at(chunk.slot);
    // The last token is computed again, for its logits.
    const int32_t there = std::min(context_.computed(chunk.slot), sequence.n_tokens() - 1);
    const int32_t rows = there - sequence.n_computed();
    if (rows <= 0 || chunk.is_scored) continue;
    computed(sequence, rows);
    stats_.rows_decoded += rows;
    stats_.rows_prefilled += rows;
  }
}

// All rows that were added are of these slots.
bool StepLoop::are_unwanted(const std::vector<int32_t>& slots) const {
  // Slots, rule 3: an aborted batch could leave a third sequence's recurrent state half moved.
  if (slots.size() > 1 && !context_.can_trim()) return false;
  return std::all_of(slots.begin(), slots.end(),
                     [&](int32_t slot) { return slots_.at(slot)->cancelled(); });
}

// `slots` must outlive it.
BatchAbort StepLoop::abort_of(const std::vector<int32_t>& slots) const {
  return {wiring_, [this, &slots] { return are_unwanted(slots); }};
}

Computed StepLoop::decode(const AbortCheck& abort) {
  const WorkClock::Span span(clock_, &Stats::compute_ms);
  ledger_.beat();
  return compute(context_, context_.has_adapters_on() ? adapted_threads_ : threads_, abort);
}

void StepLoop::computed(Sequence& sequence, int32_t rows) {
  sequence.computed(rows);
  if (sequence.at_boundary()) slots_.checkpoint(sequence);
}

bool StepLoop::settle_batch(DecodeStatus status, const std::vector<int32_t>& slots) {
  if (status == DecodeStatus::ok) return true;
  if (status == DecodeStatus::aborted) {  // its sequences leave before the next plan, or go on
    for (int32_t slot : slots) slots_.cut(slot);
    return false;
  }
  if (status == DecodeStatus::no_room && make_room_after_refusal()) return false;
  if (!context_.can_trim()) slots_.forget_all();
  for (int32_t slot : slots) {
    if (slots_.at(slot)->cancelled()) {
      slots_.forget(slot);  // it leaves before the next plan
      continue;
    }
    replies_.give_up_on(slot, refusal(status));
  }
  return false;
}

// We count cells, so this happens only with caches that need more than one cell for a token.
bool StepLoop::make_room_after_refusal() {
  if (slots_.cells_remembered() > 0) {
    slots_.free_cells(options_.slots.shared_cells);
    if (slots_.cells_remembered() == 0) return true;
  }
  if (options_.slots.shared_cells == 0 || slots_.live_count() < 2) return false;
  const int32_t parked = slots_.longest_parked();
  preempt(parked >= 0 ? parked : slots_.youngest());
  return true;
}

// Once in each pause: what a newcomer would otherwise wait for is done while nobody waits.
void StepLoop::keep_ahead() {
  if (!pause_) pause_ = Pause{Clock::now()};
  if (pause_->is_used || Clock::now() < pause_->since + kPause) return;
  pause_->is_used = true;
  slots_.keep_ahead();
}

void StepLoop::sleep() {
  wake_readers(false);
  std::optional<Clock::time_point> deadline = line_.oldest_submission();
  if (deadline) *deadline += options_.queue_deadline;
  const std::optional<Clock::time_point> yield = slots_.next_to_yield();
  if (yield && line_.has_runnable()) deadline = deadline ? std::min(*deadline, *yield) : yield;
  const std::optional<Clock::time_point> turn = disk_.next_turn();
  if (turn) deadline = deadline ? std::min(*deadline, *turn) : turn;
  if (!pause_->is_used) {
    const auto at = pause_->since + kPause;
    deadline = deadline ? std::min(*deadline, at) : at;
  }
  const WorkClock::Span span(clock_, &Stats::idle_ms);  // begins before what the ledger tells
  const Ledger::Idle idle(ledger_);
  wiring_.mailbox.wait(deadline);
  publish_stats();
}

void StepLoop::publish_stats() {
  clock_.settle();
  stats_.running = 0;
  stats_.parked = line_.parked_count();
  for (int32_t slot = 0; slot < slots_.count(); ++slot) {
    const Sequence* sequence = slots_.at(slot);
    SlotView& view = slot_views_[size_t(slot)];
    view = SlotView();
    if (!sequence) continue;
    ++(sequence->parked() ? stats_.parked : stats_.running);
    view = {sequence->request().id,    sequence->phase(),      sequence->prompt_tokens(),
            sequence->cached_tokens(), sequence->n_computed(), sequence->completion_tokens()};
  }
  stats_.cells_used = slots_.cells_live();
  stats_.cells_cached = slots_.cells_remembered();
  stats_.cache_bytes = int64_t(slots_.cache().bytes());
  stats_.cache_entries = int64_t(slots_.cache().size());
  stats_.disk = disk_.counts();
  ledger_.publish(stats_, slot_views_);
}

}  // namespace sluice
