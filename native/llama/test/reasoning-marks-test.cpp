#include "llama/chat/reasoning-marks.h"

#include "chat-samples.h"
#include "test/check.h"

using sluice::reasoning_marks;

namespace {

struct Expected {
  const char* file;
  const char* end;
  bool is_open, may_begin_anywhere;
};

}  // namespace

TEST("thought marks: those of real templates are those of llama.cpp's parser") {
  const Expected all[] = {
      {"Qwen-Qwen3-0.6B.jinja", "</think>", false, false},
      {"Qwen3.5-4B.jinja", "\n</think>", true, false},
      {"deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja", "</think>", true, false},
      {"deepseek-ai-DeepSeek-V3.1.jinja", "</think>", true, false},
      {"Kimi-K3.jinja", "<|close|>think<|sep|>", true, false},
      {"mistralai-Ministral-3-14B-Reasoning-2512.jinja", "[/THINK]", false, false},
      {"CohereForAI-c4ai-command-r7b-12-2024-tool_use.jinja", "<|END_THINKING|>", false, false},
      {"google-gemma-4-31B-it.jinja", "<channel|>", false, true},
      {"openai-gpt-oss-120b.jinja", "<|end|>", false, true},
  };
  for (const Expected& expected : all) {
    const std::string name = std::string(expected.file) + ": ";
    const auto marks = reasoning_marks(*samples::format_of(expected.file));
    CHECK_EQ(name + (marks ? marks->ends.front() : "none"), name + expected.end);
    CHECK_EQ(name + std::to_string(marks->is_open), name + std::to_string(expected.is_open));
    CHECK_EQ(name + std::to_string(marks->may_begin_anywhere),
             name + std::to_string(expected.may_begin_anywhere));
  }
}

TEST("thought marks: some formats take blanks before thoughts, others make text of them") {
  CHECK(reasoning_marks(*samples::format_of("Qwen-Qwen3-0.6B.jinja"))->may_follow_blank);
  CHECK(!reasoning_marks(*samples::format_of("Kimi-K2-Instruct.jinja"))->may_follow_blank);
}

TEST("thought marks: the beginning of a call ends thoughts where there are tools to call") {
  const auto marks = reasoning_marks(*samples::format_of("deepseek-ai-DeepSeek-V3.2.jinja"));
  CHECK_EQ(marks->ends.size(), size_t(2));
  CHECK(marks->begun.size() <= marks->ends.back().size());
}

TEST("thought marks: a parser that tells no thoughts apart has none") {
  for (const char* file : {"Qwen-Qwen2.5-7B-Instruct.jinja", "Qwen3-Coder.jinja",
                           "LFM2-8B-A1B.jinja", "muse-glimmer.jinja"}) {
    CHECK(!reasoning_marks(*samples::format_of(file)));
  }
}
