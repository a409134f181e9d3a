#include "llama/template/template-run.h"

#include "base/stack.h"

#ifdef SLUICE_COUNTS_TEMPLATES
#include "jinja/utils.h"
#endif

namespace sluice {
namespace {

// Bytes of stack for each statement within another. Measured with GCC: 1.3 KiB at most, for {% call
// %}.
constexpr size_t kLevelStackBytes = 3 << 10;

}  // namespace

int32_t TemplateRun::depth_max() {
  return int32_t(stack_limit(stack_bytes(), kLevelStackBytes, size_t(kDepthMax)));
}

#ifdef SLUICE_COUNTS_TEMPLATES

namespace {

constexpr uint64_t kAskEvery = 2000;  // units of work: half a millisecond

// Thrown through the interpreter.
struct Stopped {};

}  // namespace

class TemplateRun::Meter final : public jinja::work_meter {
 public:
  explicit Meter(const TemplateLimits& limits) : limits_(limits), before_(jinja::g_work_meter) {
    jinja::g_work_meter = this;
  }
  ~Meter() override { jinja::g_work_meter = before_; }

  void add(size_t units) override {
    // Some of the interpreter's functions catch every exception and go on: throw again.
    if (stop_ != TemplateStop::none) throw Stopped{};
    work_ += units;
    if (work_ > limits_.work_max) end(TemplateStop::too_much_work);
    if (depth > depth_max_) end(TemplateStop::too_deep);
    if (work_ < ask_at_) return;
    ask_at_ = work_ + kAskEvery;
    if (limits_.given_up && limits_.given_up()) end(TemplateStop::given_up);
  }

  bool run(const std::function<void()>& body) {
    try {
      body();
    } catch (const Stopped&) {
      return false;
    } catch (...) {
      if (stop_ == TemplateStop::none) throw;
    }
    return stop_ == TemplateStop::none;
  }

  TemplateStop stop() const { return stop_; }
  uint64_t work() const { return work_; }

 private:
  [[noreturn]] void end(TemplateStop why) {
    stop_ = why;
    throw Stopped{};
  }

  const TemplateLimits& limits_;
  const size_t depth_max_ = size_t(depth_max());
  jinja::work_meter* const before_;
  TemplateStop stop_ = TemplateStop::none;
  uint64_t work_ = 0, ask_at_ = kAskEvery;
};

bool TemplateRun::is_counted() { return true; }

#else

class TemplateRun::Meter {
 public:
  explicit Meter(const TemplateLimits&) {}
  bool run(const std::function<void()>& body) {
    body();
    return true;
  }
  TemplateStop stop() const { return TemplateStop::none; }
  uint64_t work() const { return 0; }
};

bool TemplateRun::is_counted() { return false; }

#endif

TemplateRun::TemplateRun(const TemplateLimits& limits) : meter_(std::make_unique<Meter>(limits)) {}
TemplateRun::~TemplateRun() = default;

bool TemplateRun::run(const std::function<void()>& body) { return meter_->run(body); }
TemplateStop TemplateRun::stop() const { return meter_->stop(); }
uint64_t TemplateRun::work() const { return meter_->work(); }

}  // namespace sluice
