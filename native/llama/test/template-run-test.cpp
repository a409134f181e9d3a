#include "llama/template/template-run.h"

#include <string>
#include <thread>
#include <vector>

#include "chat-samples.h"
#include "chat.h"
#include "on-stack.h"
#include "test/check.h"

using samples::kHasSmallStacks;
using samples::on_stack_of;
using sluice::TemplateLimits;
using sluice::TemplateRun;
using sluice::TemplateStop;

namespace {

struct Result {
  TemplateStop stop;
  uint64_t work;
  std::string prompt;
};

common_chat_templates_inputs conversation(int32_t messages) {
  common_chat_templates_inputs inputs;
  for (int32_t i = 0; i < messages; ++i) {
    common_chat_msg message;
    message.role = i % 2 == 0 ? "user" : "assistant";
    message.content = "Hello there, how are you?";
    inputs.messages.push_back(message);
  }
  inputs.force_pure_content = true;
  return inputs;
}

Result rendered(const std::string& text, int32_t messages, const TemplateLimits& limits) {
  const auto templates = common_chat_templates_init(nullptr, text);
  const common_chat_templates_inputs inputs = conversation(messages);
  std::string prompt;
  TemplateRun run(limits);
  run.run([&] { prompt = common_chat_templates_apply(templates.get(), inputs).prompt; });
  return {run.stop(), run.work(), prompt};
}

uint64_t work_of(const std::string& text, int32_t messages = 2) {
  return rendered(text, messages, {UINT64_MAX, {}}).work;
}

const std::string kLookingBack =
    "{% for m in messages %}{% for n in messages %}{% if n.role == 'x' %}y{% endif %}{% endfor %}"
    "{{ m.content }}{% endfor %}";
// What llama.cpp does not try when it reads a template, which is not counted here.
const std::string kOnlyAsked = "{% if messages[0].content == 'Hello there, how are you?' %}";
const std::string kPlain = "{% for m in messages %}{{ m.content }}{% endfor %}";

}  // namespace

TEST("template run: the work of a run is counted, and the same each time") {
  CHECK(TemplateRun::is_counted());
  const uint64_t plain = work_of(kPlain, 100);
  CHECK_EQ(plain, work_of(kPlain, 100));
  CHECK(work_of(kPlain, 200) < 3 * plain);
  CHECK(work_of(kLookingBack, 200) > 3 * work_of(kLookingBack, 100));
}

TEST("template run: a run ends at just the work that it may do") {
  const Result whole = rendered(kLookingBack, 50, {UINT64_MAX, {}});
  CHECK(whole.stop == TemplateStop::none);
  const Result enough = rendered(kLookingBack, 50, {whole.work, {}});
  CHECK(enough.stop == TemplateStop::none);
  CHECK_EQ(enough.prompt, whole.prompt);
  const Result less = rendered(kLookingBack, 50, {whole.work - 1, {}});
  CHECK(less.stop == TemplateStop::too_much_work);
  CHECK_EQ(less.prompt, "");
}

TEST(
    "template run: an operation that takes time by the size of its value is counted by that size") {
  // Each makes many of something in few statements.
  const std::vector<std::string> all = {
      "{% set x = range(20000) %}",
      "{{ 'ab' * 20000 }}",
      "{% set x = messages | selectattr('role', 'equalto', 'user') | list %}",
      "{% set x = messages | map(attribute='role') | list %}",
      "{% set x = messages | sort(attribute='role') %}",
      "{% set x = messages | reverse %}",
      "{% set x = messages[1:] %}",
      "{% set x = messages + messages %}",
      "{% set x = messages | tojson %}",
      "{% set x = messages | string %}",
      "{% set x = messages | map(attribute='role') | join(',') %}",
      "{% set x = 'q' in (messages | map(attribute='role') | list) %}",
      "{% for m in messages if m.role == 'x' %}{% endfor %}",
      "{% for m in messages %}{% endfor %}",
      "{% set x = (messages | map(attribute='content') | join(',')).split('e') %}",
      "{% set x = (messages | map(attribute='content') | join(',')).replace('e', 'ee') %}",
      "{% set ns = namespace(t='') %}{% for m in messages %}{% set ns.t = ns.t + m.content %}"
      "{% endfor %}",
  };
  for (const std::string& text : all) {
    const uint64_t few = work_of(text, 2), many = work_of(text, 2000);
    const bool is_constant = text.find("messages") == std::string::npos;
    if (is_constant ? few < 20000 : many < few + 2000) CHECK_EQ(text, std::to_string(many));
  }
}

