#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/fault.h"
#include "base/stack-thread.h"
#include "sampling/row-sampler.h"

namespace sluice {

// One row to sample. Filled in by the caller; `token` or `fault` is the answer.
struct SampleJob {
  RowSampler* sampler;  // in no other job of the same run()
  float* logits;        // in no other job either
  int32_t token = -1;
  std::optional<Fault> fault = std::nullopt;
};

// Samples several rows at once: the caller takes part, and workers are woken where the work takes
// longer than waking them. Owned by Engine's thread, which alone calls run().
class SamplerPool {
 public:
  // Starts so many workers, or as many as there are threads for; 0 is none. Workers sleep between
  // runs and never spin, because the event loop needs the same cores.
  explicit SamplerPool(int32_t workers);
  ~SamplerPool();
  SamplerPool(const SamplerPool&) = delete;
  SamplerPool& operator=(const SamplerPool&) = delete;

  // Returns when every job has its answer. What a job throws becomes that job's fault.
  void run(std::vector<SampleJob>& jobs);

 private:
  void work();
  // Null when all are taken. Under the mutex.
  SampleJob* take();
  void answer_all(std::unique_lock<std::mutex>& held);

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  // Under the mutex. Jobs are taken under it as well, so a worker that wakes late finds none, and
  // never touches the vector of a run() that has returned.
  std::vector<SampleJob>* jobs_ = nullptr;
  size_t next_ = 0, unanswered_ = 0;
  bool closing_ = false;
  std::vector<std::unique_ptr<StackThread>> workers_;  // last: they use all of the above
};

}  // namespace sluice
