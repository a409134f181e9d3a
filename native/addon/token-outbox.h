#pragma once

#include <napi.h>

#include <atomic>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <variant>
#include <vector>

#include "engine/policy/wake-pace.h"
#include "engine/request/event-sink.h"

namespace sluice {

// The one place where something leaves the engine's threads for JavaScript's: events gather under
// a mutex, and one wake-up is under way at most, however many there are. JavaScript takes them
// all with drain(). Pieces of one reply that follow each other and are of one kind merge while they
// wait, so a slow reader costs no memory per token and finds few, larger pieces, in their order.
//
// Lifetime rules (each was a way to crash in others' addons):
//  1. The wake function is made unreferenced, or an idle engine would keep the process alive.
//  2. The engine threads are joined before the wake function is released (EngineWrap::end).
//  3. No engine thread ever waits for JavaScript: NonBlockingCall only. BlockingCall with a join
//     in a cleanup hook hangs worker.terminate().
//
// Owned by EngineWrap. EventSink methods from any engine thread, the others JavaScript's thread.
class TokenOutbox : public EventSink {
 public:
  TokenOutbox(Napi::Env env, Napi::Function wake);

  void progress(float fraction) override;
  void loaded(const LoadedModel& model) override;
  void estimated(const Estimate& estimate) override;
  void load_failed(const Fault& fault) noexcept override;
  void ended(const Fault& cause) noexcept override;
  void closed() noexcept override;
  void warned(const Warning& warning) override;
  void accepted(RequestId id, int32_t prompt_tokens) override;
  void text(RequestId id, std::string_view text, int32_t tokens) override;
  void part(RequestId id, Part part) override;
  void finished(RequestId id, FinishReason reason, const Tally& tally) override;
  void embedded(RequestId id, std::vector<float> values, int32_t prompt_tokens) override;
  void failed(RequestId id, const Fault& fault, Phase phase) override;
  void tokens(RequestId id, std::vector<int32_t> tokens) override;
  void text_made(RequestId id, std::string text) override;
  void pieces(RequestId id, std::vector<std::string> pieces) override;
  void deferred(RequestId id) override;
  void flush(bool may_wait) override;

  void ref(Napi::Env env) { wake_.Ref(env); }
  void unref(Napi::Env env) { wake_.Unref(env); }
  // After the engine's threads are joined; nothing is called afterwards.
  void release() { wake_.Release(); }

  struct Progress {
    float fraction;
  };
  struct Loaded {
    LoadedModel model;
  };
  struct Estimated {
    Estimate estimate;
  };
  struct LoadFailed {
    Fault fault;
  };
  struct Ended {
    Fault cause;
  };
  struct Closed {};
  struct Warned {
    Warning warning;
  };
  struct Accepted {
    RequestId id;
    int32_t prompt_tokens;
  };
  struct Text {
    RequestId id;
    std::string text;
    int32_t tokens;
  };
  struct Parts {
    RequestId id;
    Part part;
  };
  struct Finished {
    RequestId id;
    FinishReason reason;
    Tally tally;
  };
  struct Embedded {
    RequestId id;
    std::vector<float> values;
    int32_t prompt_tokens;
  };
  struct Failed {
    RequestId id;
    Fault fault;
    Phase phase;
  };
  struct Tokens {
    RequestId id;
    std::vector<int32_t> tokens;
  };
  struct TextMade {
    RequestId id;
    std::string text;
  };
  struct Pieces {
    RequestId id;
    std::vector<std::string> pieces;
  };
  struct Deferred {
    RequestId id;
  };
  using Event =
      std::variant<Progress, Loaded, Estimated, LoadFailed, Ended, Closed, Warned, Accepted, Text,
                   Parts, Finished, Embedded, Failed, Tokens, TextMade, Pieces, Deferred>;

  // All events since the last call.
  std::vector<Event> drain();

 private:
  static void on_wake(Napi::Env env, Napi::Function wake, TokenOutbox*, void*);
  using Wake = Napi::TypedThreadSafeFunction<TokenOutbox, void, on_wake>;

  void add(Event event);
  bool is_empty() const;  // under the mutex

  Wake wake_;
  std::mutex mutex_;
  std::vector<Event> events_;
  std::unordered_map<RequestId, size_t> text_at_;  // where a reply's last piece is in events_
  // What an engine out of memory must still be able to tell, so no memory is needed for it. The
  // first comes before all other events, since the ends of requests tell of it; the last after
  // them.
  std::optional<Ended> ended_;
  std::optional<LoadFailed> load_failed_;
  bool closed_ = false;
  std::atomic<int64_t> accepted_{0};  // each of the Preparer's threads tells of some
  bool waking_ = false;
  bool only_text_ = true;  // of the waiting events
  Clock::time_point woken_at_;
  WakePace pace_;  // under the mutex
};

}  // namespace sluice