TEST("template run: an operation that takes no time by size is not counted by size") {
  for (const char* text : {"{{ messages | length }}", "{{ messages[-1].role }}",
                           "{{ messages | last }}", "{{ messages is iterable }}"}) {
    const uint64_t few = work_of(text, 2), many = work_of(text, 2000);
    if (many > few + 100) CHECK_EQ(text, std::to_string(many));
  }
}

TEST("template run: a macro that calls itself for ever is stopped before the stack is full") {
  const Result result = rendered(
      "{% if messages[0].content == 'Hello there, how are you?' %}"
      "{% macro again(x) %}{{ again(x) }}{% endmacro %}{{ again(1) }}{% endif %}",
      1, {UINT64_MAX, {}});
  CHECK(result.stop == TemplateStop::too_deep);
}

TEST("template run: a run is given up when nothing waits for it, however the template catches") {
  int32_t asked = 0;
  const TemplateLimits limits{UINT64_MAX, [&] { return ++asked == 5; }};
  const Result result = rendered(kLookingBack, 300, limits);
  CHECK(result.stop == TemplateStop::given_up);
  CHECK_EQ(asked, 5);
  CHECK(result.work < work_of(kLookingBack, 300) / 2);
}

TEST("template run: llama.cpp's analysis, which goes on after any error, is stopped as well") {
  const auto templates =
      common_chat_templates_init(nullptr, samples::read_template("Qwen-Qwen3-0.6B.jinja"));
  const auto analyse = [&] { common_chat_templates_support_enable_thinking(templates.get()); };
  const TemplateLimits all{UINT64_MAX, {}};
  TemplateRun whole(all);
  CHECK(whole.run(analyse));
  for (const uint64_t part : {uint64_t(1), whole.work() / 2, whole.work() - 1}) {
    const TemplateLimits limits{part, {}};
    TemplateRun run(limits);
    CHECK(!run.run(analyse));
    CHECK(run.stop() == TemplateStop::too_much_work);
    CHECK(run.work() < whole.work() + 1);
  }
}

TEST("template run: a run within another is counted apart, and the outer one goes on") {
  const TemplateLimits many{1000000, {}}, none{0, {}};
  TemplateRun outer(many);
  TemplateStop inner = TemplateStop::none;
  CHECK(outer.run([&] {
    const auto templates = common_chat_templates_init(nullptr, kPlain);
    inner = rendered(kPlain, 2, none).stop;
  }));
  CHECK(inner == TemplateStop::too_much_work);
  CHECK(outer.stop() == TemplateStop::none);
  CHECK(outer.work() > 0);
}

TEST("template run: an error that the template throws passes") {
  const TemplateLimits many{1000000, {}};
  std::string said;
  try {
    rendered("{% if messages | length > 1 %}{{ raise_exception('no') }}{% endif %}", 2, many);
  } catch (const std::exception& error) {
    said = error.what();
  }
  CHECK(said.find("no") != std::string::npos);
}

