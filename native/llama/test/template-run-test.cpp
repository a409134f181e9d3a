#include "llama/template-run.h"

#include <chrono>
#include <filesystem>
#include <iostream>
#include "chat-samples.h"
#include "chat.h"
#include "test/check.h"

using sluice::TemplateLimits;
using sluice::TemplateRun;

TEST("MEASURE") {
  auto measure = [](const char* what, const std::function<void()>& f) {
    TemplateLimits limits{1000000000ull, {}};
    TemplateRun run(limits);
    auto t = std::chrono::steady_clock::now();
    std::string err;
    try { run.run(f); } catch (const std::exception& e) { err = e.what(); err = err.substr(0, 80); }
    double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - t).count();
    std::fprintf(stderr, "%10.2f ms %10llu units %6.3f us/unit  %s %s\n", ms, (unsigned long long)run.work(), ms * 1000 / (run.work() + 1), what, err.c_str());
  };
  for (auto& e : std::filesystem::directory_iterator(std::string(SLUICE_LLAMA_CPP_DIR) + "/models/templates")) {
    if (e.path().extension() != ".jinja") continue;
    const std::string text = samples::read_template(e.path().filename().string());
    std::fprintf(stderr, "--- %s\n", e.path().filename().c_str());
    common_chat_templates_ptr t;
    measure("init", [&] { t = common_chat_templates_init(nullptr, text); });
    if (!t) continue;
    measure("thinking", [&] { common_chat_templates_support_enable_thinking(t.get()); });
    for (int n : {1, 101, 1001}) {
      common_chat_templates_inputs in;
      for (int i = 0; i < n; ++i) { common_chat_msg m; m.role = i % 2 ? "assistant" : "user"; m.content = "Hello there, how are you?"; in.messages.push_back(m); }
      in.force_pure_content = true;
      measure(("pure " + std::to_string(n)).c_str(), [&] { common_chat_templates_apply(t.get(), in); });
      in.force_pure_content = false;
      if (n == 1) measure("full 1", [&] { common_chat_templates_apply(t.get(), in); });
      if (n == 1) { for (int i = 0; i < 64; ++i) in.tools.push_back({"sluice_tool_" + std::to_string(i), "", R"({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}},"required":["a"]})"});
        measure("tools 64", [&] { common_chat_templates_apply(t.get(), in); }); }
    }
  }
}
