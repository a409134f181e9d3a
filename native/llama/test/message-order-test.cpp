#include "llama/template/message-order.h"

#include <set>

#include "llama/chat/call-ids.h"
#include "test/check.h"

using sluice::ChatMessage;
using sluice::in_order;
using sluice::Shape;
using sluice::with_calls_as_text;
using Messages = std::vector<ChatMessage>;

namespace {

// Takes all but those.
struct Takes {
  std::set<Shape> none;
  bool operator()(Shape shape) const { return none.count(shape) == 0; }
};

ChatMessage says(const char* role, const char* content, const char* thoughts = "") {
  ChatMessage message;
  message.role = role;
  message.content = content;
  message.reasoning = thoughts;
  return message;
}

ChatMessage calls(const char* content, std::vector<std::string> ids, const char* thoughts = "") {
  ChatMessage message = says("assistant", content, thoughts);
  for (std::string& id : ids) message.tool_calls.push_back({id, "tool-" + id, "{}"});
  return message;
}

ChatMessage answers(const char* content, const char* id) {
  ChatMessage message = says("tool", content);
  message.tool_call_id = id;
  return message;
}

// One letter for each role, what it says, thoughts in brackets, calls by their ids.
std::string told(const Messages& messages) {
  std::string text;
  for (const ChatMessage& message : messages) {
    text += (text.empty() ? "" : " | ") + message.role.substr(0, 1) + ":";
    if (!message.reasoning.empty()) text += "(" + message.reasoning + ")";
    for (const char c : message.content) text += c == '\n' ? '/' : c;
    for (const auto& call : message.tool_calls) text += "!" + call.id;
    if (message.role == "tool") text += "@" + message.tool_call_id;
  }
  return text;
}

std::string ordered(const Messages& messages, const Takes& takes, bool continues = false) {
  return told(in_order(messages, takes, continues));
}

}  // namespace

TEST("message order: what a template takes as it is stays as it is") {
  const Messages odd{says("system", "a"),         says("system", "b"),  says("assistant", "c", "d"),
                     calls("e", {"1", "2"}, "f"), answers("g", "2"),    says("user", "h"),
                     answers("i", "1"),           answers("j", "none"), says("assistant", ""),
                     says("system", "k"),         says("user", "l"),    says("user", "m")};
  CHECK_EQ(ordered(odd, Takes()), told(odd));
}

TEST("message order: systems at the beginning are one, later ones are told by the user") {
  Takes takes;
  takes.none.insert({Shape::systems_in_row, Shape::late_system});
  const Messages given{says("system", "a"), says("system", "b"),    says("user", "c"),
                       says("system", "d"), says("assistant", "e"), says("system", "f")};
  CHECK_EQ(ordered(given, takes), "s:a//b | u:c | u:d | a:e | u:f");
  takes.none.insert({Shape::users_in_row});
  CHECK_EQ(ordered(given, takes), "s:a//b | u:c//d | a:e | u:f");
  takes.none.insert({Shape::system});
  CHECK_EQ(ordered(given, takes), "u:a//b//c//d | a:e | u:f");
}

TEST("message order: a system alone becomes what the template takes") {
  Takes takes;
  CHECK_EQ(ordered({says("system", "a")}, takes), "s:a");
  takes.none.insert({Shape::system_alone});
  CHECK_EQ(ordered({says("system", "a")}, takes), "s:a | u:");
  takes.none.insert({Shape::system});
  CHECK_EQ(ordered({says("system", "a")}, takes), "u:a");
}

TEST("message order: roles alternate where they must") {
  Takes takes;
  takes.none = {Shape::users_in_row, Shape::assistants_in_row, Shape::assistant_first};
  takes.none.insert({Shape::user_after_answer, Shape::assistants_around, Shape::empty_assistant});
  takes.none.insert({Shape::text_beside_calls, Shape::text_and_reasoning_beside_calls});
  CHECK_EQ(ordered({says("assistant", "a"), says("user", "b"), says("user", "c"),
                    says("assistant", "d"), says("assistant", ""), says("assistant", "e")},
                   takes),
           "u: | a:a | u:b//c | a:d//e");
  CHECK_EQ(ordered({says("user", "a"), calls("b", {"1"}), answers("c", "1"), says("assistant", "d"),
                    says("user", "e")},
                   takes),
           "u:a | a:b | u: | a:!1 | t:c@1 | a:d | u:e");
  CHECK_EQ(
      ordered({says("user", "a"), calls("", {"1"}), answers("c", "1"), says("user", "e")}, takes),
      "u:a | a:!1 | t:c@1 | a: | u:e");
}

TEST("message order: an assistant that says nothing is left out, where it must, and no other") {
  Takes takes;
  takes.none.insert({Shape::empty_assistant});
  CHECK_EQ(ordered({says("assistant", "")}, takes), "u:");
  CHECK_EQ(ordered({says("assistant", ""), says("assistant", "a")}, takes, true), "u: | a:a");
}

TEST("message order: no two users that say nothing say the same") {
  Takes takes;
  takes.none = {Shape::text_beside_calls, Shape::assistants_around};
  Messages given{says("user", "a")};
  for (int turn = 0; turn < 40; ++turn) {
    given.push_back(calls("b", {"1"}));
    given.push_back(answers("c", "1"));
  }
  std::set<std::string> said;
  size_t users = 0;
  for (const ChatMessage& message : in_order(given, takes, false)) {
    if (message.role != "user") continue;
    ++users;
    said.insert(message.content);
  }
  CHECK_EQ(users, size_t(40));
  CHECK_EQ(said.size(), users);
}

