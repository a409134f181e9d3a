#include "chat-samples.h"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace samples {
namespace {

const std::string kWeather = R"({"city": "Paris", "days": 3})";
const std::string kRun = R"({"code": "print(\"<a> é\")\n\tif x < 2 {}"})";

std::string hermes(const std::string& name, const std::string& arguments) {
  return "<tool_call>\n{\"name\": \"" + name + "\", \"arguments\": " + arguments +
         "}\n</tool_call>";
}

std::string deepseek(const std::string& name, const std::string& arguments) {
  return "<｜tool▁call▁begin｜>" + name + "<｜tool▁sep｜>" + arguments + "<｜tool▁call▁end｜>";
}

std::vector<Sample> calls_in_json() {
  return {
      {"Qwen 2.5",
       "Qwen-Qwen2.5-7B-Instruct.jinja",
       "Let me look.\n" + hermes("get_weather", kWeather) + "\n" + hermes("run", kRun),
       "Let me look.\n",
       "",
       {{"", "get_weather", kWeather}, {"", "run", kRun}}},
      {"Hermes 3",
       "NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja",
       hermes("get_weather", kWeather),
       "",
       "",
       {{"", "get_weather", kWeather}}},
      {"Llama 3.1",
       "meta-llama-Llama-3.1-8B-Instruct.jinja",
       R"({"name": "get_weather", "parameters": )" + kWeather + "}",
       "",
       "",
       {{"", "get_weather", kWeather}}},
      {"Llama 3.2",
       "meta-llama-Llama-3.2-3B-Instruct.jinja",
       R"({"name": "run", "parameters": )" + kRun + "}",
       "",
       "",
       {{"", "run", kRun}}},
      {"Llama 3.3",
       "meta-llama-Llama-3.3-70B-Instruct.jinja",
       R"({"name": "get_weather", "parameters": )" + kWeather + "}",
       "",
       "",
       {{"", "get_weather", kWeather}}},
  };
}

std::vector<Sample> calls_in_marks() {
  const std::string qwen_coder =
      "<tool_call>\n<function=get_weather>\n<parameter=city>\nParis\n</parameter>\n"
      "<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>";
  const std::string qwen_coder_run =
      "<tool_call>\n<function=run>\n<parameter=code>\nprint(\"<a> é\")\n\tif x < 2 {}\n"
      "</parameter>\n</function>\n</tool_call>";
  const std::string run_compact = R"({"code":"print(\"<a> é\")\n\tif x < 2 {}"})";
  return {
      {"Qwen 3 Coder",
       "Qwen3-Coder.jinja",
       "I run it.\n" + qwen_coder + "\n" + qwen_coder_run,
       "I run it.\n",
       "",
       {{"", "get_weather", R"({"city":"Paris","days":3})"}, {"", "run", run_compact}}},
      {"Mistral Nemo",
       "mistralai-Mistral-Nemo-Instruct-2407.jinja",
       R"([TOOL_CALLS][{"name": "get_weather", "arguments": )" + kWeather +
           R"(, "id": "abcdef123"}])",
       "",
       "",
       {{"abcdef123", "get_weather", kWeather}}},
      {"Mistral Small 3.2",
       "Mistral-Small-3.2-24B-Instruct-2506.jinja",
       "[TOOL_CALLS]get_weather[CALL_ID]123456789[ARGS]" + kWeather,
       "",
       "",
       {{"123456789", "get_weather", kWeather}}},
      {"Gemma 4",
       "google-gemma-4-31B-it.jinja",
       "Sure.<|tool_call>call:get_weather{city:<|\"|>Paris<|\"|>,days:3}<tool_call|>",
       "Sure.",
       "",
       {{"", "get_weather", R"({"city":"Paris","days":3})"}}},
  };
}

std::vector<Sample> thoughts() {
  const std::string gpt_oss_call =
      "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>" + kWeather;
  return {
      {"Qwen 3, thinking",
       "Qwen-Qwen3-0.6B.jinja",
       "<think>\nParis < Rome?\n</think>\n\n" + hermes("get_weather", kWeather),
       "",
       "Paris < Rome?\n",
       {{"", "get_weather", kWeather}}},
      {"Qwen 3, text alone",
       "Qwen-Qwen3-0.6B.jinja",
       "<think>\nHm.\n</think>\n\nA < B <- C.",
       "A < B <- C.",
       "Hm.\n",
       {}},
      {"DeepSeek V3.1",
       "deepseek-ai-DeepSeek-V3.1.jinja",
       "Hm.</think>Now.<｜tool▁calls▁begin｜>" + deepseek("get_weather", kWeather) +
           deepseek("run", kRun) + "<｜tool▁calls▁end｜>",
       "Now.",
       "Hm.",
       {{"", "get_weather", kWeather}, {"", "run", kRun}}},
      {"DeepSeek R1, distilled",
       "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B.jinja",
       "I think so.\n</think>\n\nYes.",
       "\n\nYes.",
       "I think so.\n",
       {}},
      {"gpt-oss, a call",
       "openai-gpt-oss-120b.jinja",
       "<|channel|>analysis<|message|>I must look.<|end|><|start|>assistant" + gpt_oss_call,
       "",
       "I must look.",
       {{"", "get_weather", kWeather}}},
      {"gpt-oss, text",
       "openai-gpt-oss-120b.jinja",
       "<|channel|>analysis<|message|>Easy.<|end|><|start|>assistant<|channel|>final<|message|>1 < "
       "2",
       "1 < 2",
       "Easy.",
       {}},
  };
}

}  // namespace

std::string read_template(const std::string& file) {
  const std::string path = std::string(SLUICE_LLAMA_CPP_DIR "/models/templates/") + file;
  std::ifstream stream(path);
  if (!stream) throw std::runtime_error("no template in " + path);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

const std::vector<Sample>& all() {
  static const std::vector<Sample> samples = [] {
    std::vector<Sample> all = calls_in_json();
    for (Sample& one : calls_in_marks()) all.push_back(std::move(one));
    for (Sample& one : thoughts()) all.push_back(std::move(one));
    return all;
  }();
  return samples;
}

std::shared_ptr<const sluice::ChatFormat> format_of(const std::string& file, bool takes_one_call,
                                                    const std::string& name) {
  const auto templates = common_chat_templates_init(nullptr, read_template(file));
  common_chat_templates_inputs inputs;
  common_chat_msg message;
  message.role = "user";
  message.content = "What now?";
  inputs.messages = {message};
  inputs.tools = {
      {name, "Tells the weather",
       R"({"type": "object", "properties": {"city": {"type": "string"},
           "days": {"type": "integer"}}, "required": ["city", "days"]})"},
      {"run", "Runs code",
       R"({"type": "object", "properties": {"code": {"type": "string"}}, "required": ["code"]})"}};
  inputs.parallel_tool_calls = !takes_one_call;
  inputs.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
  return std::make_shared<const sluice::ChatFormat>(
      common_chat_templates_apply(templates.get(), inputs), takes_one_call);
}

}  // namespace samples
