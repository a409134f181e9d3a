#include "addon/worker-export.h"

#include <utility>

#include "addon/from-js.h"

namespace sluice {
namespace {

// Owned by Node's pool, which deletes it after the promise is settled. Execute: the pool's thread.
class Serving : public Napi::AsyncWorker {
 public:
  Serving(Napi::Env env, WorkerOptions options)
      : Napi::AsyncWorker(env, "serveDevices"),
        options_(std::move(options)),
        deferred_(Napi::Promise::Deferred::New(env)) {}

  Napi::Value promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override { serve_devices(options_); }  // what it throws becomes the error
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  const WorkerOptions options_;
  const Napi::Promise::Deferred deferred_;
};

}  // namespace

Napi::Value serve_devices_from(const Napi::CallbackInfo& info) {
  auto* serving = new Serving(info.Env(), worker_options(info[0].ToObject()));
  const Napi::Value promise = serving->promise();
  serving->Queue();
  return promise;
}

}  // namespace sluice