TEST("message order: calls come one by one, each with its answer") {
  Takes takes;
  takes.none.insert({Shape::several_calls});
  const Messages given{says("user", "a"), calls("b", {"1", "2"}, "c"), answers("d", "2"),
                       answers("e", "1"), says("user", "f")};
  CHECK_EQ(ordered(given, takes), "u:a | a:(c)b!1 | t:e@1 | a:!2 | t:d@2 | u:f");
  takes.none.erase(Shape::several_calls);
  takes.none.insert({Shape::ids_shown});
  CHECK_EQ(ordered(given, takes), "u:a | a:(c)b!1!2 | t:e@1 | t:d@2 | u:f");
}

TEST("message order: text and thoughts beside calls go where the template takes them") {
  Takes takes;
  const Messages given{says("user", "a"), calls("b", {"1"}, "c"), answers("d", "1"),
                       says("assistant", "e", "f")};
  takes.none.insert({Shape::text_and_reasoning_beside_calls});
  CHECK_EQ(ordered(given, takes), "u:a | a:b | a:(c)!1 | t:d@1 | a:(f)e");
  takes.none.insert({Shape::calls_beside_reasoning, Shape::text_beside_reasoning});
  CHECK_EQ(ordered(given, takes), "u:a | a:b!1 | t:d@1 | a:e");
}

TEST("message order: answers find their calls") {
  Takes takes;
  const Messages unnamed{calls("", {"", ""}), answers("a", ""), answers("b", "")};
  CHECK_EQ(ordered(unnamed, takes), "a:!call00000!call00001 | t:a@call00000 | t:b@call00001");
  takes.none.insert({Shape::words_before_answer});
  CHECK_EQ(ordered({says("user", "a"), calls("", {"1", "2"}), says("user", "b"), answers("c", "2"),
                    says("system", "d"), answers("e", "1")},
                   takes),
           "u:a | a:!1!2 | t:c@2 | t:e@1 | u:b | s:d");
  takes.none.insert({Shape::answer_alone});
  CHECK_EQ(ordered({says("user", "a"), answers("b", "9"), calls("", {"1"}), answers("c", "1"),
                    calls("", {"2"}), answers("d", "1")},
                   takes),
           "u:a | u:Result of a tool:/b | a:!1 | t:c@1 | a:!2 | u:Result of the tool tool-1:/d");
}

TEST("message order: a message that goes on stays the last") {
  Takes takes;
  CHECK_EQ(ordered({says("assistant", "a")}, takes, true), "u: | a:a");
  takes.none.insert({Shape::assistants_in_row, Shape::empty_assistant});
  CHECK_EQ(
      ordered({says("user", "a"), says("assistant", "b"), says("assistant", "c")}, takes, true),
      "u:a | a:b//c");
  CHECK_EQ(ordered({says("user", "a"), says("assistant", "")}, takes, true), "u:a | a:");
}

TEST("message order: ids are nine letters and digits, the same for the same id") {
  Takes takes;
  takes.none.insert({Shape::ids_of_others});
  const Messages given{calls("", {"toolu_01A", "abcDEF123"}), answers("a", "abcDEF123"),
                       answers("b", "toolu_01A")};
  const Messages made = in_order(given, takes, false);
  CHECK_EQ(made[0].tool_calls[1].id, "abcDEF123");
  CHECK_EQ(made[1].tool_call_id, "abcDEF123");
  CHECK_EQ(made[0].tool_calls[0].id.size(), sluice::kCallIdLetters);
  CHECK_EQ(made[2].tool_call_id, made[0].tool_calls[0].id);
  CHECK_EQ(in_order({given[0]}, takes, false)[0].tool_calls[0].id, made[0].tool_calls[0].id);
}

TEST("message order: ids that are made up are such as every template takes") {
  sluice::CallIds ids;
  const std::string id = sluice::new_call_id();
  CHECK_EQ(ids.short_id(id), id);
  CHECK(sluice::new_call_id() != id);
}

TEST("message order: where a template knows no tools, calls and their answers are text") {
  const std::string call = "<tool_call>/{\"name\": \"tool-a\", \"arguments\": {}}/</tool_call>";
  const std::string other = "<tool_call>/{\"name\": \"tool-b\", \"arguments\": {}}/</tool_call>";
  const Messages one{says("user", "go"), calls("", {"a"}, "why"), answers("done", "a")};
  CHECK_EQ(told(with_calls_as_text(one)),
           "u:go | a:(why)" + call + " | u:Result of the tool tool-a:/done");
  // Answers name the tool of their call, by its id, or by their order.
  const Messages two{calls("so", {"a", "b"}), answers("2", "b"), answers("1", "")};
  CHECK_EQ(told(with_calls_as_text(two)), "a:so/" + call + "/" + other +
                                              " | u:Result of the tool tool-b:/2"
                                              " | u:Result of the tool tool-a:/1");
  // A text that ends its line has the call on the next one, as the model wrote it.
  CHECK_EQ(told(with_calls_as_text({calls("so\n", {"a"})})), "a:so/" + call);
  Messages cut{calls("", {"a"})};
  cut[0].tool_calls[0].arguments = "{\"city\": \"Par";
  CHECK(told(with_calls_as_text(cut)).find("{\"city\":\"Par\"}}/</tool_call>") !=
        std::string::npos);
}
