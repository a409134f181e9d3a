#include "llama/template/message-order.h"

#include <algorithm>
#include <string>
#include <unordered_map>

#include "json.h"
#include "llama/chat/call-ids.h"
#include "llama/chat/tools-fallback.h"
#include "llama/template/call-arguments.h"
#include "llama/tokens/own-marks.h"

namespace sluice {
namespace {

using Messages = std::vector<ChatMessage>;

bool is_of(const ChatMessage& message, const char* role) { return message.role == role; }
bool calls(const ChatMessage& message) { return !message.tool_calls.empty(); }
// Whether it is one of the messages whose roles must alternate.
bool is_turn(const ChatMessage& message) {
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

  // Calls without an id get one.
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

  // An answer without an id belongs to the first call without an answer, of the same tool if the
  // answer names one.
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

// Calls as models of Liquid AI write them, whose templates know no calls: Python calls in a list.
std::string as_text(const std::vector<ChatToolCall>& calls) {
  std::string text;
  for (const ChatToolCall& call : calls) {
    text += (text.empty() ? "" : ", ") + call.name + "(";
    const common_json arguments = common_json::parse(arguments_object(call.arguments));
    bool is_first = true;
    for (const auto& [name, value] : arguments.items()) {
      text += (is_first ? "" : ", ") + name + "=" + value.dump();
      is_first = false;
    }
    text += ")";
  }
  return call_begins() + "[" + text + "]" + call_ends();
}

// A user's message of white space, different for each number: templates that look for the last user
// message compare texts (Mistral Small 3.2 would print the tools before each equal one).
ChatMessage of_silent_user(size_t number) {
  ChatMessage message = of_role("user");
  for (size_t left = number; left > 0; left = (left - 1) / 2) {
    message.content.push_back(left % 2 == 1 ? ' ' : '\n');
  }
  return message;
}

// Brings a conversation into order, in steps. Each step changes only what the template does not
// take.
class Order {
 public:
  Order(Messages messages, const TakesShape& takes)
      : messages_(std::move(messages)), takes_(takes) {}

  Messages done() {
    pair_answers();
    place_systems();
    gather_answers();
    take_calls_apart();
    leave_out_empty();
    alternate();
    keep_system();
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
      const bool is_told = !pairing.is_paired(i) && !takes_(Shape::answer_alone);
      if (message.name.empty() && (is_told || !takes_(Shape::answers_unnamed))) {
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

  // Later system messages become user messages where they stand, so that the prompt before them
  // stays the same.
  void place_systems() {
    const size_t first = first_systems();
    for (size_t i = first; i < messages_.size(); ++i) {
      const bool is_late = is_of(messages_[i], "system");
      if (is_late && !(takes_(Shape::late_system) && takes_(Shape::system))) {
        messages_[i].role = "user";
      }
    }
    if (first == 0) return;
    if (first > 1 && !(takes_(Shape::systems_in_row) && takes_(Shape::system))) {
      for (size_t i = 1; i < first; ++i) join(messages_[0], messages_[i]);
      messages_.erase(messages_.begin() + 1, messages_.begin() + int64_t(first));
    }
    if (!takes_(Shape::system)) tell_by_user(next_user(1));
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

  // The first message, which is the system's, becomes the beginning of a user message.
  void tell_by_user(size_t user) {
    if (user >= messages_.size()) {
      messages_.front().role = "user";
      return;
    }
    messages_[user].content = joined(messages_.front().content, messages_[user].content);
    messages_.erase(messages_.begin());
  }

  // Messages between a call and its answers are moved behind the answers.
  void gather_answers() {
    for (size_t i = 0; i < messages_.size(); ++i) {
      if (!calls(messages_[i])) continue;
      size_t end = i + 1;
      for (size_t at = end; at < messages_.size() && !calls(messages_[at]); ++at) {
        if (!is_of(messages_[at], "tool") || !answers(messages_[at], messages_[i])) continue;
        if (at > end && takes_(Shape::words_before_answer)) return;
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

  // Splits messages that call: their text apart from the calls, and each call with its answers.
  void take_calls_apart() {
    Messages apart;
    apart.reserve(messages_.size());
    for (size_t i = 0; i < messages_.size();) {
      size_t end = i + 1;
      if (!calls(messages_[i])) {
        const bool has_both = !messages_[i].content.empty() && !messages_[i].reasoning.empty();
        if (has_both && !takes_(Shape::text_beside_reasoning)) messages_[i].reasoning.clear();
        apart.push_back(std::move(messages_[i]));
      } else {
        while (end < messages_.size() && is_of(messages_[end], "tool")) ++end;
        take_apart(i, end, apart);
      }
      i = end;
    }
    messages_ = std::move(apart);
  }

  // Splits one message that calls, with the answers behind it up to `end`.
  void take_apart(size_t begin, size_t end, Messages& apart) {
    ChatMessage& caller = messages_[begin];
    if (!caller.reasoning.empty() && !takes_(Shape::calls_beside_reasoning)) {
      caller.reasoning.clear();
    }
    const Shape text = caller.reasoning.empty() ? Shape::text_beside_calls
                                                : Shape::text_and_reasoning_beside_calls;
    if (!caller.content.empty() && !takes_(text)) {
      apart.push_back(of_role("assistant", std::move(caller.content)));
      caller.content.clear();
    }
    sort_answers(begin, end);
    if (caller.tool_calls.size() > 1 && !takes_(Shape::several_calls)) {
      return one_by_one(begin, end, apart);
    }
    for (size_t i = begin; i < end; ++i) apart.push_back(std::move(messages_[i]));
    if (end == begin + 1) answer_nothing(end == messages_.size(), apart);
  }

  // Sorts answers by their calls, where only their order says which call an answer is of.
  void sort_answers(size_t begin, size_t end) {
    const auto first = messages_.begin() + int64_t(begin) + 1;
    const auto last = messages_.begin() + int64_t(end);
    const ChatMessage& caller = messages_[begin];
    const auto is_before = [&](const ChatMessage& one, const ChatMessage& other) {
      return place_of(one, caller) < place_of(other, caller);
    };
    if (std::is_sorted(first, last, is_before) || takes_(Shape::ids_shown)) return;
    std::stable_sort(first, last, is_before);
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
      if (!is_answered) answer_nothing(end == messages_.size() && &call == &all.back(), apart);
      caller.content.clear();
      caller.reasoning.clear();
    }
    for (size_t i = begin + 1; i < end; ++i) {
      if (!messages_[i].role.empty()) apart.push_back(std::move(messages_[i]));
    }
  }

  // Adds empty answers to the calls of the last message in `apart`, where the template needs
  // answers.
  void answer_nothing(bool is_last, Messages& apart) const {
    if (takes_(is_last ? Shape::last_call : Shape::call_alone)) return;
    const std::vector<ChatToolCall> all = apart.back().tool_calls;
    for (const ChatToolCall& call : all) {
      apart.push_back(of_role("tool"));
      apart.back().tool_call_id = call.id;
      apart.back().name = call.name;
    }
  }

  void leave_out_empty() {
    const auto is_left_out = [&](const ChatMessage& one) {
      const bool says_nothing = is_of(one, "assistant") && !calls(one) && one.content.empty();
      return says_nothing && !takes_(Shape::empty_assistant);
    };
    messages_.erase(std::remove_if(messages_.begin(), messages_.end(), is_left_out),
                    messages_.end());
  }

  // Two messages of one role in a row are joined; between two with calls between them, an empty one
  // of the other role is added.
  void alternate() {
    Messages all;
    all.reserve(messages_.size());
    size_t turn_end = 0;  // the index behind the last turn
    size_t silent = 0;
    for (ChatMessage& message : messages_) {
      const bool is_user = is_of(message, "user");
      const bool is_same =
          is_turn(message) && turn_end > 0 && all[turn_end - 1].role == message.role;
      const bool is_next = turn_end == all.size();
      if (is_same && is_next &&
          !(is_user ? takes_(Shape::users_in_row) : takes_(Shape::assistants_in_row))) {
        join(all.back(), message);
        continue;
      }
      if (is_same && !is_next && is_user && !takes_(Shape::user_after_answer)) {
        all.push_back(of_role("assistant"));
      }
      if (is_same && !is_next && !is_user && !takes_(Shape::assistants_around)) {
        all.insert(all.begin() + int64_t(turn_end), of_silent_user(silent++));
      }
      all.push_back(std::move(message));
      if (is_turn(all.back())) turn_end = all.size();
    }
    messages_ = std::move(all);
  }

  void keep_system() {
    if (messages_.empty()) return;  // begin() adds a user message
    if (!is_of(messages_.front(), "system") || is_of(messages_.back(), "user")) return;
    const size_t user = last_user();
    if (user < messages_.size() && !takes_(Shape::system_in_calls)) tell_by_user(user);
  }

  void begin() {
    const size_t first = first_systems();
    const bool is_alone = first == messages_.size();
    if (!is_alone && !is_of(messages_[first], "assistant")) return;
    if (first > 0 || !is_alone) {
      if (takes_(is_alone ? Shape::system_alone : Shape::assistant_first)) return;
    }
    messages_.insert(messages_.begin() + int64_t(first), of_role("user"));
  }

  void write_calls() {
    CallIds ids;
    for (ChatMessage& message : messages_) {
      if (is_of(message, "tool")) {
        message.tool_call_id = written_id(message.tool_call_id, ids);
        if (!takes_as_text(message.content)) message.content = common_json(message.content).dump();
      }
      if (calls(message) && !takes_(Shape::calls)) {
        message.content = joined(message.content, as_text(message.tool_calls));
        message.tool_calls.clear();
      }
      for (ChatToolCall& call : message.tool_calls) {
        call.id = written_id(call.id, ids);
        call.arguments = written(call.arguments);
      }
    }
  }

  std::string written_id(const std::string& id, CallIds& ids) const {
    return CallIds::is_short(id) || takes_(Shape::ids_of_others) ? id : ids.short_id(id);
  }

  // A template that reads an answer as JSON prints other numbers beyond 64 bits, and nothing for
  // null.
  bool takes_as_text(const std::string& answer) const {
    if (answer == "null") return takes_(Shape::answers_as_text);
    size_t digits = 0;
    for (const char c : answer) {
      digits = c >= '0' && c <= '9' ? digits + 1 : 0;
      if (digits > 18) return takes_(Shape::answers_as_text);
    }
    return true;
  }

  std::string written(const std::string& arguments) const {
    const ArgumentsForm given = form_of(arguments);
    if (given.is_object && !given.is_nested && !given.has_null) return arguments;
    const bool is_blank = arguments.find_first_not_of(" \t\r\n") == std::string::npos;
    if (!given.is_object && !is_blank && takes_(Shape::arguments_as_text)) return arguments;
    std::string object = given.is_object ? arguments : arguments_object(arguments);
    const ArgumentsForm form = form_of(object);
    if (form.has_null && !takes_(Shape::null_arguments)) object = with_null_as_text(object);
    if (form.is_nested && !takes_(Shape::nested_arguments)) object = with_flat_values(object);
    return object;
  }

  Messages messages_;
  const TakesShape& takes_;
};

}  // namespace

std::vector<ChatMessage> in_order(std::vector<ChatMessage> messages, const TakesShape& takes,
                                  bool continues) {
  if (!continues) return Order(std::move(messages), takes).done();
  // The template gets only the messages before the last one, which the reply continues.
  ChatMessage last = std::move(messages.back());
  messages.pop_back();
  if (messages.empty()) messages.push_back(of_role("user"));
  messages = Order(std::move(messages), takes).done();
  ChatMessage& before = messages.back();
  if (is_of(before, "assistant") && !calls(before) && !takes(Shape::assistants_in_row)) {
    last.content = joined(before.content, last.content);
    last.reasoning = joined(before.reasoning, last.reasoning);
    messages.pop_back();
  }
  messages.push_back(std::move(last));
  return messages;
}

std::vector<ChatMessage> with_calls_as_text(std::vector<ChatMessage> messages) {
  const Pairing pairing(messages);
  for (ChatMessage& message : messages) {
    if (is_of(message, "tool")) {
      if (message.name.empty()) message.name = pairing.name_of(message);
      message = told_by_user(message);
    }
    for (const ChatToolCall& call : message.tool_calls) {
      // As the model wrote it, so that its state is a beginning of this.
      const bool is_apart = message.content.empty() || message.content.back() == '\n';
      const bool is_whole = form_of(call.arguments).is_object;
      const std::string arguments = is_whole ? call.arguments : arguments_object(call.arguments);
      message.content += (is_apart ? "" : "\n") + fallback_call(call.name, arguments);
    }
    message.tool_calls.clear();
  }
  return messages;
}

bool all_take(Shape shape) {
  switch (shape) {
    case Shape::system:
    case Shape::calls:
    case Shape::empty_assistant:
    case Shape::call_alone:
    case Shape::last_call:
    case Shape::nested_arguments:
    case Shape::null_arguments:
    case Shape::answers_as_text: return true;
    default: return false;
  }
}

}  // namespace sluice
