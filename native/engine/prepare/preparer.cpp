#include "engine/prepare/preparer.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <stdexcept>

#include "base/fault.h"
#include "engine/embed/embedding-inputs.h"
#include "engine/prepare/reasoning-end.h"

namespace sluice {
namespace {

bool begins_with(const std::string& text, const std::string& beginning) {
  return text.compare(0, beginning.size(), beginning) == 0;
}

// Whether the mark that begins a call is also one that ends reasoning, as in DeepSeek V3.2's
// format. In others, such as Qwen 3's, a call within the reasoning is part of it.
bool do_calls_end_reasoning(const ReasoningMarks& marks, const GrammarSpec& calls) {
  return std::any_of(calls.triggers.begin(), calls.triggers.end(), [&](const std::string& trigger) {
    return std::any_of(marks.ends.begin(), marks.ends.end(), [&](const std::string& end) {
      return begins_with(trigger, end) || begins_with(end, trigger);
    });
  });
}

// A tokenizer takes up to 2 us a byte, and detokenizing about as much a token.
constexpr size_t kQuickBytes = 32 << 10;
constexpr size_t kBytesPerToken = 4;
// Some 0.1 s, and a second.
constexpr uint64_t kQuickTemplateWork = 500000, kLongTemplateWork = 5000000;

size_t bytes_of(const ChatPrompt& chat) {
  size_t bytes = 0;
  for (const ChatMessage& message : chat.messages) {
    bytes += message.content.size() + message.reasoning.size();
    for (const ChatToolCall& call : message.tool_calls) bytes += call.arguments.size();
  }
  for (const ChatTool& tool : chat.tools) bytes += tool.description.size() + tool.parameters.size();
  return bytes;
}

size_t bytes_of(const std::vector<int32_t>& tokens) { return tokens.size() * kBytesPerToken; }

// Of the text to be tokenized, before a template adds to it; 0 for token ids.
size_t bytes_of(const Prompt& prompt) {
  if (const auto* text = std::get_if<std::string>(&prompt)) return text->size();
  if (const auto* texts = std::get_if<Infill>(&prompt)) {
    return texts->before.size() + texts->after.size();
  }
  const auto* chat = std::get_if<ChatPrompt>(&prompt);
  return chat ? bytes_of(*chat) : 0;
}

size_t bytes_of(const EmbeddingRequest& request) {
  size_t bytes = 0;
  for (const auto& input : request.inputs) {
    if (const auto* text = std::get_if<std::string>(&input)) bytes += text->size();
    if (const auto* pair = std::get_if<RankedPair>(&input)) {
      bytes += pair->query.size() + pair->document.size();
    }
  }
  return bytes;
}

void check_labels(const std::vector<int32_t>& tokens, int32_t vocabulary) {
  for (int32_t token : tokens) {
    if (token >= 0 && token < vocabulary) continue;
    throw invalid_option("labelTokens", "token " + std::to_string(token) +
                                            " is not in the vocabulary; expected 0 to " +
                                            std::to_string(vocabulary - 1));
  }
}

}  // namespace

Preparer::Preparer(std::shared_ptr<const Model> model, PreparerOptions options,
                   const Wiring& wiring, OnEnd on_end)
    : model_(std::move(model)),
      options_(std::move(options)),
      wiring_(wiring),
      ledger_(wiring.ledger),
      sink_(wiring.sink),
      on_end_(std::move(on_end)),
      template_(model_, options_.chat_template, options_.tools_fallback,
                [this] { return wiring_.closing.load(); }),
      grammars_(model_),
      lanes_{{{kQuickTemplateWork, kQuickBytes, false},
              {kLongTemplateWork, SIZE_MAX, true},
              {kTemplateWorkMax, SIZE_MAX, true}}} {
  // The same for each, so that all lanes refuse the same texts.
  const size_t stack_bytes = StackThread::affordable(kDeepStackBytes, lanes_.size());
  try {
    for (size_t number = 0; number < lanes_.size(); ++number) {
      lanes_[number].thread.emplace(stack_bytes, [this, number] { run(LaneNumber(number)); });
    }
  } catch (...) {  // there is no thread to be had
    quit();
    throw;
  }
}

Preparer::~Preparer() { quit(); }

void Preparer::quit() {
  quitting_ = true;
  for (Lane& lane : lanes_) lane.jobs.close();
  for (Lane& lane : lanes_) {
    if (lane.thread) lane.thread->join();
  }
}

void Preparer::prepare(RequestGroup group) { push(kQuick, std::move(group)); }

void Preparer::prepare(std::shared_ptr<EmbeddingRequest> request) {
  push(kQuick, std::move(request));
}

void Preparer::tokenize(RequestId id, std::string text, bool add_special, bool parse_special) {
  push_text(id, Tokenize{std::move(text), add_special, parse_special});
}

void Preparer::detokenize(RequestId id, std::vector<int32_t> tokens) {
  push_text(id, Detokenize{std::move(tokens)});
}

void Preparer::pieces(RequestId id, std::vector<int32_t> tokens) {
  push_text(id, Pieces{std::move(tokens)});
}

void Preparer::apply_template(RequestId id, ChatPrompt chat) { push_text(id, std::move(chat)); }

void Preparer::tokenize_chat(RequestId id, ChatPrompt chat, bool must_fit) {
  push_text(id, TokenizeChat{std::move(chat), must_fit});
}

void Preparer::push_text(RequestId id, TextWork work) {
  TextJob job{std::make_shared<Ticket>(), std::make_shared<const TextWork>(std::move(work))};
  job.ticket->id = id;
  {
    const std::lock_guard<std::mutex> lock(texts_mutex_);
    texts_.emplace(id, job.ticket);
  }
  push(kQuick, std::move(job));
}

void Preparer::push(LaneNumber lane, Job job) {
  const std::string owner = owner_of(job);
  lanes_[lane].jobs.push(is_text(job) ? 1 : 0, std::move(job), owner);
}

// What a job throws is that job's fault. Only what could not be reported as such comes here.
void Preparer::run(LaneNumber number) noexcept {
  try {
    run_jobs(number);
  } catch (...) {  // an exception that leaves a thread ends the process
    on_end_(current_fault(FaultCode::engine_failed));
  }
}

void Preparer::run_jobs(LaneNumber number) {
  TurnQueue<Job, 2>& jobs = lanes_[number].jobs;
  while (!jobs.is_closed()) {
    const std::optional<Job> job = number == kQuick ? jobs.take(next_deadline()) : jobs.take();
    // Jobs that are left are not done: Engine answers requests, and JavaScript the text jobs.
    if (quitting_) return;
    if (job) {
      ledger_.preparer_beat();
      attempt(number, *job);
      ledger_.preparer_beat();
    }
    if (number == kQuick) retire_unwanted();
    sink_.flush();
  }
}

void Preparer::cancel_text(RequestId id) {
  const std::lock_guard<std::mutex> lock(texts_mutex_);
  const auto found = texts_.find(id);
  if (found != texts_.end()) found->second->cancelled = true;
}

// Texts take turns before they come here (src/engine/queue/text-jobs.ts).
std::string Preparer::owner_of(const Job& job) {
  if (const auto* group = std::get_if<RequestGroup>(&job)) return group->choices.front()->owner;
  const auto* request = std::get_if<std::shared_ptr<EmbeddingRequest>>(&job);
  return request ? (*request)->owner : std::string();
}

bool Preparer::is_wanted(const Job& job) {
  if (const auto* group = std::get_if<RequestGroup>(&job)) {
    return std::any_of(group->choices.begin(), group->choices.end(),
                       [](const auto& request) { return !request->cancelled; });
  }
  if (const auto* request = std::get_if<std::shared_ptr<EmbeddingRequest>>(&job)) {
    return !(*request)->cancelled;
  }
  return !std::get<TextJob>(job).ticket->cancelled;
}

void Preparer::attempt(LaneNumber number, const Job& job) {
  const JobLimits limits{lanes_[number],
                         [&] { return quitting_ || wiring_.closing || !is_wanted(job); }};
  try {
    std::visit([&](const auto& one) { handle(one, limits); }, job);
  } catch (const TemplateTakesLong&) {
    defer(number, job);
  } catch (const TakesLong&) {
    defer(number, job);
  }
}

void Preparer::defer(LaneNumber from, const Job& job) {
  if (size_t(from) + 1 >= lanes_.size()) throw std::logic_error("the last lane defers nothing");
  if (is_text(job)) sink_.deferred(std::get<TextJob>(job).ticket->id);
  push(LaneNumber(from + 1), job);
}

std::optional<Clock::time_point> Preparer::next_deadline() const {
  std::optional<Clock::time_point> next = ledger_.oldest_unprepared();
  if (next) *next += options_.queue_deadline + std::chrono::milliseconds(1);
  return next;
}

void Preparer::retire_unwanted() {
  const Ledger::Gone gone = ledger_.retire_unprepared(Clock::now() - options_.queue_deadline);
  for (const auto& ticket : gone.cancelled) {
    sink_.finished(ticket->id, FinishReason::cancelled, Tally());
  }
  for (const auto& ticket : gone.late) {
    sink_.failed(
        ticket->id,
        {FaultCode::queue_timeout,
         "the prompt was not ready within " + std::to_string(options_.queue_deadline.count()) +
             " ms, for long ones were before it or it is one; try again later, or "
             "shorten it",
         0, 0});
  }
  if (gone.cancelled.empty() && gone.late.empty()) return;
  // Their texts are freed at once. Text jobs stay in their lane: each is answered in its turn.
  for (LaneNumber number : {kLong, kHeavy}) {
    lanes_[number].jobs.keep([](const Job& job) { return is_text(job) || is_wanted(job); });
  }
}

void Preparer::handle(const RequestGroup& group, const JobLimits& limits) {
  Common common{*group.prompt, {}, {}, {}};
  std::optional<Fault> fault;
  for (const auto& request : group.choices) {
    try {
      if (common.tokens.empty() && !fault && !request->cancelled) fill(common, *request, limits);
    } catch (const std::exception& error) {
      fault = fault_of(error, FaultCode::invalid_request);
    }
    // Queued work of a cancelled request never starts.
    if (fault || request->cancelled || limits.given_up()) {
      give_up(*request, fault.value_or(Fault()));
    } else {
      hand_over(request, common, limits);
      ledger_.preparer_beat();
    }
  }
}

void Preparer::fill(Common& common, const Request& request, const JobLimits& limits) const {
  const bool has_dry = Sampler::has_dry(request.sampling);
  if (has_dry && !limits.lane.may_take_long) throw TakesLong{};
  std::vector<int32_t> tokens = prompt_tokens(common.prompt, request, common.chat, limits);
  if (has_dry) ledger_.preparer_beat();
  common.dry = limits.lane.dry.of(model_->raw(), request.sampling, options_.context_tokens,
                                  request.tenant_salt);
  common.tokens = std::move(tokens);
}

void Preparer::hand_over(const std::shared_ptr<Request>& request, const Common& common,
                         const JobLimits& limits) {
  Prepared prepared;
  try {
    prepared.sequence = make_sequence(request, common, limits);
  } catch (const std::exception& error) {
    give_up(*request, fault_of(error, FaultCode::invalid_request));
    return;
  }
  if (!ledger_.hand_over(request->id)) return;  // it was retired meanwhile
  sink_.accepted(request->id, prepared.sequence->n_tokens());
  wiring_.mailbox.push(std::move(prepared));
}

void Preparer::handle(const std::shared_ptr<EmbeddingRequest>& request, const JobLimits& limits) {
  PreparedEmbedding prepared;
  try {
    if (!options_.embeds) {
      throw FaultError(FaultCode::invalid_request,
                       "this engine has no embeddings: its model names no pooling type, or it was "
                       "loaded to generate text");
    }
    check_lane(bytes_of(*request), limits);
    prepared.job = tokenize_inputs(*model_, options_.context_tokens, request);
  } catch (const std::exception& error) {
    give_up(*request, fault_of(error, FaultCode::invalid_request));
    return;
  }
  if (request->cancelled || !prepared.job) {
    give_up(*request, Fault());
    return;
  }
  const int32_t prompt_tokens = prepared.job->prompt_tokens;
  if (!ledger_.hand_over(request->id)) return;
  sink_.accepted(request->id, prompt_tokens);
  wiring_.mailbox.push(std::move(prepared));
}

// A cancelled request ends as cancelled, even if it has another fault as well.
void Preparer::give_up(const Ticket& request, const Fault& fault) {
  if (!request.cancelled && (quitting_ || wiring_.closing)) return;  // Engine answers it
  if (!ledger_.retire(request.id)) return;
  if (request.cancelled) {
    sink_.finished(request.id, FinishReason::cancelled, Tally());
  } else {
    sink_.failed(request.id, fault);
  }
}

std::unique_ptr<Sequence> Preparer::make_sequence(const std::shared_ptr<Request>& request,
                                                  const Common& common, const JobLimits& limits) {
  check_labels(request->label_tokens, model_->vocabulary());
  auto sampler =
      std::make_unique<Sampler>(*model_, request->sampling, options_.context_tokens, common.dry);
  sampler->accept_prompt(common.tokens);
  std::unique_ptr<Constraint> around = constraint(*request, common.chat, limits);
  ReplyForm form;
  if (around || !request->grammar || common.chat.must_call) {
    form = reply_form(common.prompt, common.chat);
  } else {
    // All of the reply is its form: it has no marks of the template.
    around = compiled(*request->grammar, limits);
  }
  sampler->constrain(std::move(around));
  return std::make_unique<Sequence>(request, common.tokens, std::move(sampler), std::move(form));
}

ReplyForm Preparer::reply_form(const Prompt& prompt, const TemplatedChat& chat) const {
  ReplyForm form;
  form.stops = chat.stops;
  form.visible_specials = chat.visible_specials;
  if (!chat.format) return form;
  form.parser = std::make_unique<ChatParser>(chat.format);
  form.has_form = chat.has_form;
  set_reasoning(form, std::get<ChatPrompt>(prompt), chat);
  return form;
}

void Preparer::set_reasoning(ReplyForm& form, const ChatPrompt& prompt,
                             const TemplatedChat& chat) const {
  const std::optional<ReasoningMarks>& marks = chat.reasoning;
  if (!marks) return;
  form.reasoning = std::make_unique<ReasoningTracker>(*marks, prompt.reasoning_budget);
  form.calls_end_reasoning = chat.grammar && do_calls_end_reasoning(*marks, *chat.grammar);
  if (prompt.reasoning_budget == ReasoningTracker::kUnlimited) return;
  // The message is content: names of control tokens in it are text.
  std::vector<int32_t> message = template_.tokens_of(prompt.reasoning_budget_message);
  const auto end = reasoning_end(*model_, *marks, chat.visible_specials, std::move(message));
  if (!end) {
    throw invalid_option("reasoning.budgetMessage",
                         "this model's reasoning cannot be ended with that message: its vocabulary "
                         "cannot write it and the mark of the end; leave it, or the budget, out");
  }
  form.reasoning_end = *end;
}

std::vector<std::string> Preparer::reasoning_ends() const {
  return sluice::reasoning_ends(*model_, template_, [this] { return wiring_.closing.load(); });
}

size_t Preparer::stack_bytes() const {
  size_t bytes = kDeepStackBytes;
  for (const Lane& lane : lanes_) bytes = std::min(bytes, lane.thread->stack_bytes());
  return bytes;
}

CallFormat Preparer::call_format() const {
  return template_.call_format([this] { return wiring_.closing.load(); });
}

std::unique_ptr<Constraint> Preparer::compiled(const GrammarSpec& spec, const JobLimits& limits) {
  auto constraint = grammars_.constraint(spec, limits.lane.may_take_long);
  if (!constraint) throw TakesLong{};
  return constraint;
}

// The grammar of the tools' calls, and of what stands around the request's own grammar. Null where
// there is neither.
std::unique_ptr<Constraint> Preparer::constraint(const Request& request, const TemplatedChat& chat,
                                                 const JobLimits& limits) {
  if (!chat.grammar) return nullptr;
  GrammarSpec spec = *chat.grammar;
  if (chat.has_form) {
    spec.form = request.grammar;
    // A blank before the form must not be possible in two ways, as the form's and as one before it.
    const bool begins_blank = compiled(*request.grammar, limits)->begins_blank();
    spec.text += begins_blank ? "\nform-space ::= \"\"\n" : "\nform-space ::= space\n";
  }
  std::unique_ptr<Constraint> constraint = compiled(spec, limits);
  if (constraint->accept_text(chat.prefilled_text)) {
    constraint->begin_reply();
    return constraint;
  }
  // The last message, which the reply continues, is not the beginning of a form but stands before
  // it.
  if (chat.has_form) return nullptr;
  throw invalid_option("toolChoice",
                       "the chat template does not fit its own tool calls; use tool_choice "
                       "\"auto\" or another chat template");
}

std::vector<int32_t> Preparer::prompt_tokens(const Prompt& prompt, const Request& request,
                                             TemplatedChat& chat, const JobLimits& limits) const {
  if (options_.embeds) {
    throw FaultError(FaultCode::invalid_request,
                     "this engine embeds and generates no text; use embed(), or another model");
  }
  if (const auto* conversation = std::get_if<ChatPrompt>(&prompt)) {
    check_lane(bytes_of(prompt), limits);
    chat = template_.apply(*conversation, limits.template_limits());
    check_fits(chat.prompt.text.size());
    check_lane(chat.prompt.text.size(), limits);
  } else if (!std::holds_alternative<std::vector<int32_t>>(prompt)) {
    check_fits(bytes_of(prompt));
    check_lane(bytes_of(prompt), limits);
  }
  std::vector<int32_t> tokens = tokens_of(prompt, chat, request.tenant_salt, limits);
  if (tokens.empty()) {
    throw FaultError(FaultCode::invalid_request,
                     "the prompt has no tokens; expected at least one, so give it some text");
  }
  // Where no token is to be generated, the prompt may fill the context.
  const int64_t reply_min = request.max_tokens == 0 ? 0 : 1;
  if (int64_t(tokens.size()) + reply_min > options_.context_tokens) {
    throw too_long("", int64_t(tokens.size()));
  }
  return tokens;
}

std::vector<int32_t> Preparer::tokens_of(const Prompt& prompt, const TemplatedChat& chat,
                                         const std::string& salt, const JobLimits& limits) const {
  if (const auto* text = std::get_if<std::string>(&prompt)) return tokens_of(*text);
  if (const auto* texts = std::get_if<Infill>(&prompt)) return tokens_of(*texts);
  const auto* tokens = std::get_if<std::vector<int32_t>>(&prompt);
  if (tokens) return tokens_of(*tokens);
  return template_.tokens_of(chat.prompt, salt, limits.lane.beginning);
}

std::vector<int32_t> Preparer::tokens_of(const std::string& prompt) const {
  check_fits(prompt.size());
  return model_->tokenize(prompt, true, true);
}

// Unchanged: a client that sends ids has decided what stands at the beginning.
std::vector<int32_t> Preparer::tokens_of(const std::vector<int32_t>& tokens) const {
  model_->check_tokens(tokens);
  return tokens;
}

std::vector<int32_t> Preparer::tokens_of(const Infill& texts) const {
  check_fits(texts.before.size() + texts.after.size());
  return model_->infill(texts.before, texts.after);
}

void Preparer::check_lane(size_t text_bytes, const JobLimits& limits) const {
  if (text_bytes > limits.lane.text_bytes) throw TakesLong{};
  if (!limits.given_up()) return;
  throw FaultError(FaultCode::cancelled, "this request was cancelled");
}

void Preparer::check_fits(size_t text_bytes) const {
  const int64_t tokens_min = model_->tokens_min(text_bytes);
  if (tokens_min > options_.context_tokens) throw too_long("at least ", tokens_min);
}

FaultError Preparer::too_long(const char* how_many, int64_t prompt_tokens) const {
  const int32_t count = int32_t(std::min<int64_t>(prompt_tokens, INT32_MAX));
  return FaultError({FaultCode::context_length,
                     std::string("the prompt has ") + how_many + std::to_string(count) +
                         " tokens, and a context of " + std::to_string(options_.context_tokens) +
                         " leaves no room for a reply; shorten the prompt or raise the context",
                     count, options_.context_tokens});
}

void Preparer::handle(const TextJob& job, const JobLimits& limits) {
  const RequestId id = job.ticket->id;
  try {
    if (job.ticket->cancelled) {
      throw FaultError(FaultCode::cancelled, "this text job was cancelled");
    }
    answer(id, *job.work, limits);
  } catch (const std::exception& error) {
    sink_.failed(id, fault_of(error, FaultCode::invalid_request));
  }
  const std::lock_guard<std::mutex> lock(texts_mutex_);
  texts_.erase(id);
}

void Preparer::answer(RequestId id, const TextWork& work, const JobLimits& limits) {
  if (const auto* one = std::get_if<Tokenize>(&work)) {
    check_lane(one->text.size(), limits);
    sink_.tokens(id, model_->tokenize(one->text, one->add_special, one->parse_special));
  } else if (const auto* two = std::get_if<Detokenize>(&work)) {
    check_lane(bytes_of(two->tokens), limits);
    sink_.text_made(id, model_->detokenize(two->tokens));
  } else if (const auto* three = std::get_if<Pieces>(&work)) {
    check_lane(bytes_of(three->tokens), limits);
    sink_.pieces(id, model_->pieces(three->tokens));
  } else if (const auto* four = std::get_if<TokenizeChat>(&work)) {
    check_lane(bytes_of(four->chat), limits);
    const PromptText prompt = template_.prompt(four->chat, limits.template_limits());
    if (four->must_fit) check_fits(prompt.text.size());
    check_lane(prompt.text.size(), limits);
    sink_.tokens(id, template_.tokens_of(prompt));
  } else {
    sink_.text_made(id,
                    template_.prompt(std::get<ChatPrompt>(work), limits.template_limits()).text);
  }
}

}  // namespace sluice
