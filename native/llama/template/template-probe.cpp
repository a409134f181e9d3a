#include "llama/template/template-probe.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using Messages = std::vector<ChatMessage>;

// Words that no template has in it, and ids of the form that Mistral's templates need.
const std::string kTool = "sluicetool";
const std::string kId = "sluiceid1", kOtherId = "sluiceid2";
const std::string kLargeAnswer = "12345678901234567890";

ChatMessage of_role(const char* role, const std::string& content) {
  ChatMessage message;
  message.role = role;
  message.content = content;
  return message;
}

ChatMessage system(const std::string& content) { return of_role("system", content); }
ChatMessage user(const std::string& content) { return of_role("user", content); }
ChatMessage assistant(const std::string& content, const std::string& reasoning = "") {
  ChatMessage message = of_role("assistant", content);
  message.reasoning = reasoning;
  return message;
}

ChatToolCall call(const std::string& id, const std::string& arguments) {
  return {id, kTool, arguments};
}

ChatToolCall call(const std::string& id = kId) { return call(id, R"({"sluicename":"callword"})"); }

ChatMessage with_call(ChatMessage message, const ChatToolCall& one = call()) {
  message.tool_calls.push_back(one);
  return message;
}

ChatMessage answer(const std::string& content, const std::string& id = kId) {
  ChatMessage message = of_role("tool", content);
  message.tool_call_id = id;
  return message;
}

ChatTool the_tool() {
  const char* schema = R"({"type":"object","properties":{"sluicename":{"type":"string"}}})";
  return {kTool, "", schema, "", "", {}};
}