// Each is deeper than a stack of 256 KiB by far, and none may be deeper than it carries.
TEST("template run: the depth of a run follows from the stack") {
  const auto macro = [&](const std::string& body, const std::string& end) {
    return kOnlyAsked + "{% macro again(x) %}" + body + "{{ again(x) }}" + end + "{% endmacro %}" +
           "{{ again(1) }}{% endif %}";
  };
  const std::string caller =
      kOnlyAsked +
      "{% macro f(n) %}{{ caller() }}{% if n < 9999 %}{% call f(n + 1) %}{% endcall %}"
      "{% endif %}{% endmacro %}{% call f(0) %}{% endcall %}{% endif %}";
  for (const size_t kib : {size_t(256), size_t(1024), size_t(16) << 10}) {
    if (kib <= 1024 && !kHasSmallStacks) continue;
    on_stack_of(kib << 10, [&] {
      CHECK_EQ(TemplateRun::depth_max(), kib == 256 ? 64 : kib == 1024 ? 256 : 2000);
      for (const std::string& text :
           {macro("", ""), macro("{% if x %}", "{% endif %}"),
            macro("{% for i in [1] %}", "{% endfor %}"),
            macro("{% filter trim %}", "{% endfilter %}"), macro("{% set y %}", "{% endset %}"),
            macro("{{ (('a' ~ 'b') | trim) is string }}", ""), caller}) {
        const Result result = rendered(text, 1, {UINT64_MAX, {}});
        if (result.stop != TemplateStop::too_deep) CHECK_EQ(text, result.prompt);
      }
    });
  }
}

TEST("template run: real templates go no deeper than a small stack carries") {
  on_stack_of(256 << 10, [] {
    for (const char* file : {"openai-gpt-oss-120b.jinja", "google-gemma-4-31B-it.jinja",
                             "deepseek-ai-DeepSeek-V4.jinja", "Kimi-K3.jinja"}) {
      const Result result = rendered(samples::read_template(file), 5, {UINT64_MAX, {}});
      CHECK(result.stop == TemplateStop::none);
      CHECK(!result.prompt.empty());
    }
  });
}

// A template can put values into each other in a loop, and a value into itself. Not under
// ThreadSanitizer, whose frames are larger than those that the limits were measured with.
#if !defined(__SANITIZE_THREAD__)
TEST("template run: values within each other are gone through no deeper than the stack carries") {
  const std::string nested =
      "{% set ns = namespace(a=[]) %}{% for i in range(5000) %}{% set ns.a = [ns.a] %}{% endfor %}";
  const std::string objects =
      "{% set ns = namespace(a={}) %}{% for i in range(5000) %}{% set ns.a = {'b': ns.a} %}"
      "{% endfor %}";
  for (const std::string& deep : {nested, objects}) {
    for (const char* use : {"{{ ns.a | tojson }}", "{{ ns.a | string }}", "{{ ns.a }}"}) {
      on_stack_of(1 << 20, [&] {
        const Result result =
            rendered(kOnlyAsked + deep + use + "{% endif %}", 1, {UINT64_MAX, {}});
        const bool writes_nothing = deep == objects;
        if (result.stop == TemplateStop::none && !writes_nothing) CHECK_EQ(use, result.prompt);
      });
    }
  }
}
#endif

TEST("template run: values within each other are let go without a deep stack") {
  on_stack_of(1 << 20, [] {
    for (const char* value :
         {"[ns.a]", "{'b': ns.a}", "(1, ns.a)", "[{'b': (ns.a, 2)}]", "{'b': ns.a}.items"}) {
      const std::string text =
          "{% set ns = namespace(a=1) %}{% for i in range(15000) %}"
          "{% set ns.a = " +
          std::string(value) + " %}{% endfor %}done";
      const Result result = rendered(text, 1, {UINT64_MAX, {}});
      if (result.prompt != "done") CHECK_EQ(value, result.prompt);
    }
  });
}

TEST("template run: several threads write the date at once") {
  const auto templates =
      common_chat_templates_init(nullptr, "{{ strftime_now('%Y-%m-%d') }}{{ messages[0].role }}");
  const common_chat_templates_inputs inputs = conversation(1);
  const std::string date = common_chat_templates_apply(templates.get(), inputs).prompt;
  std::vector<std::string> wrong(4);
  std::vector<std::thread> threads;
  for (std::string& one : wrong) {
    threads.emplace_back([&] {
      for (int32_t i = 0; i < 200; ++i) {
        const std::string said = common_chat_templates_apply(templates.get(), inputs).prompt;
        if (said.size() != date.size()) one = said;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(date.substr(10), "user");
  for (const std::string& one : wrong) CHECK_EQ(one, "");
}
