#include "base/shared-values.h"

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "test/check.h"

using sluice::SharedValues;

namespace {

using Values = SharedValues<std::string>;

Values::Pointer get(Values& values, const std::string& key, std::atomic<int>& made) {
  const auto make = [&] {
    ++made;
    return std::make_shared<const std::string>(key);
  };
  return values.get(key, make, [] {});
}

}  // namespace

TEST("shared values: a value is made once for all that hold it, and again when none does") {
  Values values;
  std::atomic<int> made{0};
  auto first = get(values, "a", made);
  CHECK(get(values, "a", made) == first);
  CHECK_EQ(made.load(), 1);
  first.reset();
  get(values, "a", made);
  CHECK_EQ(made.load(), 2);
  get(values, "b", made);
  CHECK_EQ(values.size(), size_t(1));  // a's slot is gone
}

TEST("shared values: a value that could not be made is made at the next request") {
  Values values;
  std::atomic<int> made{0};
  bool has_thrown = false;
  try {
    values.get("a", []() -> Values::Pointer { throw std::runtime_error("no"); }, [] {});
  } catch (const std::runtime_error&) {
    has_thrown = true;
  }
  CHECK(has_thrown);
  CHECK_EQ(*get(values, "a", made), std::string("a"));
}

// Under ThreadSanitizer it finds a slot that is read while another thread writes it.
TEST("shared values: many threads take, drop and make them at once") {
  Values values;
  std::atomic<int> made{0}, wrong{0};
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([&, number] {
      for (int i = 0; i < 3000; ++i) {
        const std::string key(1, char('a' + (i * 7 + number) % 3));
        if (*get(values, key, made) != key) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(wrong.load(), 0);
  CHECK(made.load() >= 3);
  CHECK(values.size() <= 3);
}
