#include "engine/request/fair-line.h"

#include <optional>
#include <string>
#include <vector>

#include "test/check.h"

namespace {

using Line = sluice::FairLine<std::optional<std::string>>;

// Items come in the order of their names' numbers, which are their orders too: "a7" is of "a".
void push(Line& line, const std::string& name) {
  line.push(name.substr(0, 1), std::stoul(name.substr(1)), name);
}

// Takes so many, in their order, and tells their names.
std::string take(Line& line, size_t count) {
  std::string names;
  line.offer([&](std::optional<std::string>& item) {
    if (count == 0) return false;
    names += (names.empty() ? "" : " ") + *item;
    item.reset();
    return --count > 0;
  });
  return names;
}

}  // namespace

TEST("fair line: one owner's items keep their order") {
  Line line;
  for (const char* name : {"a1", "a3", "a2"}) push(line, name);
  CHECK_EQ(take(line, 9), "a1 a2 a3");
  CHECK(line.empty());
}

TEST("fair line: the first item of an owner waits for one item of an owner with 64") {
  Line line;
  for (int item = 1; item <= 64; ++item) push(line, "a" + std::to_string(item));
  CHECK_EQ(take(line, 3), "a1 a2 a3");
  push(line, "b65");
  CHECK_EQ(take(line, 3), "a4 b65 a5");
}

TEST("fair line: a first item waits for one of each other owner, and they go on in turns") {
  Line line;
  for (const char* name : {"a1", "a2", "a3", "b4", "b5", "b6", "c7"}) push(line, name);
  CHECK_EQ(take(line, 9), "a1 b4 c7 a2 b5 a3 b6");
}

TEST("fair line: an owner that comes again and again does not keep one that waits from its turn") {
  Line line;
  for (const char* name : {"a1", "a2", "a3", "b4"}) push(line, name);
  std::string taken;
  for (int item = 5; item < 9; ++item) {
    taken += take(line, 1) + " ";
    push(line, (item % 2 == 0 ? "b" : "c") + std::to_string(item));
  }
  CHECK_EQ(taken, "a1 b4 a2 c5 ");
}

TEST("fair line: an owner that had nothing for a while has no turns in hand") {
  Line line;
  for (const char* name : {"a1", "b2", "b3", "b4", "b5"}) push(line, name);
  CHECK_EQ(take(line, 4), "a1 b2 b3 b4");
  for (const char* name : {"a6", "a7", "a8"}) push(line, name);
  CHECK_EQ(take(line, 9), "b5 a6 a7 a8");
}

TEST("fair line: one that is taken before its owner's first is that owner's turn") {
  Line line;
  for (const char* name : {"a1", "a2", "a3", "b4"}) push(line, name);
  line.offer([](std::optional<std::string>& item) {
    if (*item == "a2") item.reset();
    return true;
  });
  CHECK_EQ(take(line, 9), "b4 a1 a3");
}

TEST("fair line: one that is taken far behind its owner's first is one turn as well") {
  Line line;
  for (int item = 1; item <= 20; ++item) push(line, "a" + std::to_string(item));
  line.offer([](std::optional<std::string>& item) {
    if (*item == "a20") item.reset();
    return true;
  });
  push(line, "b21");
  CHECK_EQ(take(line, 3), "a1 b21 a2");
}

TEST("fair line: an owner whose items were left has no turns in hand") {
  Line line;
  for (const char* name : {"a1", "a2", "a3", "b4", "b5", "b6"}) push(line, name);
  line.offer([](std::optional<std::string>& item) {
    if (item->front() == 'a') item.reset();
    return true;
  });
  push(line, "c7");
  CHECK_EQ(take(line, 9), "b4 b5 c7 b6");
}

TEST("fair line: items are shown owner by owner, and may be taken out of turn") {
  Line line;
  for (const char* name : {"a1", "a2", "b3", "b4"}) push(line, name);
  std::string seen;
  line.visit([&](std::optional<std::string>& item) {
    seen += *item + " ";
    if (*item == "b3") item.reset();
    return seen != "a1 ";
  });
  CHECK_EQ(seen, "a1 b3 b4 ");
  CHECK_EQ(take(line, 9), "a1 b4 a2");
}
