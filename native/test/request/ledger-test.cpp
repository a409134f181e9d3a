#include "engine/request/ledger.h"

#include "test/check.h"

using sluice::Clock;
using sluice::Ledger;
using sluice::Outcome;
using sluice::Phase;
using sluice::Request;
using sluice::Stats;

namespace {

std::shared_ptr<Request> request(sluice::RequestId id) {
  auto result = std::make_shared<Request>();
  result->id = id;
  return result;
}

// It ends, and whoever asked for it hears of that.
void end(Ledger& ledger, sluice::RequestId id, Outcome outcome, Phase phase = Phase::queued) {
  ledger.retire(id, outcome, phase);
  ledger.tell(id);
}

}  // namespace

TEST("ledger: one more than may be in flight is refused, and not counted as started") {
  Ledger ledger;
  CHECK(ledger.admit({request(1)}, 2));
  CHECK(ledger.admit({request(2)}, 2));
  CHECK(!ledger.admit({request(3)}, 2));
  CHECK_EQ(ledger.stats().started, 2);
}

TEST("ledger: the choices of one reply come in together or not at all") {
  Ledger ledger;
  CHECK(ledger.admit({request(1)}, 3));
  CHECK(!ledger.admit({request(2), request(3), request(4)}, 3));
  CHECK_EQ(ledger.stats().started, 1);
  CHECK(ledger.find(2) == nullptr);
  CHECK(ledger.admit({request(2), request(3)}, 3));
  CHECK_EQ(ledger.stats().started, 3);
}

TEST("ledger: a request that is retired makes room") {
  Ledger ledger;
  CHECK(ledger.admit({request(1)}, 1));
  CHECK(ledger.retire(1, Outcome::finished));
  CHECK(ledger.admit({request(2)}, 1));
}

TEST("ledger: a request is retired once, however many try") {
  Ledger ledger;
  ledger.admit({request(1)}, 4);
  CHECK(ledger.retire(1, Outcome::cancelled));
  CHECK(!ledger.retire(1, Outcome::finished));
  CHECK(!ledger.tell(1));  // it was counted at once: nothing can change it
  CHECK_EQ(ledger.stats().finished, 0);
  CHECK_EQ(ledger.stats().cancelled, 1);
}

TEST("ledger: a request cancelled in flight is cancelled, though its end was on its way") {
  Ledger ledger;
  ledger.admit({request(1)}, 4);
  CHECK(ledger.cancel(1));
  CHECK(ledger.find(1)->cancelled);
  ledger.retire(1, Outcome::finished, Phase::decode);
  CHECK(ledger.tell(1) == Outcome::cancelled);
  CHECK_EQ(ledger.stats().finished, 0);
  CHECK_EQ(ledger.stats().cancelled, 1);
  CHECK_EQ(ledger.stats().cancelled_in[size_t(Phase::decode)], 1);
}

TEST("ledger: a request cancelled before its end was heard is cancelled, whatever that was") {
  Ledger ledger;
  for (sluice::RequestId id = 0; id < 2; ++id) {
    ledger.admit({request(id)}, 4);
    ledger.retire(id, id == 0 ? Outcome::finished : Outcome::failed, Phase::decode);
    CHECK(!ledger.cancel(id));  // nobody works on it any more
    CHECK(ledger.tell(id) == Outcome::cancelled);
  }
  CHECK_EQ(ledger.stats().cancelled, 2);
  CHECK_EQ(ledger.stats().finished + ledger.stats().failed, 0);
}

TEST("ledger: a cancellation after the end was heard changes nothing") {
  Ledger ledger;
  ledger.admit({request(1)}, 4);
  end(ledger, 1, Outcome::finished);
  CHECK(!ledger.cancel(1));
  CHECK(!ledger.cancel(2));  // never was there
  CHECK_EQ(ledger.stats().finished, 1);
  CHECK_EQ(ledger.stats().cancelled, 0);
}

TEST("ledger: an end is counted when it is heard; until then it waits, without a slot") {
  Ledger ledger;
  ledger.admit({request(1)}, 1);
  ledger.retire(1, Outcome::finished);
  CHECK_EQ(ledger.stats().finished, 0);
  CHECK_EQ(ledger.stats().queued, 1);
  CHECK(ledger.admit({request(2)}, 1));
  ledger.tell(1);
  CHECK_EQ(ledger.stats().finished, 1);
  CHECK_EQ(ledger.stats().queued, 1);
}

