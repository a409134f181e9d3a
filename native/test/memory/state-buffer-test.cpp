#include "memory/state-buffer.h"

#include <cstring>

#include "test/check.h"

using sluice::StateBuffer;

TEST("state buffer: all of it can be written, whatever its size") {
  constexpr size_t kMiB = size_t(1) << 20;
  for (const size_t bytes : {size_t(1), 5 * kMiB + 3, 32 * kMiB + 1}) {
    StateBuffer buffer;
    CHECK(buffer.resize(bytes));
    CHECK_EQ(buffer.size(), bytes);
    std::memset(buffer.data(), 7, bytes);
    CHECK_EQ(buffer.data()[bytes - 1], 7);
  }
}

TEST("state buffer: memory that was touched is kept for what is no larger") {
  StateBuffer buffer;
  CHECK(buffer.resize(6 << 20));
  const uint8_t* const first = buffer.data();
  CHECK(buffer.resize(100));
  CHECK_EQ(buffer.size(), 100u);
  CHECK(buffer.resize(6 << 20));
  CHECK(buffer.data() == first);
  CHECK_EQ(buffer.capacity(), size_t(6 << 20));
}

TEST("state buffer: where there is no memory it is empty") {
  StateBuffer buffer;
  CHECK(buffer.resize(5 << 20));
  CHECK(!buffer.resize(SIZE_MAX / 2));
  CHECK_EQ(buffer.size(), 0u);
  CHECK_EQ(buffer.capacity(), 0u);
}
