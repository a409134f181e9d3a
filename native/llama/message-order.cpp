#include "llama/message-order.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "llama/call-arguments.h"
#include "llama/call-ids.h"

namespace sluice {
namespace {

using Messages = std::vector<ChatMessage>;

bool is_of(const ChatMessage& message, const char* role) { return message.role == role; }
bool calls(const ChatMessage& message) { return !message.tool_calls.empty(); }
// Whether it counts where roles must alternate.
bool speaks(const ChatMessage& message) {
  return is_of(message, "user") || (is_of(message, "assistant") && !calls(message));
}

ChatMessage of_role(const char* role, std::string content = "") {
  ChatMessage message;
  message.role = role;
  message.content = std::move(content);
  return message;
}

std::string joined(const std::string& first, const std::string& second) {
  return first.empty() || second.empty() ? first + second : first + "\n\n" + second;
}

void join(ChatMessage& first, const ChatMessage& second) {
  first.content = joined(first.content, second.content);
  first.reasoning = joined(first.reasoning, second.reasoning);
}

ChatMessage told_by_user(const ChatMessage& answer) {
  const std::string tool = answer.name.empty() ? "a tool" : "the tool " + answer.name;
  return of_role("user", "Result of " + tool + ":\n" + answer.content);
}

// Which call each answer is of: one of the last message that calls.
class Pairing {
 public:
  explicit Pairing(Messages& messages) : is_paired_(messages.size()) {
    for (const ChatMessage& message : messages) {
      for (const ChatToolCall& call : message.tool_calls) names_[call.id] = call.name;
    }
    for (size_t i = 0; i < messages.size(); ++i) {
      if (calls(messages[i])) note_calls(messages[i]);
      if (is_of(messages[i], "tool")) is_paired_[i] = pair(messages[i]);
    }
  }

  bool is_paired(size_t message) const { return is_paired_[message]; }
  // Empty where no message has such a call.
  std::string name_of(const ChatMessage& answer) const {
    const auto call = names_.find(answer.tool_call_id);
    return call == names_.end() ? "" : call->second;
  }

 private:
  struct Call {
    std::string id, name;
    bool is_answered = false;
  };

  // Those without an id get one.
  void note_calls(ChatMessage& message) {
    last_.clear();
    for (ChatToolCall& call : message.tool_calls) {
      if (call.id.empty()) names_[call.id = made_id()] = call.name;
      last_.push_back({call.id, call.name});
    }
  }

  std::string made_id() {
    std::string id;
    do {
      id = std::to_string(made_++);
      id = "call" + std::string(id.size() < 5 ? 5 - id.size() : 0, '0') + id;
    } while (names_.count(id) != 0);
    return id;
  }

  // One without an id is of the first call that waits for one, by the same tool if it names one.
  bool pair(ChatMessage& answer) {
    const auto call = std::find_if(last_.begin(), last_.end(), [&](const Call& one) {
      if (!answer.tool_call_id.empty()) return one.id == answer.tool_call_id;
      return !one.is_answered && (answer.name.empty() || answer.name == one.name);
    });
    if (call == last_.end()) return false;
    call->is_answered = true;
    answer.tool_call_id = call->id;
    return true;
  }

  std::vector<bool> is_paired_;
  std::unordered_map<std::string, std::string> names_;  // by id
  std::vector<Call> last_;                              // of the last message that calls
  size_t made_ = 0;
};

// A conversation on its way. Each step changes only what the template does not take.
class Order {
 public:
  Order(Messages messages, const TemplateTakes& takes)
      : messages_(std::move(messages)), takes_(takes) {}

  Messages done() {
    pair_answers();
    place_systems();
    gather_answers();
    take_calls_apart();
    leave_out_empty();
    alternate();
    begin();
    write_calls();
    return std::move(messages_);
  }

 private:
  void pair_answers() {
    const Pairing pairing(messages_);
    for (size_t i = 0; i < messages_.size(); ++i) {
      ChatMessage& message = messages_[i];
      if (!is_of(message, "tool")) continue;
      const bool is_told = !pairing.is_paired(i) && !takes_.answer_alone;
      if (message.name.empty() && (is_told || takes_.names_wanted)) {
        message.name = pairing.name_of(message);
      }
      if (is_told) message = told_by_user(message);
    }
  }

  size_t first_systems() const {
    const auto end = std::find_if(messages_.begin(), messages_.end(),
                                  [](const ChatMessage& one) { return !is_of(one, "system"); });
    return size_t(end - messages_.begin());
  }

