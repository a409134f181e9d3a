#include "engine/policy/embedding-plan.h"

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>

#include "test/check.h"

using sluice::EmbeddingShare;
using sluice::InputsLeft;
using sluice::order_by_turns;
using sluice::plan_embedding_batch;

namespace {

constexpr sluice::EmbeddingLimits kLimits{100, 6};

// "0:2 1:1" is the next two inputs of the first job, and the next one of the second.
std::string shown(const std::vector<EmbeddingShare>& shares) {
  std::ostringstream text;
  for (size_t i = 0; i < shares.size(); ++i) {
    text << (i ? " " : "") << shares[i].job << ":" << shares[i].count;
  }
  return text.str();
}

struct Situation {
  const char* name;
  std::vector<std::vector<int32_t>> lengths;  // of each job's inputs
  const char* plan;
  const char* owners = "";  // a letter for each job; without one they are of one owner
};

std::vector<InputsLeft> jobs_of(const Situation& situation) {
  std::vector<InputsLeft> jobs;
  const std::string_view owners = situation.owners;
  for (size_t i = 0; i < situation.lengths.size(); ++i) {
    jobs.push_back({owners.substr(std::min(i, owners.size()), 1), situation.lengths[i]});
  }
  return jobs;
}

const Situation kSituations[] = {
    {"nobody is there", {}, ""},
    {"one input is a batch", {{7}}, "0:1"},
    {"several share one", {{10, 20, 30}}, "0:3"},
    {"as far as the rows go", {{60, 40, 1}}, "0:2"},
    {"in their order: none overtakes one that does not fit", {{60, 50, 1}}, "0:1"},
    {"as many as there are sequences", {{1, 1, 1, 1, 1, 1, 1, 1}}, "0:6"},
    {"an input longer than the usual rows is alone", {{400, 1}, {1}}, "0:1"},
    {"but only as the first", {{1}, {400}}, "0:1"},
    {"jobs give one in turn", {{1, 1, 1, 1, 1, 1}, {1}, {1, 1}}, "0:3 1:1 2:2"},
    {"one of many does not keep out one of one", {{30, 30, 30, 30}, {30}}, "0:2 1:1"},
    {"who does not fit lets others pass", {{60}, {50}, {40}}, "0:1 2:1"},
    {"what one leaves, others fill", {{10}, {20, 20, 20, 20}}, "0:1 1:4"},
    {"owners give in turn, however many jobs one has",
     {{1, 1}, {1, 1}, {1, 1}, {1, 1, 1, 1}},
     "0:1 1:1 2:1 3:3",
     "aaab"},
    {"and however long their inputs are", {{40, 40}, {10, 10, 10, 10, 10}}, "0:1 1:5", "ab"},
    {"three of them have a third each", {{9, 9, 9}, {9, 9, 9}, {9, 9, 9}}, "0:2 1:2 2:2", "abc"},
    {"what one owner leaves, others fill", {{5}, {20, 20, 20}, {20, 20}}, "0:1 1:2 2:2", "abb"},
};

}  // namespace

TEST("embedding plan: each situation of the table has its plan") {
  for (const Situation& situation : kSituations) {
    const std::string plan = shown(plan_embedding_batch(jobs_of(situation), kLimits));
    if (plan != situation.plan) {
      check::fail(__FILE__, __LINE__,
                  std::string(situation.name) + ": " + plan + ", expected " + situation.plan);
    }
  }
}

TEST("embedding plan: the first request gets a row, so none starves that is moved round") {
  for (int32_t length = 1; length < 1000; ++length) {
    for (const char* owners : {"", "aba", "abc"}) {
      const Situation situation{"", {{length}, {1, 1, 1, 1, 1, 1}, {99}}, "", owners};
      const auto shares = plan_embedding_batch(jobs_of(situation), kLimits);
      CHECK_EQ(shares.front().job, 0);
      CHECK_EQ(shares.front().count, 1);
    }
  }
}

TEST("embedding plan: owners take turns, a job each, however many one has") {
  const std::string a = "a", b = "b", c = "c";
  const auto order = [](const std::vector<const std::string*>& owners) {
    std::string places;
    for (size_t place : order_by_turns(owners)) places += std::to_string(place) + " ";
    return places;
  };
  CHECK_EQ(order({&a, &a, &a, &b}), "0 3 1 2 ");
  CHECK_EQ(order({&b, &a, &a, &a}), "0 1 2 3 ");
  CHECK_EQ(order({&a, &b, &b, &c, &a}), "0 1 3 2 4 ");
  CHECK_EQ(order({}), "");
}
