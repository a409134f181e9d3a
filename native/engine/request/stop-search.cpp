#include "engine/request/stop-search.h"

#include <algorithm>
#include <utility>

namespace sluice {

StopSearch::StopSearch(const std::vector<std::string>& stop_strings) {
  for (const std::string& stop : stop_strings) {
    if (!stop.empty()) matchers_.emplace_back(stop);
  }
}

void StopSearch::append(std::string_view text) {
  if (stopped()) return;
  for (size_t at = 0; at < text.size(); ++at) {
    pending_.push_back(text[at]);
    // Of two that end here the longer one began first, and wins.
    size_t longest = 0;
    for (size_t i = 0; i < matchers_.size(); ++i) {
      if (!matchers_[i].feed(text[at]) || matchers_[i].text().size() <= longest) continue;
      longest = matchers_[i].text().size();
      stop_index_ = static_cast<int>(i);
    }
    if (!stopped()) continue;
    ready_.append(pending_, 0, pending_.size() - longest);
    cut_off_ = pending_.substr(pending_.size() - longest);
    cut_off_.append(text.substr(at + 1));
    pending_.clear();
    return;
  }
  size_t withheld = 0;
  for (const StringMatcher& matcher : matchers_) withheld = std::max(withheld, matcher.matched());
  const size_t free = pending_.size() - withheld;
  ready_.append(pending_, 0, free);
  pending_.erase(0, free);
}

void StopSearch::go_on() {
  if (!stopped()) return;
  const size_t length = matchers_[size_t(stop_index_)].text().size();
  const std::string cut_off = std::move(cut_off_);
  cut_off_.clear();
  stop_index_ = -1;
  for (StringMatcher& matcher : matchers_) matcher.reset();
  ready_.append(cut_off, 0, length);
  append(std::string_view(cut_off).substr(length));
}

void StopSearch::let_go() {
  if (stopped()) return;
  ready_.append(pending_);
  pending_.clear();
  for (StringMatcher& matcher : matchers_) matcher.reset();
}

std::string StopSearch::take() {
  std::string text;
  text.swap(ready_);
  return text;
}

std::string StopSearch::stop_string() const {
  return stopped() ? matchers_[size_t(stop_index_)].text() : std::string();
}

}  // namespace sluice
