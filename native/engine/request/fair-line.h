#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace sluice {

// Items of several owners that wait. The owners take turns, an item each, however many they have;
// an owner's items keep their order. An owner that comes anew joins the next turn, so its first
// item waits for one item of each other owner at most.
//
// `Item` is empty where it was taken, which it says as a bool: a unique_ptr or an optional. Not
// thread-safe.
template <typename Item>
class FairLine {
 public:
  // `order` is the item's place among its owner's, and among the first of several owners whose turn
  // it is: the lowest is first. Equal ones stay in the order in which they came.
  void push(const std::string& owner, uint64_t order, Item item) {
    Line& line = lines_[owner];
    if (line.entries.empty()) line.turn = turn_ + 1;
    auto next = line.entries.end();
    while (next != line.entries.begin() && std::prev(next)->order > order) --next;
    line.entries.insert(next, Entry{order, std::move(item)});
  }

  bool empty() const { return lines_.empty(); }

  // Offers the items in the order in which their turns come, until `take` returns false. It takes
  // an item by moving it out, and may leave it; it must not push.
  template <typename Take>
  void offer(const Take& take) {
    std::vector<Offered> offered;
    for (auto& [owner, line] : lines_) offered.push_back({&line, 0, 0});
    for (Offered* next = first_of(offered); next; next = first_of(offered)) {
      Entry& entry = next->line->entries[next->at];
      const bool goes_on = take(entry.item);
      if (!entry.item) {
        turn_ = std::max(turn_, next->line->turn + next->taken);  // not that of one far behind
        ++next->taken;
        has_gaps_ = true;
      }
      ++next->at;
      if (!goes_on) break;
    }
    // Turns in which an owner's items were left are over: it has none in hand.
    for (const auto& [line, at, taken] : offered) line->turn = std::max(line->turn + taken, turn_);
    close_gaps();
  }

  // Shows each owner's items, first to last, until `look` returns false, which ends that owner's.
  // It may take them out of turn.
  template <typename Look>
  void visit(const Look& look) {
    for (auto& [owner, line] : lines_) {
      for (Entry& entry : line.entries) {
        const bool goes_on = look(entry.item);
        has_gaps_ |= !entry.item;
        if (!goes_on) break;
      }
    }
    close_gaps();
  }
  template <typename Look>
  void visit(const Look& look) const {
    for (const auto& [owner, line] : lines_) {
      for (const Entry& entry : line.entries) {
        if (!look(entry.item)) break;
      }
    }
  }

 private:
  struct Entry {
    uint64_t order;
    Item item;
  };
  struct Line {
    uint64_t turn = 0;  // of its first item; each further one has the next
    std::deque<Entry> entries;
  };
  // A line while it is offered.
  struct Offered {
    Line* line;
    size_t at;
    uint64_t taken;

    uint64_t turn() const { return line->turn + at; }
    bool is_over() const { return at == line->entries.size(); }
    bool is_before(const Offered& other) const {
      if (turn() != other.turn()) return turn() < other.turn();
      return line->entries[at].order < other.line->entries[other.at].order;
    }
  };

  static Offered* first_of(std::vector<Offered>& offered) {
    Offered* first = nullptr;
    for (Offered& one : offered) {
      if (!one.is_over() && (!first || one.is_before(*first))) first = &one;
    }
    return first;
  }

  void close_gaps() {
    if (!has_gaps_) return;
    has_gaps_ = false;
    const auto is_gone = [](const Entry& entry) { return !entry.item; };
    for (auto line = lines_.begin(); line != lines_.end();) {
      auto& entries = line->second.entries;
      entries.erase(std::remove_if(entries.begin(), entries.end(), is_gone), entries.end());
      line = entries.empty() ? lines_.erase(line) : std::next(line);
    }
  }

  std::map<std::string, Line> lines_;  // of owners that have items
  uint64_t turn_ = 0;                  // the last one in which an item was taken
  bool has_gaps_ = false;
};

}  // namespace sluice
