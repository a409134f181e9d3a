#include "engine/batch/newcomer-watch.h"

#include <algorithm>
#include <iterator>
#include <thread>
#include <utility>
#include <variant>

namespace sluice {
namespace {

// A newcomer with more rows to compute would not be done soon.
constexpr int32_t kSoonDoneRows = 512;
// Others that come with a newcomer come so soon after one another.
constexpr auto kOthersApart = std::chrono::milliseconds(2);
constexpr auto kOthersMax = std::chrono::milliseconds(20);

}  // namespace

std::vector<EngineMessage> NewcomerWatch::take_messages() {
  receive();
  return std::exchange(messages_, {});
}

void NewcomerWatch::receive() {
  std::vector<EngineMessage> arrived = wiring_.mailbox.drain();
  std::move(arrived.begin(), arrived.end(), std::back_inserter(messages_));
}

void NewcomerWatch::begin(double batch_ms, int32_t rows) {
  const std::chrono::duration<double, std::milli> time(budget_.gives_way_ms(batch_ms));
  until_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(time);
  rows_ = std::min(rows, kSoonDoneRows + 1);
  gives_way_ = false;
}

bool NewcomerWatch::has_come() {
  if (gives_way_ || rows_ <= 0 || Clock::now() >= until_) return gives_way_;
  const auto looked_at = std::ptrdiff_t(messages_.size());
  receive();
  gives_way_ = std::any_of(messages_.begin() + looked_at, messages_.end(),
                           [&](const EngineMessage& message) { return is_newcomer(message); });
  return gives_way_;
}

bool NewcomerWatch::is_newcomer(const EngineMessage& message) const {
  const Prepared* prepared = std::get_if<Prepared>(&message);
  return prepared && !prepared->sequence->cancelled() &&
         slots_.would_be_soon_done(*prepared->sequence, rows_ - 1);
}

// Who comes in a burst is computed together. While batches are computed, the others would come
// slowly, and each would have another batch abandoned.
void NewcomerWatch::abandoned(double ms) {
  budget_.abandoned(ms);
  const auto until = Clock::now() + kOthersMax;
  size_t count;
  do {
    count = messages_.size();
    std::this_thread::sleep_for(kOthersApart);
    receive();
  } while (messages_.size() > count && Clock::now() < until && !wiring_.closing);
}

}  // namespace sluice