  // Later ones are told by the user where they stand, so that what is before them stays the same.
  void place_systems() {
    size_t first = first_systems();
    if (!takes_.late_system || !takes_.system) {
      for (size_t i = first; i < messages_.size(); ++i) {
        if (is_of(messages_[i], "system")) messages_[i].role = "user";
      }
    }
    if (first > 1 && (!takes_.systems_in_row || !takes_.system)) {
      for (size_t i = 1; i < first; ++i) join(messages_[0], messages_[i]);
      messages_.erase(messages_.begin() + 1, messages_.begin() + int64_t(first));
      first = 1;
    }
    if (first == 0) return;
    if (!takes_.system) return tell_by_user(next_user(1));
    if (!takes_.system_in_calls && !is_of(messages_.back(), "user")) tell_by_user(last_user());
  }

  size_t next_user(size_t from) const {
    while (from < messages_.size() && !is_of(messages_[from], "user")) ++from;
    return from;
  }

  size_t last_user() const {
    size_t at = messages_.size();
    while (at > 0 && !is_of(messages_[at - 1], "user")) --at;
    return at == 0 ? messages_.size() : at - 1;
  }

  // The first message, the system's, becomes the beginning of a user's.
  void tell_by_user(size_t user) {
    if (user >= messages_.size()) {
      messages_.front().role = "user";
      return;
    }
    messages_[user].content = joined(messages_.front().content, messages_[user].content);
    messages_.erase(messages_.begin());
  }

  // What somebody says between a call and its answers comes after them.
  void gather_answers() {
    if (takes_.words_before_answer) return;
    for (size_t i = 0; i < messages_.size(); ++i) {
      if (!calls(messages_[i])) continue;
      size_t end = i + 1;
      for (size_t at = end; at < messages_.size() && !calls(messages_[at]); ++at) {
        if (!is_of(messages_[at], "tool") || !answers(messages_[at], messages_[i])) continue;
        const auto answer = messages_.begin() + int64_t(at);
        std::rotate(messages_.begin() + int64_t(end), answer, answer + 1);
        ++end;
      }
    }
  }

  static bool answers(const ChatMessage& answer, const ChatMessage& caller) {
    return place_of(answer, caller) < caller.tool_calls.size();
  }

  static size_t place_of(const ChatMessage& answer, const ChatMessage& caller) {
    const auto& all = caller.tool_calls;
    const auto call = std::find_if(all.begin(), all.end(), [&](const ChatToolCall& one) {
      return one.id == answer.tool_call_id;
    });
    return size_t(call - all.begin());
  }

  // Of messages that call: what is said beside the calls, and each call with its answers.
  void take_calls_apart() {
    Messages apart;
    apart.reserve(messages_.size());
    for (size_t i = 0; i < messages_.size();) {
      size_t end = i + 1;
      if (!calls(messages_[i])) {
        if (!takes_.text_beside_thoughts && !messages_[i].content.empty()) {
          messages_[i].reasoning.clear();
        }
        apart.push_back(std::move(messages_[i]));
      } else {
        while (end < messages_.size() && is_of(messages_[end], "tool")) ++end;
        take_apart(i, end, apart);
      }
      i = end;
    }
    messages_ = std::move(apart);
  }

  // A message that calls and the answers behind it, up to `end`.
  void take_apart(size_t begin, size_t end, Messages& apart) {
    ChatMessage& caller = messages_[begin];
    const bool has_thoughts = !caller.reasoning.empty();
    const bool takes_text = has_thoughts && takes_.calls_beside_thoughts
                                ? takes_.text_and_thoughts_beside_calls
                                : takes_.text_beside_calls;
    if (!caller.content.empty() && !takes_text) {
      apart.push_back(of_role("assistant", std::move(caller.content)));
      caller.content.clear();
    }
    if (!takes_.calls_beside_thoughts) caller.reasoning.clear();
    if (!takes_.ids_shown) {
      std::stable_sort(messages_.begin() + int64_t(begin) + 1, messages_.begin() + int64_t(end),
                       [&](const ChatMessage& one, const ChatMessage& other) {
                         return place_of(one, caller) < place_of(other, caller);
                       });
    }
    if (takes_.several_calls || caller.tool_calls.size() == 1) {
      const bool is_answered = end > begin + 1;
      for (size_t i = begin; i < end; ++i) apart.push_back(std::move(messages_[i]));
      if (!is_answered && !takes_.call_alone) answer_nothing(apart.back(), apart);
      return;
    }
    one_by_one(begin, end, apart);
  }

  void one_by_one(size_t begin, size_t end, Messages& apart) {
    ChatMessage caller = std::move(messages_[begin]);
    const std::vector<ChatToolCall> all = std::move(caller.tool_calls);
    for (const ChatToolCall& call : all) {
      caller.tool_calls = {call};
      apart.push_back(caller);
      bool is_answered = false;
      for (size_t i = begin + 1; i < end; ++i) {
        if (!is_of(messages_[i], "tool") || messages_[i].tool_call_id != call.id) continue;
        apart.push_back(std::move(messages_[i]));
        messages_[i].role.clear();
        is_answered = true;
      }
      if (!is_answered && !takes_.call_alone) answer_nothing(caller, apart);
      caller.content.clear();
      caller.reasoning.clear();
    }
    for (size_t i = begin + 1; i < end; ++i) {
      if (!messages_[i].role.empty()) apart.push_back(std::move(messages_[i]));
    }
  }

