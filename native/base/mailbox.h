#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <vector>

#include "base/clock.h"

namespace sluice {

// Messages to one thread, in order. push() may be called from any thread and never waits for
// the receiver; the other methods belong to the receiver. Unbounded by itself: what may be in
// flight is bounded where it is admitted (EngineClient of src/engine/engine-client.ts).
template <typename Message>
class Mailbox {
 public:
  void push(Message message) {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      messages_.push_back(std::move(message));
    }
    arrived_.notify_one();
  }

  // Lets wait() return without a message; takes no memory.
  void wake() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      is_woken_ = true;
    }
    arrived_.notify_one();
  }

  // All that has arrived; does not wait.
  std::vector<Message> drain() {
    std::lock_guard<std::mutex> lock(mutex_);
    std::vector<Message> messages;
    messages.swap(messages_);
    is_woken_ = false;
    return messages;
  }

  // Waits until something has arrived, or the deadline has passed.
  void wait(std::optional<Clock::time_point> deadline = std::nullopt) {
    std::unique_lock<std::mutex> lock(mutex_);
    const auto has_messages = [&] { return is_woken_ || !messages_.empty(); };
    if (deadline) {
      arrived_.wait_until(lock, *deadline, has_messages);
    } else {
      arrived_.wait(lock, has_messages);
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Message> messages_;
  bool is_woken_ = false;
};

}  // namespace sluice
