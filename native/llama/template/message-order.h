#pragma once

#include <functional>
#include <vector>

#include "llama/chat/chat-message.h"

namespace sluice {

// What a conversation may hold that some templates refuse, or leave out of the prompt.
enum class Shape {
  system,           // a message of the system at all
  systems_in_row,   // several at the beginning
  late_system,      // one after messages of others
  system_alone,     // nobody else
  system_in_calls,  // while a call or its answer is the last message
  users_in_row,
  assistants_in_row,
  assistant_first,
  empty_assistant,      // one that says nothing
  user_after_answer,    // right after what a tool answered
  assistants_around,    // an assistant speaks, then calls, then speaks again
  words_before_answer,  // a user's message between a call and its answer
  answer_alone,         // without the call that it answers
  call_alone,           // without an answer, in the middle
  last_call,            // and as the last message
  calls,                // calls as such
  several_calls,        // in one message
  text_beside_calls,    // what is said in the message that calls
  text_beside_thoughts,
  calls_beside_thoughts,
  text_and_thoughts_beside_calls,
  ids_of_others,      // of any length, and of any characters
  ids_shown,          // else only its place says which call an answer is of
  answers_unnamed,    // answers that do not name their tool
  arguments_as_text,  // also what is no JSON
  nested_arguments,   // objects and arrays within arguments
  null_arguments,
  answers_as_text,  // answers that are JSON, as they stand
  count
};

// Whether a template takes a shape as it is: it renders it, and all that is said is in the prompt.
using TakesShape = std::function<bool(Shape)>;

// The conversation as a template takes it: what it takes as it is stays as it is. What becomes of
// the rest is told in docs/templates.md. `continues` leaves the last message the assistant's. Asks
// only of shapes that the conversation has.
std::vector<ChatMessage> in_order(std::vector<ChatMessage> messages, const TakesShape& takes,
                                  bool continues);

// Of a template of which nothing is known: it takes what all do.
bool all_take(Shape shape);

}  // namespace sluice
