#include "engine/request/ledger.h"

#include "test/check.h"

using sluice::Clock;
using sluice::Ledger;
using sluice::Phase;
using sluice::Request;
using sluice::SlotView;
using sluice::Stats;

namespace {

std::shared_ptr<Request> request(sluice::RequestId id) {
  auto result = std::make_shared<Request>();
  result->id = id;
  return result;
}

}  // namespace

TEST("ledger: a request is found while it is in flight, and not after") {
  Ledger ledger;
  ledger.admit({request(9)});
  CHECK_EQ(ledger.find(9)->id, 9u);
  ledger.retire(9);
  CHECK(ledger.find(9) == nullptr);
}

TEST("ledger: a request is retired once, however many try") {
  Ledger ledger;
  ledger.admit({request(1), request(2)});
  CHECK(ledger.retire(1));
  CHECK(!ledger.retire(1));
  CHECK(!ledger.retire(3));  // never was there
  CHECK_EQ(ledger.in_flight().size(), 1u);
}

TEST("ledger: a request is cancelled while it is in flight, and not after") {
  Ledger ledger;
  ledger.admit({request(1)});
  CHECK(ledger.cancel(1));
  CHECK(ledger.find(1)->cancelled);
  ledger.retire(1);
  CHECK(!ledger.cancel(1));
  CHECK(!ledger.cancel(2));  // never was there
}

TEST("ledger: a request that comes when the engine's thread ends is not taken in") {
  Ledger ledger;
  ledger.admit({request(1)});
  ledger.close();
  ledger.admit({request(2), request(3)});
  CHECK_EQ(ledger.in_flight().size(), 1u);
  CHECK(ledger.find(2) == nullptr);
}

TEST("ledger: none is left once all are retired, and none can be retired again") {
  Ledger ledger;
  ledger.admit({request(1), request(2), request(3)});
  ledger.retire(1);
  ledger.retire_all();
  CHECK(ledger.in_flight().empty());
  CHECK(!ledger.retire(3));
  CHECK(!ledger.hand_over(3));
}

TEST("ledger: what the step loop publishes leaves the beats alone") {
  Ledger ledger;
  ledger.beat();
  Stats step;
  step.steps = 7;
  step.running = 2;
  ledger.publish(step);
  CHECK_EQ(ledger.stats().steps, 7);
  CHECK_EQ(ledger.stats().running, 2);
  CHECK_EQ(ledger.stats().beats, 1);
}

TEST("ledger: what slots hold is as it was published last, and nothing where none is told") {
  Ledger ledger;
  CHECK(ledger.slots().empty());
  SlotView view;
  view.request = 5;
  view.phase = Phase::prefill;
  view.prompt_tokens = 9;
  ledger.publish(Stats(), {SlotView(), view});
  CHECK_EQ(ledger.slots().size(), size_t(2));
  CHECK_EQ(ledger.slots()[0].request, 0u);
  CHECK_EQ(ledger.slots()[1].request, 5u);
  CHECK(ledger.slots()[1].phase == Phase::prefill);
  CHECK_EQ(ledger.slots()[1].prompt_tokens, 9);
  ledger.publish(Stats());
  CHECK(ledger.slots().empty());
}

TEST("ledger: the engine is busy unless a thread is idle, and each thread's beats are its own") {
  Ledger ledger;
  CHECK(ledger.stats().busy);
  {
    const Ledger::Idle idle(ledger);
    CHECK(!ledger.stats().busy);
  }
  CHECK(ledger.stats().busy);
  ledger.beat();
  ledger.beat();
  ledger.preparer_beat();
  ledger.publish(Stats());
  CHECK_EQ(ledger.stats().beats, 2);
  CHECK_EQ(ledger.stats().preparer_beats, 1);
}

TEST("ledger: requests with the Preparer are retired by their deadline, and reported once") {
  Ledger ledger;
  const Clock::time_point now = Clock::now();
  for (sluice::RequestId id : {1, 2, 3, 4}) {
    const auto one = request(id);
    one->submitted = now + std::chrono::milliseconds(id);
    ledger.admit({one});
  }
  const auto fourth = ledger.find(4);
  CHECK(ledger.hand_over(1));
  CHECK(!ledger.hand_over(1));
  CHECK(*ledger.oldest_unprepared() == now + std::chrono::milliseconds(2));
  ledger.find(3)->cancelled = true;
  const auto gone = ledger.retire_unprepared(now + std::chrono::milliseconds(4));
  CHECK_EQ(gone.late.size(), size_t(1));
  CHECK_EQ(gone.late.front()->id, 2u);
  CHECK(gone.late.front()->cancelled);
  CHECK_EQ(gone.cancelled.size(), size_t(1));
  CHECK_EQ(gone.cancelled.front()->id, 3u);
  CHECK(!fourth->cancelled);
  CHECK(!ledger.hand_over(2));
  CHECK(!ledger.retire(3));
  CHECK(ledger.find(1) != nullptr);
}
