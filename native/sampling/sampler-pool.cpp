#include "sampling/sampler-pool.h"

#include <algorithm>
#include <exception>

namespace sluice {
namespace {

// A worker is woken only for so many nanoseconds of work: for less, the caller is as fast alone.
constexpr int64_t kWorthWaking = 150000;
constexpr size_t kStackBytes = size_t(1) << 20;

void answer(SampleJob& job) {
  try {
    job.token = job.sampler->sample(job.logits);
  } catch (...) {  // on a worker's thread it would end the process
    job.fault = current_fault(FaultCode::engine_failed);
  }
}

}  // namespace

SamplerPool::SamplerPool(int32_t workers) {
  for (int32_t i = 0; i < workers; ++i) {
    try {
      workers_.push_back(std::make_unique<StackThread>(kStackBytes, [this] { work(); }));
    } catch (const std::system_error&) {
      return;  // slower, but no token is lost
    }
  }
}

SamplerPool::~SamplerPool() {
  {
    const std::lock_guard<std::mutex> held(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  for (const auto& worker : workers_) worker->join();
}

void SamplerPool::run(std::vector<SampleJob>& jobs) {
  int64_t cost = 0;
  for (const SampleJob& job : jobs) cost += job.sampler->row_cost();
  const size_t helpers =
      std::min({workers_.size(), jobs.empty() ? 0 : jobs.size() - 1, size_t(cost / kWorthWaking)});
  if (helpers == 0) {
    for (SampleJob& job : jobs) answer(job);
    return;
  }
  std::unique_lock<std::mutex> held(mutex_);
  jobs_ = &jobs;
  next_ = 0;
  unanswered_ = jobs.size();
  for (size_t i = 0; i < helpers; ++i) wake_.notify_one();
  answer_all(held);
  done_.wait(held, [this] { return unanswered_ == 0; });
  jobs_ = nullptr;
}

void SamplerPool::work() {
  std::unique_lock<std::mutex> held(mutex_);
  for (;;) {
    wake_.wait(held, [this] { return closing_ || (jobs_ && next_ < jobs_->size()); });
    if (closing_) return;
    answer_all(held);
  }
}

SampleJob* SamplerPool::take() {
  return jobs_ && next_ < jobs_->size() ? &(*jobs_)[next_++] : nullptr;
}

void SamplerPool::answer_all(std::unique_lock<std::mutex>& held) {
  while (SampleJob* job = take()) {
    held.unlock();
    answer(*job);
    held.lock();
    if (--unanswered_ == 0) done_.notify_one();
  }
}

}  // namespace sluice
