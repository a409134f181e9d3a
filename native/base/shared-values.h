#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace sluice {

// Values that are made once for each key and live as long as a pointer to them does. Any thread;
// one that asks for a value which another is making waits for it. One mutex guards all of this, and
// is not locked while a value is made.
template <typename Value>
class SharedValues {
 public:
  using Pointer = std::shared_ptr<const Value>;

  // `make` returns a Pointer or throws. While another thread makes it, `wait` is called now and
  // then, and may throw to give up.
  template <typename Make, typename Wait>
  Pointer get(const std::string& key, const Make& make, const Wait& wait) {
    const std::shared_ptr<Slot> slot = slot_for(key);
    if (Pointer value = await(*slot, wait)) return value;
    const Making making{*this, *slot};
    Pointer value = make();
    const std::lock_guard<std::mutex> lock(mutex_);
    slot->value = value;
    return value;
  }

  // Entries that are in use, or that were not cleaned up since.
  size_t size() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return slots_.size();
  }

 private:
  struct Slot {
    bool is_being_made = false;
    std::weak_ptr<const Value> value;
  };

  // While this lives, a value is being made; its end, by an exception too, wakes those that wait.
  class Making {
   public:
    Making(SharedValues& values, Slot& slot) : values_(values), slot_(slot) {}
    ~Making() {
      {
        const std::lock_guard<std::mutex> lock(values_.mutex_);
        slot_.is_being_made = false;
      }
      values_.made_.notify_all();
    }

   private:
    SharedValues& values_;
    Slot& slot_;
  };

  std::shared_ptr<Slot> slot_for(const std::string& key) {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto it = slots_.begin(); it != slots_.end();) {
      const bool is_unused = it->second.use_count() == 1 && it->second->value.expired();
      it = is_unused ? slots_.erase(it) : std::next(it);
    }
    std::shared_ptr<Slot>& slot = slots_[key];
    if (!slot) slot = std::make_shared<Slot>();
    return slot;
  }

  // Null where there is none: then the caller makes it.
  template <typename Wait>
  Pointer await(Slot& slot, const Wait& wait) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (slot.is_being_made) {
      made_.wait_for(lock, std::chrono::milliseconds(20));
      lock.unlock();
      wait();
      lock.lock();
    }
    Pointer value = slot.value.lock();
    slot.is_being_made = !value;
    return value;
  }

  mutable std::mutex mutex_;
  std::condition_variable made_;
  std::map<std::string, std::shared_ptr<Slot>> slots_;
};

}  // namespace sluice
