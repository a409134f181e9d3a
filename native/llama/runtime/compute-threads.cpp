#include "llama/runtime/compute-threads.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/fault.h"
#include "ggml-backend.h"
#include "ggml-cpu.h"
#include "llama.h"

namespace sluice {
namespace {

// Found through the registry, because the CPU backend may be a library of its own.
template <typename Function>
Function* cpu_function(const char* name) {
  ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  ggml_backend_reg_t registry = ggml_backend_dev_backend_reg(device);
  return reinterpret_cast<Function*>(ggml_backend_reg_get_proc_address(registry, name));
}

ggml_sched_priority sched_priority(ThreadPriority priority) {
  switch (priority) {
    case ThreadPriority::low: return GGML_SCHED_PRIO_LOW;
    case ThreadPriority::normal: return GGML_SCHED_PRIO_NORMAL;
    case ThreadPriority::medium: return GGML_SCHED_PRIO_MEDIUM;
    case ThreadPriority::high: return GGML_SCHED_PRIO_HIGH;
    case ThreadPriority::realtime: return GGML_SCHED_PRIO_REALTIME;
  }
  return GGML_SCHED_PRIO_NORMAL;
}

FaultError no_threads(int32_t count) {
  return FaultError(FaultCode::engine_failed,
                    "could not start " + std::to_string(count) +
                        " compute threads; lower threads, or raise the system's limit");
}

// Whether the system can start so many more threads at once. This is tried first, because ggml ends
// the process where it cannot (ggml_threadpool_new asserts).
bool can_start(int32_t count) {
  std::mutex mutex;
  std::condition_variable done;
  bool is_done = false;
  std::vector<std::thread> threads;
  bool are_enough = true;
  threads.reserve(size_t(std::max(count, 0)));
  try {
    for (int32_t i = 0; i < count; ++i) {
      threads.emplace_back([&] {
        std::unique_lock<std::mutex> lock(mutex);
        done.wait(lock, [&] { return is_done; });
      });
    }
  } catch (const std::exception&) {  // no thread, or no memory for one
    are_enough = false;              // those that were started end again
  }
  {
    const std::lock_guard<std::mutex> lock(mutex);
    is_done = true;
  }
  done.notify_all();
  for (std::thread& thread : threads) thread.join();
  return are_enough;
}

}  // namespace

void ComputeThreads::PoolFree::operator()(ggml_threadpool* pool) const {
  cpu_function<decltype(ggml_threadpool_free)>("ggml_threadpool_free")(pool);
}

ComputeThreads::ComputeThreads(int32_t count, int32_t poll, ThreadPriority priority)
    : count_(count), single_(start(1, poll, priority)) {
  if (count > 1) all_ = start(count, poll, priority);
}

ComputeThreads::Pool ComputeThreads::start(int32_t count, int32_t poll, ThreadPriority priority) {
  ggml_threadpool_params params = ggml_threadpool_params_default(count);
  params.poll = uint32_t(poll);
  params.prio = sched_priority(priority);
  // The calling thread is one of them.
  if (!can_start(count - 1)) throw no_threads(count);
  if (Pool pool{cpu_function<decltype(ggml_threadpool_new)>("ggml_threadpool_new")(&params)}) {
    return pool;
  }
  throw no_threads(count);
}

void ComputeThreads::attach(llama_context* context, int32_t threads) const {
  const int32_t count = std::clamp(threads, 1, count_);
  llama_attach_threadpool(context, count == 1 ? single_.get() : all_.get(), nullptr);
  llama_set_n_threads(context, count, count);
}

}  // namespace sluice
