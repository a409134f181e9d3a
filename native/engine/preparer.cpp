#include "engine/preparer.h"

#include <algorithm>
#include <exception>

#include "llama/fault.h"

namespace sluice {
namespace {

// llama.cpp splits text by std::regex for many tokenizers, and libstdc++'s recurses once per
// character of a match: 320 bytes of stack each, so a run of 26,000 letters overflows the usual
// 8 MiB. Reserved, not committed; kRunBytesMax in llama/model.cpp is what it carries.
constexpr size_t kStackBytes = size_t(512) << 20;

}  // namespace

Preparer::Preparer(std::shared_ptr<const Model> model, int32_t context_tokens, Ledger& ledger,
                   EventSink& sink, Mailbox<EngineMessage>& engine)
    : model_(std::move(model)),
      context_tokens_(context_tokens),
      ledger_(ledger),
      sink_(sink),
      engine_(engine),
      thread_(kStackBytes, [this] { run(); }) {}

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
      // What is left is answered by Engine (requests) and by Session (text jobs).
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
    give_up(*request, fault_of(error, FaultCode::invalid_request));
    return;
  }
  if (request->cancelled) {  // queued work of a cancelled request never starts
    give_up(*request, Fault());
    return;
  }
  sink_.accepted(request->id, prepared.sequence->n_tokens());
  engine_.push(std::move(prepared));
}

// Whoever cancelled hears that it is cancelled, whatever else was wrong with it.
void Preparer::give_up(const Request& request, const Fault& fault) {
  const Outcome outcome = request.cancelled ? Outcome::cancelled : Outcome::failed;
  if (!ledger_.retire(request.id, outcome)) return;
  if (outcome == Outcome::failed) {
    sink_.failed(request.id, fault);
  } else {
    sink_.finished(request.id, FinishReason::cancelled, Tally());
  }
}

std::unique_ptr<Sequence> Preparer::make_sequence(const std::shared_ptr<Request>& request) const {
  std::vector<int32_t> prompt = prompt_tokens(*request);
  const int32_t count = static_cast<int32_t>(prompt.size());
  if (count == 0) {
    throw FaultError(FaultCode::invalid_request,
                     "the prompt has no tokens; expected at least one, so give it some text");
  }
  if (count >= context_tokens_) throw too_long("", count);
  auto sampler = std::make_unique<Sampler>(*model_, request->sampling, context_tokens_);
  sampler->accept_prompt(prompt);
  return std::make_unique<Sequence>(request, std::move(prompt), std::move(sampler));
}

std::vector<int32_t> Preparer::prompt_tokens(const Request& request) const {
  const auto* text = std::get_if<std::string>(&request.prompt);
  const std::string prompt =
      text ? *text
           : model_->apply_chat_template(std::get<std::vector<ChatMessage>>(request.prompt));
  // What cannot fit, however it is tokenized, need not be.
  const int64_t tokens_min = model_->tokens_min(prompt.size());
  if (tokens_min >= context_tokens_) throw too_long("at least ", tokens_min);
  return model_->tokenize(prompt, true, true);
}

FaultError Preparer::too_long(const char* how_many, int64_t prompt_tokens) const {
  const int32_t count = int32_t(std::min<int64_t>(prompt_tokens, INT32_MAX));
  return FaultError({FaultCode::context_length,
                     std::string("the prompt has ") + how_many + std::to_string(count) +
                         " tokens, and a context of " + std::to_string(context_tokens_) +
                         " leaves no room for a reply; shorten the prompt or raise the context",
                     count, context_tokens_});
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
