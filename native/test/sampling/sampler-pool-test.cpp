#include "sampling/sampler-pool.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "test/check.h"

using sluice::FaultCode;
using sluice::FaultError;
using sluice::RowSampler;
using sluice::SampleJob;
using sluice::SamplerPool;

namespace {

constexpr int64_t kCheap = 1000, kDear = 1000000;

class FakeSampler : public RowSampler {
 public:
  FakeSampler(int64_t cost, std::function<int32_t(float*)> body)
      : cost_(cost), body_(std::move(body)) {}
  int32_t sample(float* logits) override { return body_(logits); }
  int64_t row_cost() const override { return cost_; }

 private:
  int64_t cost_;
  std::function<int32_t(float*)> body_;
};

// Lets no thread through before `count` are here; false when they do not come.
class Meeting {
 public:
  explicit Meeting(int32_t count) : missing_(count) {}
  bool wait() {
    std::unique_lock<std::mutex> held(mutex_);
    if (--missing_ == 0) all_here_.notify_all();
    return all_here_.wait_for(held, std::chrono::seconds(120), [this] { return missing_ <= 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_here_;
  int32_t missing_;
};

}  // namespace

TEST("sampler pool: every job has its own row's token, whatever the number of workers") {
  FakeSampler sampler(kDear, [](float* logits) { return int32_t(*logits); });
  for (const int32_t workers : {0, 1, 3}) {
    SamplerPool pool(workers);
    for (int32_t call = 0; call < 300; ++call) {
      std::vector<float> rows;
      for (int32_t i = 0; i < call % 20; ++i) rows.push_back(float(call + i));
      std::vector<SampleJob> jobs;
      for (float& row : rows) jobs.push_back({&sampler, &row});
      pool.run(jobs);
      for (size_t i = 0; i < jobs.size(); ++i) {
        CHECK_EQ(jobs[i].token, call + int32_t(i));
        CHECK(!jobs[i].fault);
      }
    }
  }
}

TEST("sampler pool: dear rows are sampled at the same time") {
  SamplerPool pool(2);
  Meeting meeting(3);
  FakeSampler sampler(kDear, [&](const float*) { return meeting.wait() ? 1 : 0; });
  std::vector<SampleJob> jobs(3, SampleJob{&sampler, nullptr});
  pool.run(jobs);
  for (const SampleJob& job : jobs) CHECK_EQ(job.token, 1);
}

TEST("sampler pool: no worker is woken for cheap rows") {
  SamplerPool pool(2);
  const std::thread::id caller = std::this_thread::get_id();
  FakeSampler sampler(kCheap, [&](const float*) { return std::this_thread::get_id() == caller; });
  std::vector<SampleJob> jobs(8, SampleJob{&sampler, nullptr});
  pool.run(jobs);
  for (const SampleJob& job : jobs) CHECK_EQ(job.token, 1);
}

TEST("sampler pool: an error of one job is that job's alone") {
  FakeSampler good(kDear, [](const float*) { return 5; });
  FakeSampler bad(kDear, [](const float*) -> int32_t {
    throw FaultError(FaultCode::invalid_request, "a bad row");
  });
  for (const int32_t workers : {0, 2}) {
    SamplerPool pool(workers);
    std::vector<SampleJob> jobs = {{&good, nullptr}, {&bad, nullptr}, {&good, nullptr}};
    pool.run(jobs);
    CHECK_EQ(jobs[0].token, 5);
    CHECK_EQ(jobs[2].token, 5);
    CHECK(!jobs[0].fault && !jobs[2].fault);
    CHECK(jobs[1].fault && jobs[1].fault->code == FaultCode::invalid_request);
    CHECK_EQ(jobs[1].fault->message, std::string("a bad row"));
  }
}
