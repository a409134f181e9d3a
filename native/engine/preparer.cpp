#include "engine/preparer.h"

#include <exception>

#include "llama/fault.h"

namespace sluice {
Preparer::Preparer(std::shared_ptr<const Model> model, int32_t context_tokens, Ledger& ledger,
                   EventSink& sink, Mailbox<EngineMessage>& engine)
    : model_(std::move(model)),
      context_tokens_(context_tokens),
      ledger_(ledger),
      sink_(sink),
      engine_(engine),
      thread_([this] { run(); }) {}

Preparer::~Preparer() {
  stopping_ = true;
  jobs_.push(Stop{});
  thread_.join();
}

void Preparer::prepare(std::shared_ptr<Request> request) { jobs_.push(std::move(request)); }

void Preparer::tokenize(RequestId id, std::string text, bool add_special, bool parse_special) {
  jobs_.push(Tokenize{id, std::move(text), add_special, parse_special});
}

void Preparer::detokenize(RequestId id, std::vector<int32_t> tokens) {
  jobs_.push(Detokenize{id, std::move(tokens)});
}

void Preparer::run() {
  for (;;) {
    jobs_.wait();
    for (Job& job : jobs_.drain()) {
      // What is left is answered by Engine, with ERR_CLOSED.
      if (stopping_) return;
      if (auto* request = std::get_if<std::shared_ptr<Request>>(&job)) handle(*request);
      if (auto* text = std::get_if<Tokenize>(&job)) handle(*text);
      if (auto* tokens = std::get_if<Detokenize>(&job)) handle(*tokens);
      sink_.flush();
    }
  }
}

void Preparer::handle(const std::shared_ptr<Request>& request) {
  Prepared prepared;
  try {
    if (!request->cancelled) prepared.sequence = make_sequence(request);
  } catch (const std::exception& error) {
    if (ledger_.retire(request->id, Outcome::failed))
      sink_.failed(request->id, fault_of(error, FaultCode::invalid_request));
    return;
  }
  if (request->cancelled) {  // queued work of a cancelled request never starts
    if (!ledger_.retire(request->id, Outcome::cancelled)) return;
    sink_.finished(request->id, FinishReason::cancelled,
                   prepared.sequence ? prepared.sequence->tally() : Tally());
    return;
  }
  sink_.accepted(request->id, prepared.sequence->n_tokens());
  engine_.push(std::move(prepared));
}

std::unique_ptr<Sequence> Preparer::make_sequence(const std::shared_ptr<Request>& request) const {
  std::vector<int32_t> prompt = prompt_tokens(*request);
  const int32_t count = static_cast<int32_t>(prompt.size());
  if (count == 0) {
    throw FaultError(FaultCode::invalid_request,
                     "the prompt has no tokens; expected at least one, so give it some text");
  }
  if (count >= context_tokens_) {
    throw FaultError({FaultCode::context_length,
                      "the prompt has " + std::to_string(count) + " tokens, and a context of " +
                          std::to_string(context_tokens_) +
                          " leaves no room for a reply; shorten the prompt or raise the context",
                      count, context_tokens_});
  }
  auto sampler = std::make_unique<Sampler>(*model_, request->sampling, context_tokens_);
  sampler->accept_prompt(prompt);
  return std::make_unique<Sequence>(request, std::move(prompt), std::move(sampler));
}

std::vector<int32_t> Preparer::prompt_tokens(const Request& request) const {
  if (const auto* text = std::get_if<std::string>(&request.prompt)) {
    return model_->tokenize(*text, true, true);
  }
  const auto& messages = std::get<std::vector<ChatMessage>>(request.prompt);
  return model_->tokenize(model_->apply_chat_template(messages), true, true);
}

void Preparer::handle(Tokenize& job) {
  try {
    sink_.tokens(job.id, model_->tokenize(job.text, job.add_special, job.parse_special));
  } catch (const std::exception& error) {
    sink_.failed(job.id, fault_of(error, FaultCode::invalid_request));
  }
}

void Preparer::handle(Detokenize& job) {
  try {
    sink_.detokenized(job.id, model_->detokenize(job.tokens));
  } catch (const std::exception& error) {
    sink_.failed(job.id, fault_of(error, FaultCode::invalid_request));
  }
}

}  // namespace sluice
