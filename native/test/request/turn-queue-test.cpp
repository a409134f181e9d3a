#include "engine/request/turn-queue.h"

#include <thread>

#include "test/check.h"

using sluice::Clock;
using Queue = sluice::TurnQueue<int32_t, 2>;

TEST("turn queue: lines take turns, each in its own order") {
  Queue queue;
  for (int32_t job : {1, 2, 3}) queue.push(0, job);
  for (int32_t job : {10, 20}) queue.push(1, job);
  for (int32_t expected : {1, 10, 2, 20, 3}) CHECK_EQ(*queue.take(), expected);
}

TEST("turn queue: within a line the owners of jobs take turns") {
  Queue queue;
  for (int32_t job : {1, 2, 3}) queue.push(0, job, "one");
  queue.push(0, 4, "other");
  for (int32_t expected : {1, 4, 2, 3}) CHECK_EQ(*queue.take(), expected);
}

TEST("turn queue: nothing comes at the deadline, when it is woken, and once it is closed") {
  Queue queue;
  CHECK(!queue.take(Clock::now()));
  queue.wake();
  CHECK(!queue.take());
  queue.push(0, 1);
  queue.wake();
  CHECK_EQ(*queue.take(), 1);
  queue.push(0, 2);
  queue.close();
  CHECK(!queue.take());
  CHECK(queue.is_closed());
}

TEST("turn queue: a job that nothing wants is forgotten, in every line") {
  Queue queue;
  for (int32_t job : {1, 2, 3}) queue.push(size_t(job % 2), job);
  queue.keep([](int32_t job) { return job == 3; });
  CHECK_EQ(*queue.take(), 3);
  CHECK(!queue.take(Clock::now()));
}

TEST("turn queue: a thread that waits for a job gets it from another thread") {
  Queue queue;
  std::thread other([&] { queue.push(1, 7); });
  CHECK_EQ(*queue.take(), 7);
  other.join();
}
