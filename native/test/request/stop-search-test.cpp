#include "engine/request/stop-search.h"

#include <string>
#include <vector>

#include "test/check.h"

using sluice::StopSearch;

TEST("stop search: a possible beginning of a stop string waits, and is text if it was none") {
  StopSearch search({"END", ""});
  search.append("an EN");
  CHECK_EQ(search.take(), "an ");
  CHECK_EQ(search.withheld(), 2u);
  search.append("T");
  CHECK_EQ(search.take(), "ENT");
  CHECK_EQ(search.withheld(), 0u);
  CHECK(!search.stopped());
}

TEST("stop search: the text ends before the first, and the longer of two that end together") {
  StopSearch search({"nd", "END and", "never"});
  search.append("the END an");
  search.append("d more");
  CHECK(search.stopped());
  CHECK_EQ(search.stop_string(), "END and");
  CHECK_EQ(search.take(), "the ");
  CHECK_EQ(search.withheld(), std::string("END and more").size());
  search.append("and more");
  CHECK_EQ(search.take(), "");
}

TEST("stop search: a text that another one follows is let go, and no stop string reaches over") {
  StopSearch search({"STOP"});
  search.append("ST");
  search.let_go();
  CHECK_EQ(search.take(), "ST");
  search.append("OP STO");
  CHECK_EQ(search.take(), "OP ");
  search.append("P");
  CHECK(search.stopped());
}

TEST(
    "stop search: a stop string that counts for nothing is text, and the search goes on behind "
    "it") {
  StopSearch search({"</a>"});
  search.append("x</a>y</a>z");
  CHECK_EQ(search.take(), "x");
  search.go_on();
  CHECK_EQ(search.take(), "</a>y");
  CHECK(search.stopped());
  search.go_on();
  CHECK_EQ(search.take(), "</a>z");
  CHECK(!search.stopped());
}

TEST("stop search: nothing to look for holds nothing back") {
  StopSearch search({""});
  CHECK(search.is_idle());
  search.append("text");
  CHECK_EQ(search.take(), "text");
}
