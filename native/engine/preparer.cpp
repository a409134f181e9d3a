#include "engine/preparer.h"

#include <algorithm>
#include <exception>
#include <optional>

#include "engine/embedding-inputs.h"
#include "engine/thoughts-end.h"
#include "llama/fault.h"

namespace sluice {
namespace {

bool begins_with(const std::string& text, const std::string& beginning) {
  return text.compare(0, beginning.size(), beginning) == 0;
}

// Some formats have a call end the thoughts that it stands in; in others it is a thought itself.
bool are_ended_by_calls(const ThoughtMarks& marks, const GrammarSpec& calls) {
  return std::any_of(calls.triggers.begin(), calls.triggers.end(), [&](const std::string& trigger) {
    return std::any_of(marks.ends.begin(), marks.ends.end(), [&](const std::string& end) {
      return begins_with(trigger, end) || begins_with(end, trigger);
    });
  });
}

}  // namespace

Preparer::Preparer(std::shared_ptr<const Model> model, const std::string& chat_template,
                   int32_t context_tokens, bool embeds, Ledger& ledger, EventSink& sink,
                   Mailbox<EngineMessage>& engine, OnEnd on_end)
    : model_(std::move(model)),
      template_(model_, chat_template),
      context_tokens_(context_tokens),
      embeds_(embeds),
      ledger_(ledger),
      sink_(sink),
      engine_(engine),
      on_end_(std::move(on_end)),
      grammars_(model_),
      thread_(kDeepStackBytes, [this] { run(); }) {}

Preparer::~Preparer() {
  stopping_ = true;
  jobs_.wake();
  thread_.join();
}

void Preparer::prepare(Choices choices) { jobs_.push(std::move(choices)); }

void Preparer::prepare(std::shared_ptr<EmbeddingRequest> request) {
  jobs_.push(std::move(request));
}

void Preparer::tokenize(RequestId id, std::string text, bool add_special, bool parse_special) {
  jobs_.push(Tokenize{id, std::move(text), add_special, parse_special});
}

void Preparer::detokenize(RequestId id, std::vector<int32_t> tokens) {
  jobs_.push(Detokenize{id, std::move(tokens)});
}

void Preparer::pieces(RequestId id, std::vector<int32_t> tokens) {
  jobs_.push(Pieces{id, std::move(tokens)});
}

void Preparer::apply_template(RequestId id, ChatPrompt chat) {
  jobs_.push(ApplyTemplate{id, std::move(chat)});
}

// What one job throws is that job's fault. What comes here is what could not even be told.
void Preparer::run() noexcept {
  try {
    run_jobs();
  } catch (...) {  // an exception that leaves a thread ends the process
    on_end_(current_fault(FaultCode::engine_failed));
  }
}

void Preparer::run_jobs() {
  while (!stopping_) {
    jobs_.wait();
    for (Job& job : jobs_.drain()) {
      // What is left is answered by Engine (requests) and by Session (text jobs), and never done.
      if (stopping_) return;
      ledger_.preparer_beat();
      std::visit([this](const auto& one) { handle(one); }, job);
      ledger_.preparer_beat();
      sink_.flush();
    }
  }
}

// Their prompt is put into words and tokens once.
void Preparer::handle(const Choices& choices) {
  TemplatedChat chat;
  std::vector<int32_t> prompt;
  std::optional<Fault> fault;
  for (const auto& request : choices) {
    try {
      if (prompt.empty() && !fault && !request->cancelled) prompt = prompt_tokens(*request, chat);
    } catch (const std::exception& error) {
      fault = fault_of(error, FaultCode::invalid_request);
    }
    if (fault || request->cancelled) {  // queued work of a cancelled request never starts
      give_up(*request, fault.value_or(Fault()));
    } else {
      hand_over(request, prompt, chat);
    }
  }
}

void Preparer::hand_over(const std::shared_ptr<Request>& request, std::vector<int32_t> prompt,
                         const TemplatedChat& chat) {
  Prepared prepared;
  try {
    prepared.sequence = make_sequence(request, std::move(prompt), chat);
  } catch (const std::exception& error) {
    give_up(*request, fault_of(error, FaultCode::invalid_request));
    return;
  }
  sink_.accepted(request->id, prepared.sequence->n_tokens());
  engine_.push(std::move(prepared));
}

void Preparer::handle(const std::shared_ptr<EmbeddingRequest>& request) {
  PreparedEmbedding prepared;
  try {
    if (!embeds_) {
      throw FaultError(FaultCode::invalid_request,
                       "this engine has no embeddings: its model names no pooling type, or it was "
                       "loaded to generate text");
    }
    prepared.job = tokenize_inputs(*model_, context_tokens_, request);
  } catch (const std::exception& error) {
    give_up(*request, fault_of(error, FaultCode::invalid_request));
    return;
  }
  if (request->cancelled || !prepared.job) {
    give_up(*request, Fault());
    return;
  }
  sink_.accepted(request->id, prepared.job->prompt_tokens);
  engine_.push(std::move(prepared));
}

// Whoever cancelled hears that it is cancelled, whatever else was wrong with it.
void Preparer::give_up(const Ticket& request, const Fault& fault) {
  const Outcome outcome = request.cancelled ? Outcome::cancelled : Outcome::failed;
  if (!ledger_.retire(request.id, outcome)) return;
  if (outcome == Outcome::failed) {
    sink_.failed(request.id, fault);
  } else {
    sink_.finished(request.id, FinishReason::cancelled, Tally());
  }
}

std::unique_ptr<Sequence> Preparer::make_sequence(const std::shared_ptr<Request>& request,
                                                  std::vector<int32_t> prompt,
                                                  const TemplatedChat& chat) {
  auto sampler = std::make_unique<Sampler>(*model_, request->sampling, context_tokens_);
  sampler->accept_prompt(prompt);
  sampler->constrain(constraint(*request, chat));
  return std::make_unique<Sequence>(request, std::move(prompt), std::move(sampler),
                                    reply_form(*request, chat));
}

ReplyForm Preparer::reply_form(const Request& request, const TemplatedChat& chat) const {
  ReplyForm form;
  form.stops = chat.stops;
  form.spoken_tokens = chat.spoken_tokens;
  // What has a form of its own is said as it comes: no marker of the template's is in it.
  if (!chat.format || request.grammar) return form;
  form.parser = std::make_unique<ChatParser>(chat.format);
  set_thoughts(form, std::get<ChatPrompt>(*request.prompt), chat);
  return form;
}

void Preparer::set_thoughts(ReplyForm& form, const ChatPrompt& prompt,
                            const TemplatedChat& chat) const {
  const std::optional<ThoughtMarks>& marks = chat.thoughts;
  if (!marks) return;
  form.thoughts = std::make_unique<Thoughts>(*marks, prompt.reasoning_budget);
  form.thinks_of_calls = !chat.grammar || !are_ended_by_calls(*marks, *chat.grammar);
  if (prompt.reasoning_budget == Thoughts::kUnlimited) return;
  const std::string& message = prompt.reasoning_budget_message;
  const auto end = thoughts_end(*model_, *marks, chat.spoken_tokens, message);
  if (!end) {
    throw FaultError(FaultCode::invalid_request,
                     "this model's thoughts cannot be ended with that message: its vocabulary "
                     "cannot write it and the mark of their end; leave it, or the budget, out");
  }
  form.thoughts_end = *end;
}

std::vector<std::string> Preparer::thinking_ends() const {
  if (!has_chat_template()) return {};
  ChatPrompt any;
  any.messages.emplace_back();
  any.messages.back().role = "user";
  any.messages.back().content = "?";
  try {
    // Some templates let a model think only where that is asked for.
    for (const char* effort : {"", "high"}) {
      any.reasoning_effort = effort;
      const TemplatedChat chat = template_.apply(any);
      const std::optional<ThoughtMarks>& marks = chat.thoughts;
      if (marks && thoughts_end(*model_, *marks, chat.spoken_tokens, "")) return marks->ends;
    }
  } catch (const FaultError&) {
    return {};  // a template that refuses this conversation tells nothing
  }
  return {};
}

// The request's own grammar, or that of its tools' calls.
std::unique_ptr<Constraint> Preparer::constraint(const Request& request,
                                                 const TemplatedChat& chat) {
  if (request.grammar) return grammars_.constraint(*request.grammar);
  if (!chat.grammar) return nullptr;
  std::unique_ptr<Constraint> constraint = grammars_.constraint(*chat.grammar);
  if (constraint->accept_text(chat.said)) return constraint;
  throw FaultError(FaultCode::invalid_request,
                   "the chat template does not fit its own tool calls; use tool_choice \"auto\" or "
                   "another chat template");
}

std::vector<int32_t> Preparer::prompt_tokens(const Request& request, TemplatedChat& chat) const {
  if (embeds_) {
    throw FaultError(FaultCode::invalid_request,
                     "this engine embeds and generates no text; use embed(), or another model");
  }
  if (const auto* conversation = std::get_if<ChatPrompt>(request.prompt.get())) {
    chat = template_.apply(*conversation);
  }
  std::vector<int32_t> tokens = tokens_of(request, chat);
  if (tokens.empty()) {
    throw FaultError(FaultCode::invalid_request,
                     "the prompt has no tokens; expected at least one, so give it some text");
  }
  if (int64_t(tokens.size()) >= context_tokens_) throw too_long("", int64_t(tokens.size()));
  return tokens;
}

std::vector<int32_t> Preparer::tokens_of(const Request& request, const TemplatedChat& chat) const {
  if (const auto* text = std::get_if<std::string>(request.prompt.get())) return tokens_of(*text);
  if (const auto* texts = std::get_if<Infill>(request.prompt.get())) return tokens_of(*texts);
  const auto* tokens = std::get_if<std::vector<int32_t>>(request.prompt.get());
  return tokens ? tokens_of(*tokens) : tokens_of(chat.prompt);
}

std::vector<int32_t> Preparer::tokens_of(const std::string& prompt) const {
  check_fits(prompt.size());
  return model_->tokenize(prompt, true, true);
}

// As they stand: whoever sends ids has said what is at the beginning.
std::vector<int32_t> Preparer::tokens_of(const std::vector<int32_t>& tokens) const {
  model_->check_tokens(tokens);
  return tokens;
}

std::vector<int32_t> Preparer::tokens_of(const Infill& texts) const {
  check_fits(texts.before.size() + texts.after.size());
  return model_->infill(texts.before, texts.after);
}

void Preparer::check_fits(size_t text_bytes) const {
  const int64_t tokens_min = model_->tokens_min(text_bytes);
  if (tokens_min >= context_tokens_) throw too_long("at least ", tokens_min);
}

FaultError Preparer::too_long(const char* how_many, int64_t prompt_tokens) const {
  const int32_t count = int32_t(std::min<int64_t>(prompt_tokens, INT32_MAX));
  return FaultError({FaultCode::context_length,
                     std::string("the prompt has ") + how_many + std::to_string(count) +
                         " tokens, and a context of " + std::to_string(context_tokens_) +
                         " leaves no room for a reply; shorten the prompt or raise the context",
                     count, context_tokens_});
}

template <typename Answer>
void Preparer::answer(RequestId id, const Answer& answer) {
  try {
    answer();
  } catch (const std::exception& error) {
    sink_.failed(id, fault_of(error, FaultCode::invalid_request));
  }
}

void Preparer::handle(const Tokenize& job) {
  answer(job.id, [&] {
    sink_.tokens(job.id, model_->tokenize(job.text, job.add_special, job.parse_special));
  });
}

void Preparer::handle(const Detokenize& job) {
  answer(job.id, [&] { sink_.text_made(job.id, model_->detokenize(job.tokens)); });
}

void Preparer::handle(const Pieces& job) {
  answer(job.id, [&] { sink_.pieces(job.id, model_->pieces(job.tokens)); });
}

void Preparer::handle(const ApplyTemplate& job) {
  answer(job.id, [&] { sink_.text_made(job.id, template_.prompt(job.chat)); });
}

}  // namespace sluice