Messages operator+(Messages first, const Messages& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

size_t count_of(const std::string& word, const std::string& text) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

class Prober {
 public:
  explicit Prober(const RenderChat& render) : render_(render) {}

  bool takes(Shape shape) const {
    switch (shape) {
      case Shape::ids_shown: return count_of(kId, answered("")) > 1;
      case Shape::answers_unnamed: return takes_unnamed();
      case Shape::assistant_first: return takes_first();
      case Shape::null_arguments: return takes_null();
      default: break;
    }
    const std::vector<Try> all = tries_of(shape);
    return std::all_of(all.begin(), all.end(), [&](const Try& one) {
      const bool is_of_tools = one.tools != Tools::none;
      return (one.tools == Tools::some || shows(one, false)) && (!is_of_tools || shows(one, true));
    });
  }

 private:
  // Whether it is tried with tools in the request: some templates put those into a certain message.
  enum class Tools { none, some, both };

  struct Try {
    Messages messages;
    std::vector<std::string> words;
    Tools tools = Tools::both;
  };

  // As the last turn, and with another turn after it.
  static std::vector<Try> both_ways(const Messages& turn, const std::vector<std::string>& words) {
    const Messages past{assistant("lastword"), user("nextword")};
    return {{turn, words, Tools::some}, {turn + past, words, Tools::some}};
  }

  static std::vector<Try> turn_with(const ChatMessage& caller,
                                    const std::vector<std::string>& words) {
    return both_ways({user("word1"), caller, answer("word2", caller.tool_calls[0].id)}, words);
  }

  static std::vector<Try> with_arguments(const std::string& arguments,
                                         const std::vector<std::string>& words) {
    return turn_with(with_call(assistant(""), call(kId, arguments)), words);
  }

  static std::vector<Try> tries_of(Shape shape) {
    const std::vector<Try> tries = tries_of_roles(shape);
    return tries.empty() ? tries_of_calls(shape) : tries;
  }

  static std::vector<Try> tries_of_roles(Shape shape) {
    switch (shape) {
      case Shape::system: return {{{system("word1"), user("word2")}, {"word1", "word2"}}};
      case Shape::systems_in_row:
        return {{{system("word1"), system("word2"), user("word3")}, {"word1", "word2", "word3"}}};
      case Shape::late_system:
        return {{{system("word0"), user("word1"), system("word2"), assistant("word3"),
                  user("word4"), system("word5")},
                 {"word0", "word1", "word2", "word3", "word4", "word5"}},
                {{user("word1"), system("word2")}, {"word1", "word2"}}};
      case Shape::system_alone: return {{{system("word1")}, {"word1"}}};
      case Shape::users_in_row: return {{{user("word1"), user("word2")}, {"word1", "word2"}}};
      case Shape::assistants_in_row:
        return {{{user("word1"), assistant("word2"), assistant("word3"), user("word4")},
                 {"word1", "word2", "word3", "word4"}}};
      case Shape::empty_assistant:
        return {{{user("word1"), assistant(""), user("word2")}, {"word1", "word2"}}};
      default: return {};
    }
  }

  static std::vector<Try> tries_of_calls(Shape shape) {
    const ChatMessage caller = with_call(assistant(""));
    switch (shape) {
      case Shape::system_in_calls:
        return {{{system("word0"), user("word1"), caller, answer("word2")},
                 {"word0", "word1", "word2"},
                 Tools::some}};
      case Shape::user_after_answer:
        return {{{user("word1"), caller, answer("word2"), user("word3")},
                 {"word1", "word2", "word3"},
                 Tools::some}};
      case Shape::assistants_around:
        return {{{user("word1"), assistant("word2"), caller, answer("word3"), assistant("word4"),
                  user("word5")},
                 {"word2", "word3", "word4", "word5"},
                 Tools::some}};
      case Shape::words_before_answer:
        return {{{user("word1"), caller, user("word2"), answer("word3")},
                 {"word2", "word3"},
                 Tools::some}};
      case Shape::answer_alone:
        return {{{user("word1"), answer("word2"), user("word3")}, {"word2", "word3"}, Tools::some},
                {{user("word1"), assistant("word2"), answer("word3")},
                 {"word2", "word3"},
                 Tools::some}};
      case Shape::call_alone:
        return {{{user("word1"), caller, user("word2")}, {"callword", "word2"}, Tools::some}};
      case Shape::last_call: return {{{user("word1"), caller}, {"callword"}, Tools::some}};
      default: return tries_of_callers(shape);
    }
  }

  static std::vector<Try> tries_of_callers(Shape shape) {
    const ChatToolCall other = call(kOtherId, R"({"sluicename":"otherword"})");
    const ChatToolCall foreign =
        call("call_sluice-0123456789abcdefghijklmnopqrstuvwxyz", R"({"sluicename":"callword"})");
    switch (shape) {
      case Shape::calls: return turn_with(with_call(assistant("")), {"callword"});
      case Shape::several_calls:
        return both_ways({user("word1"), with_call(with_call(assistant("")), other),
                          answer("word2"), answer("word3", kOtherId)},
                         {"callword", "otherword", "word2", "word3"});
      case Shape::text_beside_calls:
        return turn_with(with_call(assistant("saidword")), {"saidword", "callword", "word2"});
      case Shape::calls_beside_reasoning:
        return turn_with(with_call(assistant("", "thoughtword")), {"callword", "word2"});
      case Shape::text_and_reasoning_beside_calls:
        return turn_with(with_call(assistant("saidword", "thoughtword")),
                         {"saidword", "callword", "word2"});
      case Shape::text_beside_reasoning:
        return {{{user("word1"), assistant("saidword", "thoughtword"), user("word2")},
                 {"saidword", "word2"}}};
      case Shape::ids_of_others:
        return turn_with(with_call(assistant(""), foreign), {"callword", "word2"});
      case Shape::arguments_as_text:
        return with_arguments(R"({"sluicename":"callword", "cut)", {"callword"});
      case Shape::nested_arguments:
        return with_arguments(R"({"name":{"inner":"word3"},"list":["word4",{"last":"word5"}]})",
                              {"inner", "word3", "word4", "last", "word5"});
      case Shape::answers_as_text:
        return both_ways({user("word1"), with_call(assistant("")), answer(kLargeAnswer)},
                         {kLargeAnswer});
      default: return {};
    }
  }

  std::string rendered(const Messages& messages, bool has_tools) const {
    ChatPrompt chat;
    chat.messages = messages;
    if (has_tools) chat.tools = {the_tool()};
    return render_(chat).value_or("");
  }

  bool shows(const Try& one, bool has_tools) const {
    const std::string prompt = rendered(one.messages, has_tools);
    return std::all_of(one.words.begin(), one.words.end(), [&](const std::string& word) {
      return prompt.find(word) != std::string::npos;
    });
  }

  std::string answered(const std::string& name) const {
    ChatMessage message = answer("word2");
    message.name = name;
    return rendered({user("word1"), with_call(assistant("")), message}, true);
  }

  // Counts null by both of its names, in JSON and in Python.
  bool takes_null() const {
    const auto count = [&](const char* arguments) {
      const ChatMessage caller = with_call(assistant(""), call(kId, arguments));
      const std::string prompt = rendered({user("word1"), caller, answer("word2")}, true);
      return count_of("null", prompt) + count_of("None", prompt);
    };
    return count(R"({"sluicename":null})") > count(R"({"sluicename":"callword"})");
  }

  // An answer needs its tool's name where the template prints that and no id.
  bool takes_unnamed() const {
    const std::string unnamed = answered("");
    const std::string named = answered(kTool);
    if (named.empty()) return true;
    if (unnamed.empty()) return false;
    return count_of(kId, unnamed) > 1 || count_of(kTool, named) <= count_of(kTool, unnamed);
  }

  // Some templates take the first message for a user's, whatever its role is.
  bool takes_first() const {
    for (const bool has_tools : {false, true}) {
      const std::string first = rendered({assistant("word1"), user("word2")}, has_tools);
      const std::string second =
          rendered({user("word0"), assistant("word1"), user("word2")}, has_tools);
      const size_t asked = second.find("word0"), said = second.find("word1");
      const size_t begun = first.find("word1");
      if (asked == std::string::npos || said == std::string::npos || said < asked) return false;
      if (begun == std::string::npos || first.find("word2") == std::string::npos) return false;
      const std::string mark = second.substr(asked + 5, said - asked - 5);
      const size_t length = std::min<size_t>(mark.size(), 16);
      if (begun < length) return false;
      if (first.compare(begun - length, length, mark, mark.size() - length, length) != 0) {
        return false;
      }
    }
    return true;
  }

  const RenderChat& render_;
};

}  // namespace

ChatPrompt conversation_of_all_kinds() {
  ChatPrompt chat;
  chat.messages = {user("word1"), assistant("word2", "thoughtword"), user("word3"),
                   with_call(assistant("", "thoughtword")), answer("word4")};
  chat.tools = {the_tool()};
  return chat;
}

bool takes_shape(const RenderChat& render, Shape shape) { return Prober(render).takes(shape); }

}  // namespace sluice
