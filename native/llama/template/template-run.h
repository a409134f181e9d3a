#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace sluice {

// What a chat template may do before it is stopped. Work is counted by llama.cpp's interpreter in
// units of about one executed statement, so that the same conversation always ends alike, on a slow
// machine too; some 4 million take a second.
struct TemplateLimits {
  uint64_t work_max;
  // Asked some thousand times a second whether nobody waits for it any more. May be empty.
  std::function<bool()> given_up;
};

// Why a run was stopped.
enum class TemplateStop { none, too_much_work, too_deep, given_up };

// While it lives, templates that run on this thread are counted, all together. They are stopped by
// an exception that is no std::exception and that nothing but run() catches. Scopes nest: the inner
// one counts, and what it counts is not the outer one's. Needs deps/patches/jinja-work.patch;
// without it nothing is counted and nothing stopped.
class TemplateRun {
 public:
  explicit TemplateRun(const TemplateLimits& limits);
  ~TemplateRun();
  TemplateRun(const TemplateRun&) = delete;
  TemplateRun& operator=(const TemplateRun&) = delete;

  // Calls `body`. False where it was stopped, whatever became of the exception on its way.
  bool run(const std::function<void()>& body);
  TemplateStop stop() const;
  uint64_t work() const;

  // Whether the source has the patch.
  static bool is_counted();
  // Statements within each other, since a macro may call itself, and values within each other.
  static constexpr int32_t kDepthMax = 2000;
  // Of them, those that the calling thread's stack carries.
  static int32_t depth_max();

 private:
  class Meter;
  std::unique_ptr<Meter> meter_;
};

}  // namespace sluice
