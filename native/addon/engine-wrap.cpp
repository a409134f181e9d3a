#include "addon/engine-wrap.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "addon/exit-guard.h"
#include "addon/from-js.h"
#include "addon/to-js.h"
#include "base/fault.h"

namespace sluice {
namespace {

RequestId id_of(const Napi::CallbackInfo& info) {
  return static_cast<RequestId>(info[0].ToNumber().DoubleValue());
}

}  // namespace

struct EngineWrap::Handler {
  std::string_view kind;
  void (EngineWrap::*handle)(RequestId, const Napi::Object&);
};

Napi::Function EngineWrap::define(Napi::Env env) {
  return DefineClass(env, "Engine",
                     {
                         InstanceMethod("post", &EngineWrap::post),
                         InstanceMethod("credit", &EngineWrap::credit),
                         InstanceMethod("cancel", &EngineWrap::cancel),
                         InstanceMethod("drain", &EngineWrap::drain),
                         InstanceMethod("snapshot", &EngineWrap::snapshot),
                         InstanceMethod("ref", &EngineWrap::ref),
                         InstanceMethod("unref", &EngineWrap::unref),
                         InstanceMethod("end", &EngineWrap::end),
                     });
}

EngineWrap::EngineWrap(const Napi::CallbackInfo& info) : ObjectWrap(info), env_(info.Env()) {
  EngineOptions options = engine_options(info[0].ToObject());
  outbox_ = std::make_unique<TokenOutbox>(info.Env(), info[1].As<Napi::Function>());
  try {
    engine_ = std::make_unique<Engine>(std::move(options), *outbox_);
  } catch (...) {  // no thread for it
    outbox_->release();
    throw;
  }
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

// A command's fault is an event, as is everything that comes of it. Only a missing field throws:
// that is a mistake in our own code, and not in a request.
Napi::Value EngineWrap::post(const Napi::CallbackInfo& info) {
  static constexpr std::array<Handler, 8> handlers{{
      {"generate", &EngineWrap::generate},
      {"embed", &EngineWrap::embed},
      {"tokenize", &EngineWrap::tokenize},
      {"detokenize", &EngineWrap::detokenize},
      {"pieces", &EngineWrap::pieces},
      {"apply-template", &EngineWrap::apply_template},
      {"tokenize-chat", &EngineWrap::tokenize_chat},
      {"close", &EngineWrap::close},
  }};
  const Napi::Object command = info[0].As<Napi::Object>();
  const std::string kind = string(command, "kind");
  const auto* const handler = std::find_if(handlers.begin(), handlers.end(),
                                           [&](const Handler& one) { return one.kind == kind; });
  if (handler == handlers.end()) {
    throw Napi::TypeError::New(info.Env(), "an engine knows no command '" + kind + "'");
  }
  const RequestId id = kind == "close" ? 0 : static_cast<RequestId>(number(command, "id"));
  const int32_t count = kind == "generate" ? integer(command, "choices") : 1;
  try {
    (this->*handler->handle)(id, command);
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& error) {
    fail(id, count, fault_of(error, FaultCode::engine_failed));
  }
  return info.Env().Undefined();
}

// Each of the ids has its end. They are withdrawn first: if there is no memory for the events
// either, post() throws, and none of them may go on.
void EngineWrap::fail(RequestId first, int32_t count, const Fault& fault) {
  for (int32_t i = 0; i < count; ++i) engine_->withdraw(first + RequestId(i));
  for (int32_t i = 0; i < count; ++i) {
    outbox_->failed(first + RequestId(i), fault, Phase::queued);
  }
  outbox_->flush(false);
}

void EngineWrap::generate(RequestId, const Napi::Object& command) {
  engine_->submit(request_group(command));
}

void EngineWrap::embed(RequestId, const Napi::Object& command) {
  engine_->submit(embedding_request(command));
}

void EngineWrap::tokenize(RequestId id, const Napi::Object& command) {
  engine_->tokenize(id, string(command, "text"), command.Get("addSpecial").ToBoolean(),
                    command.Get("parseSpecial").ToBoolean());
}

void EngineWrap::detokenize(RequestId id, const Napi::Object& command) {
  engine_->detokenize(id, token_ids(command, "tokens"));
}

void EngineWrap::pieces(RequestId id, const Napi::Object& command) {
  engine_->pieces(id, token_ids(command, "tokens"));
}

void EngineWrap::apply_template(RequestId id, const Napi::Object& command) {
  engine_->apply_template(id, chat_prompt(object(command, "chat")));
}

void EngineWrap::tokenize_chat(RequestId id, const Napi::Object& command) {
  engine_->tokenize_chat(id, chat_prompt(object(command, "chat")),
                         command.Get("mustFit").ToBoolean());
}

void EngineWrap::close(RequestId, const Napi::Object&) { engine_->close(); }

Napi::Value EngineWrap::credit(const Napi::CallbackInfo& info) {
  engine_->credit(id_of(info), info[1].ToNumber().Int32Value());
  return info.Env().Undefined();
}

Napi::Value EngineWrap::cancel(const Napi::CallbackInfo& info) {
  engine_->cancel(id_of(info));
  return info.Env().Undefined();
}

Napi::Value EngineWrap::drain(const Napi::CallbackInfo& info) {
  return to_js(info.Env(), outbox_->drain());
}

Napi::Value EngineWrap::snapshot(const Napi::CallbackInfo& info) {
  return to_js(info.Env(), engine_->stats(), engine_->slots());
}

Napi::Value EngineWrap::ref(const Napi::CallbackInfo& info) {
  if (!released_) outbox_->ref(info.Env());
  return info.Env().Undefined();
}

Napi::Value EngineWrap::unref(const Napi::CallbackInfo& info) {
  if (!released_) outbox_->unref(info.Env());
  return info.Env().Undefined();
}

Napi::Value EngineWrap::end(const Napi::CallbackInfo& info) {
  engine_->join();
  if (!released_) outbox_->release();
  released_ = true;
  return info.Env().Undefined();
}

}  // namespace sluice
