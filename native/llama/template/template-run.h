#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace sluice {

// How much work a chat template may do before it is stopped. llama.cpp's interpreter counts it in
// units of about one executed statement, so that the same conversation ends in the same way on any
// machine; some 4 million take a second.
struct TemplateLimits {
  uint64_t work_max;
  // Asked some thousand times a second whether the result is not wanted any more. May be empty.
  std::function<bool()> given_up;
};

// Why a run was stopped.
enum class TemplateStop { none, too_much_work, too_deep, given_up };

// While it lives, the work of all templates that run on this thread is counted. They are stopped by
// an exception that is no std::exception and that only run() catches. Scopes nest: the inner one
// counts, and its work does not count for the outer one. Needs deps/patches/jinja-work.patch;
// without it nothing is counted and nothing stopped.
class TemplateRun {
 public:
  explicit TemplateRun(const TemplateLimits& limits);
  ~TemplateRun();
  TemplateRun(const TemplateRun&) = delete;
  TemplateRun& operator=(const TemplateRun&) = delete;

  // Calls `body`. False where it was stopped, even if the exception was caught on its way.
  bool run(const std::function<void()>& body);
  TemplateStop stop() const;
  uint64_t work() const;

  // Whether llama.cpp's source has the patch.
  static bool is_counted();
  // How deep statements may be within each other, since a macro may call itself, and values too.
  static constexpr int32_t kDepthMax = 2000;
  // The depth that the calling thread's stack allows, up to that.
  static int32_t depth_max();

 private:
  class Meter;
  std::unique_ptr<Meter> meter_;
};

}  // namespace sluice
