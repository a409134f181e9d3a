#include "base/stack-thread.h"

#include <cstdint>
#include <memory>
#include <vector>

#include "base/stack.h"
#include "test/check.h"

using sluice::stack_bytes;
using sluice::stack_limit;
using sluice::StackThread;

namespace {

constexpr size_t kMiB = size_t(1) << 20;

// What the thread itself finds.
size_t found_with(size_t asked, size_t& said) {
  size_t found = 0;
  StackThread thread(asked, [&] { found = stack_bytes(); });
  said = thread.stack_bytes();
  thread.join();
  return found;
}

}  // namespace

TEST("stack thread: a thread has the stack that it reports") {
  for (const size_t asked : {kMiB, 64 * kMiB}) {
    size_t said = 0;
    const size_t found = found_with(asked, said);
    CHECK_EQ(said, asked);
    CHECK(found >= asked - kMiB / 8 && found <= asked + kMiB);
  }
}

TEST("stack thread: a stack that cannot be had becomes smaller, and reports it") {
  const size_t asked = size_t(1) << 60;
  size_t said = 0;
  const size_t found = found_with(asked, said);
  CHECK(said < asked && said >= kMiB);
  CHECK(found >= said - said / 8);
}

TEST("stack thread: several threads each get as much as they were told before") {
  const size_t each = StackThread::affordable(512 * kMiB, 3);
  CHECK(each <= StackThread::affordable(512 * kMiB, 1));
  CHECK(StackThread::affordable(SIZE_MAX / 2, 3) < SIZE_MAX / 12);
  std::vector<std::unique_ptr<StackThread>> threads;
  for (int32_t i = 0; i < 3; ++i) threads.push_back(std::make_unique<StackThread>(each, [] {}));
  for (const auto& thread : threads) {
    CHECK_EQ(thread->stack_bytes(), each);
    thread->join();
  }
}

TEST("stack thread: limits follow from the stack, up to the most") {
  CHECK_EQ(stack_limit(512 * kMiB, 384, 1000000), size_t(1000000));
  CHECK_EQ(stack_limit(8 * kMiB, 384, 1000000), size_t(16384));
  CHECK_EQ(stack_limit(kMiB / 4, 384, 1000000), size_t(512));
}
