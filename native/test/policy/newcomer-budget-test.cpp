#include "engine/policy/newcomer-budget.h"

#include "test/check.h"

using sluice::NewcomerBudget;

TEST("newcomer budget: a batch gives way in its first half only") {
  NewcomerBudget budget;
  for (int i = 0; i < 100; ++i) budget.computed(1000);
  CHECK_EQ(budget.gives_way_ms(600), 300.0);
}

TEST("newcomer budget: the first newcomer is let in before anything was computed") {
  CHECK(NewcomerBudget().gives_way_ms(600) > 0);
}

// Somebody comes in each batch, as late as the batch still gives way.
TEST("newcomer budget: what is lost is at most a tenth of all time, and what it begins with") {
  for (const double batch_ms : {100.0, 1000.0, 8000.0}) {
    NewcomerBudget budget;
    double lost = 0, all = 0;
    for (int i = 0; i < 2000; ++i) {
      const double ms = budget.gives_way_ms(batch_ms);
      budget.abandoned(ms);
      budget.computed(batch_ms);
      lost += ms;
      all += ms + batch_ms;
    }
    CHECK(lost <= 0.1 * all + 50);
    CHECK(lost > 0.05 * all);  // and it is used
  }
}

TEST("newcomer budget: what was not used for long is not all lost at once") {
  NewcomerBudget budget;
  for (int i = 0; i < 1000; ++i) budget.computed(1000);
  double lost = 0;
  for (int i = 0; i < 100; ++i) {
    const double ms = budget.gives_way_ms(10000);
    budget.abandoned(ms);
    lost += ms;
  }
  CHECK(lost <= 2000);
}