  static void answer_nothing(const ChatMessage& caller, Messages& apart) {
    std::vector<ChatMessage> none;
    for (const ChatToolCall& call : caller.tool_calls) {
      none.push_back(of_role("tool"));
      none.back().tool_call_id = call.id;
      none.back().name = call.name;
    }
    apart.insert(apart.end(), none.begin(), none.end());
  }

  void leave_out_empty() {
    if (takes_.empty_assistant) return;
    const auto says_nothing = [](const ChatMessage& one) {
      return is_of(one, "assistant") && !calls(one) && one.content.empty();
    };
    messages_.erase(std::remove_if(messages_.begin(), messages_.end(), says_nothing),
                    messages_.end());
  }

  // Two of one role in a row are one message; between two that calls part, the other role says
  // nothing.
  void alternate() {
    Messages all;
    all.reserve(messages_.size());
    size_t spoke = 0;  // one behind the last that spoke
    for (ChatMessage& message : messages_) {
      const bool is_user = is_of(message, "user");
      const bool is_same = speaks(message) && spoke > 0 && all[spoke - 1].role == message.role;
      const bool is_next = spoke == all.size();
      if (is_same && is_next && !(is_user ? takes_.users_in_row : takes_.assistants_in_row)) {
        join(all.back(), message);
        continue;
      }
      if (is_same && !is_next && is_user && !takes_.user_after_answer) {
        all.push_back(of_role("assistant"));
      }
      if (is_same && !is_next && !is_user && !takes_.assistants_around) {
        all.insert(all.begin() + int64_t(spoke), of_role("user"));
      }
      all.push_back(std::move(message));
      if (speaks(all.back())) spoke = all.size();
    }
    messages_ = std::move(all);
  }

  void begin() {
    const size_t first = first_systems();
    const bool is_alone = first == messages_.size();
    if (is_alone ? takes_.system_alone && first > 0 : takes_.assistant_first) return;
    if (!is_alone && !is_of(messages_[first], "assistant")) return;
    messages_.insert(messages_.begin() + int64_t(first), of_role("user"));
  }

  void write_calls() {
    CallIds ids;
    for (ChatMessage& message : messages_) {
      if (!takes_.ids_of_others && is_of(message, "tool")) {
        message.tool_call_id = ids.short_id(message.tool_call_id);
      }
      for (ChatToolCall& call : message.tool_calls) {
        if (!takes_.ids_of_others) call.id = ids.short_id(call.id);
        call.arguments = written(call.arguments);
      }
    }
  }

  std::string written(const std::string& arguments) const {
    const bool is_blank = arguments.find_first_not_of(" \t\r\n") == std::string::npos;
    if (takes_.cut_arguments && !is_blank) return arguments;
    std::string object = arguments_object(arguments);
    return takes_.nested_arguments ? object : with_flat_values(object);
  }

  Messages messages_;
  const TemplateTakes& takes_;
};

}  // namespace

std::vector<ChatMessage> in_order(std::vector<ChatMessage> messages, const TemplateTakes& takes,
                                  bool continues) {
  if (!continues) return Order(std::move(messages), takes).done();
  // The template sees only what is before the message that goes on.
  ChatMessage last = std::move(messages.back());
  messages.pop_back();
  if (messages.empty()) messages.push_back(of_role("user"));
  messages = Order(std::move(messages), takes).done();
  ChatMessage& before = messages.back();
  if (!takes.assistants_in_row && is_of(before, "assistant") && !calls(before)) {
    last.content = joined(before.content, last.content);
    messages.pop_back();
  }
  messages.push_back(std::move(last));
  return messages;
}

TemplateTakes takes_least() {
  TemplateTakes takes;
  takes.systems_in_row = takes.late_system = takes.system_alone = takes.system_in_calls = false;
  takes.users_in_row = takes.assistants_in_row = takes.assistant_first = false;
  takes.user_after_answer = takes.assistants_around = takes.words_before_answer = false;
  takes.answer_alone = takes.several_calls = false;
  takes.text_beside_calls = takes.text_beside_thoughts = takes.calls_beside_thoughts = false;
  takes.text_and_thoughts_beside_calls = false;
  takes.ids_of_others = takes.ids_shown = takes.cut_arguments = false;
  takes.names_wanted = true;
  return takes;
}

}  // namespace sluice