TEST(
    "ledger: a request that comes when the engine's thread ends has failed, and is not waited "
    "for") {
  Ledger ledger;
  ledger.admit({request(1)}, 4);
  ledger.close();
  CHECK(ledger.admit({request(2), request(3)}, 4));
  CHECK_EQ(ledger.in_flight().size(), 1u);
  end(ledger, 1, Outcome::failed);
  CHECK_EQ(ledger.stats().started, 3);
  CHECK_EQ(ledger.stats().failed, 3);
  CHECK_EQ(ledger.stats().queued, 0);
}

TEST("ledger: only cancelled requests are counted by how far they had come") {
  Ledger ledger;
  for (sluice::RequestId id = 0; id < 7; ++id) ledger.admit({request(id)}, 64);
  for (Phase phase : {Phase::queued, Phase::prefill, Phase::decode, Phase::parked}) {
    end(ledger, sluice::RequestId(phase), Outcome::cancelled, phase);
  }
  end(ledger, 4, Outcome::cancelled, Phase::decode);
  end(ledger, 5, Outcome::finished, Phase::decode);
  end(ledger, 6, Outcome::failed, Phase::parked);
  ledger.publish(Stats());  // the step loop's side of the numbers does not touch them
  const auto counts = ledger.stats().cancelled_in;
  CHECK_EQ(counts[size_t(Phase::queued)], 1);
  CHECK_EQ(counts[size_t(Phase::prefill)], 1);
  CHECK_EQ(counts[size_t(Phase::decode)], 2);
  CHECK_EQ(counts[size_t(Phase::parked)], 1);
  CHECK_EQ(ledger.stats().cancelled, 5);
}

TEST("ledger: started = finished + cancelled + failed once nothing is in flight (wire check 43)") {
  Ledger ledger;
  for (sluice::RequestId id = 0; id < 30; ++id) ledger.admit({request(id)}, 64);
  for (sluice::RequestId id = 0; id < 30; ++id) end(ledger, id, Outcome(id % 3));
  const Stats stats = ledger.stats();
  CHECK_EQ(stats.started, 30);
  CHECK_EQ(stats.finished + stats.cancelled + stats.failed, 30);
  CHECK_EQ(stats.queued, 0);
}

TEST("ledger: a request that is in flight without a slot is queued") {
  Ledger ledger;
  for (sluice::RequestId id = 0; id < 5; ++id) ledger.admit({request(id)}, 64);
  Stats step;
  step.running = 2;
  step.parked = 1;
  ledger.publish(step);
  CHECK_EQ(ledger.stats().queued, 2);
}

TEST("ledger: the numbers of the step loop leave the counts of requests alone") {
  Ledger ledger;
  ledger.admit({request(1)}, 4);
  end(ledger, 1, Outcome::failed);
  Stats step;
  step.steps = 7;
  ledger.publish(step);
  CHECK_EQ(ledger.stats().steps, 7);
  CHECK_EQ(ledger.stats().started, 1);
  CHECK_EQ(ledger.stats().failed, 1);
}

TEST("ledger: a request is found while it is in flight, and not after") {
  Ledger ledger;
  ledger.admit({request(9)}, 4);
  CHECK_EQ(ledger.find(9)->id, 9u);
  ledger.retire(9, Outcome::finished);
  CHECK(ledger.find(9) == nullptr);
}

TEST("ledger: a request that is left when memory has run out is counted once, by its end") {
  Ledger ledger;
  const auto cancelled = request(2);
  ledger.admit({request(1), cancelled, request(3)}, 4);
  ledger.retire(1, Outcome::finished);
  cancelled->cancelled = true;
  ledger.retire_all();
  CHECK_EQ(ledger.stats().failed, 1);
  CHECK_EQ(ledger.stats().cancelled, 1);
  CHECK_EQ(ledger.stats().queued, 0);
  CHECK(!ledger.retire(3, Outcome::failed));
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
    ledger.admit({one}, 4);
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
  CHECK(!ledger.retire(3, Outcome::failed));
  CHECK(ledger.find(1) != nullptr);
  ledger.tell(2);
  CHECK_EQ(ledger.stats().failed, 1);
  CHECK_EQ(ledger.stats().cancelled, 1);
  CHECK(ledger.admit({request(5), request(6)}, 4));  // their room is free
}
