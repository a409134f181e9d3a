#include "llama/template-probe.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using Messages = std::vector<ChatMessage>;

// Words that no template says by itself, and the ids that Mistral's want.
const std::string kTool = "sluicetool";
const std::string kId = "sluiceid1", kOtherId = "sluiceid2";

ChatMessage of_role(const char* role, const std::string& content) {
  ChatMessage message;
  message.role = role;
  message.content = content;
  return message;
}

ChatMessage system(const std::string& content) { return of_role("system", content); }
ChatMessage user(const std::string& content) { return of_role("user", content); }
ChatMessage assistant(const std::string& content, const std::string& thoughts = "") {
  ChatMessage message = of_role("assistant", content);
  message.reasoning = thoughts;
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

  TemplateTakes found() {
    try_roles();
    try_calls();
    try_answers();
    try_what_stands_beside();
    try_arguments();
    return takes_;
  }

 private:
  using Words = std::vector<std::string>;

  std::optional<std::string> rendered(const Messages& messages, bool has_tools) const {
    ChatPrompt chat;
    chat.messages = messages;
    if (has_tools) chat.tools = {the_tool()};
    return render_(chat);
  }

  bool shows(const Messages& messages, const Words& words, bool has_tools) const {
    const std::optional<std::string> prompt = rendered(messages, has_tools);
    return prompt && std::all_of(words.begin(), words.end(), [&](const std::string& word) {
             return prompt->find(word) != std::string::npos;
           });
  }

  // Without tools and with one: some put those into a certain message.
  bool takes(const Messages& messages, const Words& words) const {
    return shows(messages, words, false) && shows(messages, words, true);
  }

  // With tools, where the turn goes on and where it is past.
  bool takes_turn(const Messages& turn, const Words& words) const {
    const Messages past{assistant("lastword"), user("nextword")};
    return shows(turn, words, true) && shows(turn + past, words, true);
  }

  void try_roles() {
    takes_.system = takes({system("word1"), user("word2")}, {"word1", "word2"});
    takes_.systems_in_row =
        takes({system("word1"), system("word2"), user("word3")}, {"word1", "word2", "word3"});
    takes_.late_system =
        takes({user("word1"), system("word2"), user("word3")}, {"word1", "word2", "word3"}) &&
        takes({user("word1"), assistant("word2"), user("word3"), system("word4")},
              {"word1", "word2", "word3", "word4"});
    takes_.system_alone = takes({system("word1")}, {"word1"});
    takes_.users_in_row = takes({user("word1"), user("word2")}, {"word1", "word2"});
    takes_.assistants_in_row =
        takes({user("word1"), assistant("word2"), assistant("word3"), user("word4")},
              {"word1", "word2", "word3", "word4"});
    takes_.empty_assistant =
        takes({user("word1"), assistant(""), user("word2")}, {"word1", "word2"});
    takes_.assistant_first = takes({assistant("word1"), user("word2")}, {"word1", "word2"}) &&
                             stands_as_assistant();
  }

  // Some take the first message for a user's, whoever speaks.
  bool stands_as_assistant() const {
    const std::optional<std::string> first =
        rendered({assistant("word1"), user("word2")}, true);
    const std::optional<std::string> second =
        rendered({user("word0"), assistant("word1"), user("word2")}, true);
    if (!first || !second) return false;
    const std::string before = second->substr(0, second->find("word1"));
    const std::string mark = before.substr(before.find("word0") + 5);
    const std::string start = first->substr(0, first->find("word1"));
    const size_t length = std::min<size_t>(mark.size(), 16);
    return start.size() >= length &&
           start.compare(start.size() - length, length, mark, mark.size() - length, length) == 0;
  }

  void try_calls() {
    const Messages called{user("word1"), with_call(assistant(""))};
    takes_.call_alone = shows(called + Messages{user("word2")}, {"callword", "word2"}, true);
    takes_.user_after_answer =
        shows(called + Messages{answer("word2"), user("word3")}, {"word2", "word3"}, true);
    takes_.words_before_answer =
        shows(called + Messages{user("word2"), answer("word3")}, {"word2", "word3"}, true);
    takes_.assistants_around =
        shows(Messages{user("word1"), assistant("word2"), with_call(assistant("")),
                       answer("word3"), assistant("word4"), user("word5")},
              {"word2", "word3", "word4", "word5"}, true);
    takes_.system_in_calls = shows(Messages{system("word0")} + called + Messages{answer("word2")},
                                   {"word0", "word1", "word2"}, true);
    const ChatMessage two =
        with_call(with_call(assistant("")), call(kOtherId, R"({"sluicename":"otherword"})"));
    takes_.several_calls =
        takes_turn({user("word1"), two, answer("word2"), answer("word3", kOtherId)},
                   {"callword", "otherword", "word2", "word3"});
    const ChatToolCall foreign =
        call("call_sluice-0123456789abcdefghijklmnopqrstuvwxyz", R"({"sluicename":"callword"})");
    takes_.ids_of_others =
        takes_turn({user("word1"), with_call(assistant(""), foreign), answer("word2", foreign.id)},
                   {"callword", "word2"});
  }

  void try_answers() {
    takes_.answer_alone =
        shows({user("word1"), answer("word2"), user("word3")}, {"word2", "word3"}, true) &&
        shows({user("word1"), assistant("word2"), answer("word3")}, {"word2", "word3"}, true);
    const Messages called{user("word1"), with_call(assistant(""))};
    const std::optional<std::string> unnamed = rendered(called + Messages{answer("word2")}, true);
    ChatMessage named = answer("word2");
    named.name = kTool;
    const std::optional<std::string> prompt = rendered(called + Messages{named}, true);
    if (!prompt) return;
    takes_.ids_shown = unnamed && count_of(kId, *unnamed) > 1;
    takes_.names_wanted =
        !unnamed || (!takes_.ids_shown && count_of(kTool, *prompt) > count_of(kTool, *unnamed));
  }

  void try_what_stands_beside() {
    const Messages asked{user("word1")};
    const Messages answered{answer("word2")};
    takes_.text_beside_calls =
        takes_turn(asked + Messages{with_call(assistant("saidword"))} + answered,
                   {"saidword", "callword", "word2"});
    takes_.calls_beside_thoughts =
        takes_turn(asked + Messages{with_call(assistant("", "thoughtword"))} + answered,
                   {"callword", "word2"});
    takes_.text_and_thoughts_beside_calls =
        takes_turn(asked + Messages{with_call(assistant("saidword", "thoughtword"))} + answered,
                   {"saidword", "callword", "word2"});
    takes_.text_beside_thoughts =
        takes(asked + Messages{assistant("saidword", "thoughtword"), user("word2")},
              {"saidword", "word2"});
  }

  void try_arguments() {
    const auto takes_arguments = [&](const std::string& arguments, const Words& words) {
      return takes_turn({user("word1"), with_call(assistant(""), call(kId, arguments)),
                         answer("word2")},
                        words);
    };
    takes_.cut_arguments = takes_arguments(R"({"sluicename":"callword", "cut)", {"callword"});
    takes_.nested_arguments =
        takes_arguments(R"({"sluicename":{"inner":"word3"},"list":["word4",{"last":"word5"}]})",
                        {"inner", "word3", "word4", "last", "word5"});
  }

  const RenderChat& render_;
  TemplateTakes takes_;
};

}  // namespace

ChatPrompt conversation_of_all_shapes() {
  ChatPrompt chat;
  chat.messages = {user("word1"), assistant("word2", "thoughtword"), user("word3"),
                   with_call(assistant("", "thoughtword")), answer("word4")};
  chat.tools = {the_tool()};
  return chat;
}

TemplateTakes what_it_takes(const RenderChat& render) { return Prober(render).found(); }

}  // namespace sluice
