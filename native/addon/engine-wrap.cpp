#include "addon/engine-wrap.h"

#include <optional>
#include <variant>
#include <vector>

#include "addon/conversions.h"
#include "addon/exit-guard.h"

namespace sluice {
namespace {

RequestId id_of(const Napi::CallbackInfo& info) {
  return static_cast<RequestId>(info[0].ToNumber().DoubleValue());
}

}  // namespace

Napi::Function EngineWrap::define(Napi::Env env) {
  return DefineClass(env, "Engine",
                     {
                         InstanceMethod("submit", &EngineWrap::submit),
                         InstanceMethod("embed", &EngineWrap::embed),
                         InstanceMethod("credit", &EngineWrap::credit),
                         InstanceMethod("cancel", &EngineWrap::cancel),
                         InstanceMethod("tokenize", &EngineWrap::tokenize),
                         InstanceMethod("detokenize", &EngineWrap::detokenize),
                         InstanceMethod("pieces", &EngineWrap::pieces),
                         InstanceMethod("applyTemplate", &EngineWrap::apply_template),
                         InstanceMethod("tokenizeChat", &EngineWrap::tokenize_chat),
                         InstanceMethod("drain", &EngineWrap::drain),
                         InstanceMethod("stats", &EngineWrap::stats),
                         InstanceMethod("ref", &EngineWrap::ref),
                         InstanceMethod("unref", &EngineWrap::unref),
                         InstanceMethod("close", &EngineWrap::close),
                         InstanceMethod("terminate", &EngineWrap::terminate),
                     });
}

EngineWrap::EngineWrap(const Napi::CallbackInfo& info) : ObjectWrap(info), env_(info.Env()) {
  EngineOptions options = engine_options(info[0].ToObject());
  outbox_ = std::make_unique<TokenOutbox>(info.Env(), info[1].As<Napi::Function>());
  engine_ = std::make_unique<Engine>(std::move(options), *outbox_);
  guard_exit(*engine_);
  napi_add_env_cleanup_hook(env_, on_environment_cleanup, this);  // rule 1
  hooked_ = true;
}

EngineWrap::~EngineWrap() {
  if (engine_) {
    engine_->join();
    unguard_exit(*engine_);
  }
  if (hooked_) napi_remove_env_cleanup_hook(env_, on_environment_cleanup, this);  // rule 3
}

void EngineWrap::on_environment_cleanup(void* self) {
  auto* wrap = static_cast<EngineWrap*>(self);
  wrap->hooked_ = false;
  if (wrap->engine_) wrap->engine_->join();
}

Napi::Value EngineWrap::submit(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), engine_->submit(choices(info[0].ToObject())));
}

Napi::Value EngineWrap::embed(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), engine_->submit(embedding_request(info[0].ToObject())));
}

Napi::Value EngineWrap::credit(const Napi::CallbackInfo& info) {
  engine_->credit(id_of(info), info[1].ToNumber().Int32Value());
  return info.Env().Undefined();
}

Napi::Value EngineWrap::cancel(const Napi::CallbackInfo& info) {
  engine_->cancel(id_of(info));
  return info.Env().Undefined();
}

Napi::Value EngineWrap::tokenize(const Napi::CallbackInfo& info) {
  engine_->tokenize(id_of(info), info[1].ToString().Utf8Value(), info[2].ToBoolean(),
                    info[3].ToBoolean());
  return info.Env().Undefined();
}

Napi::Value EngineWrap::detokenize(const Napi::CallbackInfo& info) {
  engine_->detokenize(id_of(info), token_ids(info[1].As<Napi::Int32Array>()));
  return info.Env().Undefined();
}

Napi::Value EngineWrap::pieces(const Napi::CallbackInfo& info) {
  engine_->pieces(id_of(info), token_ids(info[1].As<Napi::Int32Array>()));
  return info.Env().Undefined();
}

Napi::Value EngineWrap::apply_template(const Napi::CallbackInfo& info) {
  engine_->apply_template(id_of(info), chat_prompt(info[1].As<Napi::Object>()));
  return info.Env().Undefined();
}

Napi::Value EngineWrap::tokenize_chat(const Napi::CallbackInfo& info) {
  engine_->tokenize_chat(id_of(info), chat_prompt(info[1].As<Napi::Object>()));
  return info.Env().Undefined();
}

// Ends are settled here, and nowhere before: JavaScript cancels on this thread, so whatever it
// cancelled until now it hears of as cancelled (Ledger::tell).
Napi::Value EngineWrap::drain(const Napi::CallbackInfo& info) {
  std::vector<TokenOutbox::Event> events = outbox_->drain();
  for (TokenOutbox::Event& event : events) settle(event);
  return to_js(info.Env(), events);
}

void EngineWrap::settle(TokenOutbox::Event& event) {
  if (std::holds_alternative<TokenOutbox::Closed>(event)) {
    engine_->heard_closed();
    return;
  }
  if (auto* finished = std::get_if<TokenOutbox::Finished>(&event)) {
    if (!engine_->was_cancelled(finished->id)) return;
    finished->reason = FinishReason::cancelled;
    finished->tally.stop_string.clear();  // it is not what ended it
    return;
  }
  std::optional<RequestId> id;
  if (const auto* embedded = std::get_if<TokenOutbox::Embedded>(&event)) id = embedded->id;
  if (const auto* failed = std::get_if<TokenOutbox::Failed>(&event)) id = failed->id;
  if (!id || !engine_->was_cancelled(*id)) return;
  event = TokenOutbox::Finished{*id, FinishReason::cancelled, Tally()};
}

Napi::Value EngineWrap::stats(const Napi::CallbackInfo& info) {
  return to_js(info.Env(), engine_->stats());
}

Napi::Value EngineWrap::ref(const Napi::CallbackInfo& info) {
  if (!released_) outbox_->ref(info.Env());
  return info.Env().Undefined();
}

Napi::Value EngineWrap::unref(const Napi::CallbackInfo& info) {
  if (!released_) outbox_->unref(info.Env());
  return info.Env().Undefined();
}

Napi::Value EngineWrap::close(const Napi::CallbackInfo& info) {
  engine_->close();
  return info.Env().Undefined();
}

Napi::Value EngineWrap::terminate(const Napi::CallbackInfo& info) {
  engine_->join();
  if (!released_) outbox_->release();
  released_ = true;
  return info.Env().Undefined();
}

}  // namespace sluice
