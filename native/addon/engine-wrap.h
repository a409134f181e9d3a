#pragma once

#include <napi.h>

#include <memory>

#include "addon/token-outbox.h"
#include "engine/engine.h"

namespace sluice {

// EnginePort of src/binding/engine-port.ts. Owned by JavaScript's garbage collector; EngineClient
// (src/engine/engine-client.ts) holds it. JavaScript's thread only.
//
// Lifetime rules:
//  1. The cleanup hook is registered after the wake function was made, so it runs before Node
//     tears that down, and joins the engine's threads while waking is still allowed. It is the
//     constructor's last statement: one that throws would leave the hook with a dead pointer.
//  2. process.exit() and an uncaught exception on the main thread run neither hooks nor
//     finalizers: TypeScript calls end() on 'exit'. Where another listener of 'exit' keeps it
//     from that, the exit guard joins the threads (exit-guard.h).
//  3. The hook is removed when the object goes first.
class EngineWrap : public Napi::ObjectWrap<EngineWrap> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit EngineWrap(const Napi::CallbackInfo& info);
  ~EngineWrap() override;

 private:
  // EngineCommands, by their kinds. An id is 0 where a command has none.
  struct Handler;
  void fail(RequestId first, int32_t count, const Fault& fault);
  void generate(RequestId id, const Napi::Object& command);
  void embed(RequestId id, const Napi::Object& command);
  void tokenize(RequestId id, const Napi::Object& command);
  void detokenize(RequestId id, const Napi::Object& command);
  void pieces(RequestId id, const Napi::Object& command);
  void apply_template(RequestId id, const Napi::Object& command);
  void tokenize_chat(RequestId id, const Napi::Object& command);
  void close(RequestId id, const Napi::Object& command);

  Napi::Value post(const Napi::CallbackInfo& info);
  Napi::Value credit(const Napi::CallbackInfo& info);
  Napi::Value cancel(const Napi::CallbackInfo& info);
  Napi::Value drain(const Napi::CallbackInfo& info);
  Napi::Value snapshot(const Napi::CallbackInfo& info);
  Napi::Value ref(const Napi::CallbackInfo& info);
  Napi::Value unref(const Napi::CallbackInfo& info);
  Napi::Value end(const Napi::CallbackInfo& info);

  static void on_environment_cleanup(void* self);

  const napi_env env_;
  std::unique_ptr<TokenOutbox> outbox_;
  std::unique_ptr<Engine> engine_;  // after outbox_: joined before the outbox goes
  bool hooked_ = false;
  bool released_ = false;
};

}  // namespace sluice
