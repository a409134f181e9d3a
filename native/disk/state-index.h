#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "disk/state-file.h"

namespace sluice {

// What reading and computing cost here, as far as it is known.
struct DiskRates {
  double read_bytes_per_ms = 500000;
  double token_ms = 0.5;  // to compute a token of a prompt
};

// Fewer tokens than this are computed rather than read or written.
constexpr int32_t kDiskTokensMin = 256;

// Whether reading a state takes less time than computing the tokens that it spares.
bool is_worth_reading(int32_t spared, uint64_t bytes, const DiskRates& rates);
// Whether a state of so many tokens is to be written where one of `known` of them is there already.
// A text that grows is written again once it has grown by a third, so that all of it together is
// written no more than four times; when the engine ends, for less. Not what no reader would want.
bool is_worth_writing(int32_t tokens, int32_t known, uint64_t bytes, const DiskRates& rates,
                      bool is_last);

// The states of one model in a folder, those that wait to be written among them. Pure: it reads no
// file. Owned by StateStore, whose mutex guards it.
class StateIndex {
 public:
  // whole_only: states serve only prompts that begin with all of their tokens. tokens_max: longer
  // ones have no room in a slot.
  StateIndex(bool whole_only, int32_t tokens_max)
      : whole_only_(whole_only), tokens_max_(tokens_max) {}

  struct Found {
    std::string name;
    std::shared_ptr<const StateHead> head;  // null: there is none
    int32_t shared = 0;                     // tokens
  };
  // The state that spares most time beside `there` tokens that are in memory. `limit`: of the
  // prompt's tokens, those that may be shared.
  Found find(const Digest& owner, const std::vector<int32_t>& tokens, int32_t limit, int32_t there,
             const DiskRates& rates) const;
  // How many of these tokens one state serves, or will once it is written.
  int32_t known(const Digest& owner, const std::vector<int32_t>& tokens) const;
  // The longest prefix shared with any state, whether it can serve it or not.
  int32_t longest_common(const Digest& owner, const std::vector<int32_t>& tokens,
                         int32_t limit) const;
  // The states of this sequence's prefixes, of half of its tokens and more.
  std::vector<std::string> large_prefixes_of(const Digest& owner,
                                             const std::vector<int32_t>& tokens) const;
  // Those that begin as this sequence does, for as many tokens as it may have taken from them; and
  // those of its prefixes.
  std::vector<std::string> sharing(const Digest& owner, const std::vector<int32_t>& tokens) const;

  // `is_written`: it can be read. Else it waits.
  void add(const std::string& name, std::shared_ptr<const StateHead> head, bool is_written);
  void remove(const std::string& name) { entries_.erase(name); }
  // Of a file that has gone. What waits to be written under its name stays.
  void remove_written(const std::string& name);
  bool has(const std::string& name) const { return entries_.count(name) > 0; }
  // Whether it is this one, and not another that was added under that name since.
  bool holds(const std::string& name, const std::shared_ptr<const StateHead>& head) const {
    const auto found = entries_.find(name);
    return found != entries_.end() && found->second.head == head;
  }
  std::vector<std::pair<std::string, std::shared_ptr<const StateHead>>> written() const;
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::shared_ptr<const StateHead> head;
    bool is_written;
  };
  // What a state spares of `limit` tokens.
  int32_t served(const StateHead& head, const std::vector<int32_t>& tokens, int32_t limit) const;

  const bool whole_only_;
  const int32_t tokens_max_;
  std::map<std::string, Entry> entries_;
};

}  // namespace sluice
