#include "engine/policy/draft-length.h"

#include "test/check.h"

using sluice::DraftLength;

namespace {

constexpr int32_t kMax = 16;

struct Run {
  int64_t steps = 0, drafted = 0, accepted = 0;
};

// A text of which every token is guessed right, but for each `wrong_every`-th.
Run run(DraftLength& length, int64_t tokens, int64_t wrong_every) {
  Run run;
  for (int64_t said = 0; said < tokens; ++run.steps) {
    const int32_t drafted = length.next();
    int32_t accepted = 0;
    while (accepted < drafted && (said + accepted + 1) % wrong_every != 0) ++accepted;
    run.drafted += drafted;
    run.accepted += accepted;
    if (drafted > 0) length.learn(drafted, accepted, accepted < drafted);
    said += accepted + 1;
  }
  return run;
}

// Steps without a draft.
int32_t pause_of(DraftLength& length) {
  int32_t steps = 1;
  while (length.next() == 0) CHECK(++steps <= 2 * DraftLength::kPauseMax);
  return steps;
}

}  // namespace

TEST("draft length: a reply begins with a few tokens") {
  CHECK_EQ(DraftLength(kMax, nullptr).next(), 4);
  CHECK_EQ(DraftLength(2, nullptr).next(), 2);
}

TEST("draft length: a text that is always accepted is drafted as long as may be") {
  DraftLength length(kMax, nullptr);
  run(length, 50, 1000);
  CHECK_EQ(length.next(), kMax);
}

TEST("draft length: the fewer are accepted, the fewer are drafted") {
  int32_t before = kMax + 1;
  for (const int64_t wrong_every : {30, 10, 5, 3}) {
    DraftLength length(kMax, nullptr);
    run(length, 600, wrong_every);
    const int32_t drafted = length.next();
    CHECK(drafted < before);
    CHECK(drafted > 0);
    before = drafted;
  }
}

TEST("draft length: at least half of what is drafted is of use") {
  for (const int64_t wrong_every : {30, 10, 5, 3}) {
    DraftLength length(kMax, nullptr);
    const Run result = run(length, 3000, wrong_every);
    CHECK(double(result.accepted) >= 0.5 * double(result.drafted));
  }
}

TEST("draft length: where nothing is ever accepted, a hundred steps see three drafts") {
  DraftLength length(kMax, nullptr);
  const Run result = run(length, 4000, 1);
  CHECK_EQ(result.accepted, 0);
  CHECK(result.drafted < 4000 * 3 / 100);
}

TEST("draft length: pauses double while tries come to nothing, and end at kPauseMax") {
  DraftLength length(kMax, nullptr);
  int32_t pauses[8] = {};
  for (int32_t& pause : pauses) {
    while (length.next() > 0) length.learn(1, 0, true);
    pause = pause_of(length);
    length.learn(1, 0, true);
  }
  CHECK_EQ(pauses[0], DraftLength::kPauseMin);
  CHECK_EQ(pauses[1], 2 * DraftLength::kPauseMin);
  CHECK_EQ(pauses[7], DraftLength::kPauseMax);
}

TEST("draft length: a text that becomes guessable is found out, and pauses are short again") {
  DraftLength length(kMax, nullptr);
  run(length, 2000, 1);
  run(length, 600, 1000);
  CHECK_EQ(length.next(), kMax);
  while (length.next() > 0) length.learn(1, 0, true);
  CHECK_EQ(pause_of(length), DraftLength::kPauseMin);
}

TEST("draft length: a draft that was cut short says nothing against it") {
  DraftLength length(kMax, nullptr);
  const int32_t before = length.next();
  for (int i = 0; i < 20; ++i) length.learn(1, 0, false);
  CHECK_EQ(length.next(), before);
}

TEST("draft length: what is not worth its rows is tried again after a pause") {
  const sluice::DraftCost cost;
  DraftLength length(kMax, &cost);
  CHECK(length.chance() > 0.9);
  length.learn(4, 1, true);
  for (int32_t step = 0; length.chance() == 0; ++step) CHECK(step <= DraftLength::kPauseMax);
  CHECK(!length.passed());
  int64_t steps = 0;
  while (!length.passed()) {
    CHECK(length.chance() == 0 || length.chance() > 0.9);
    CHECK(++steps < 2000);
  }
  CHECK(steps > DraftLength::kPauseMax);
}
