#pragma once

#include <functional>
#include <vector>

#include "llama/chat/chat-message.h"

namespace sluice {

// What a conversation may have that some templates refuse, or leave out of the prompt.
enum class Shape {
  system,           // a message of the system at all
  systems_in_row,   // several at the beginning
  late_system,      // one after messages of others
  system_alone,     // and no other messages
  system_in_calls,  // while a call or its answer is the last message
  users_in_row,
  assistants_in_row,
  assistant_first,
  empty_assistant,      // a message of an assistant without text
  user_after_answer,    // right after what a tool answered
  assistants_around,    // text of an assistant, then calls, then its text again
  words_before_answer,  // a user's message between a call and its answer
  answer_alone,         // without the call that it answers
  call_alone,           // without an answer, in the middle
  last_call,            // and as the last message
  calls,                // any call
  several_calls,        // in one message
  text_beside_calls,    // in one message
  text_beside_reasoning,
  calls_beside_reasoning,
  text_and_reasoning_beside_calls,
  ids_of_others,      // of any length, and of any characters
  ids_shown,          // ids are printed; else only the order says which call an answer is of
  answers_unnamed,    // answers that do not name their tool
  arguments_as_text,  // also what is no JSON
  nested_arguments,   // objects and arrays within arguments
  null_arguments,
  answers_as_text,  // answers that are JSON, as they stand
  count
};

// Whether a template takes a shape as it is: it renders it, and all of its texts are in the prompt.
using TakesShape = std::function<bool(Shape)>;

// The conversation in a form that a template takes. What the template takes unchanged stays
// unchanged; docs/templates.md says what becomes of the rest. With `continues` the last message
// stays an assistant's. Asks `takes` only about shapes that the conversation has.
std::vector<ChatMessage> in_order(std::vector<ChatMessage> messages, const TakesShape& takes,
                                  bool continues);

// The conversation with its calls as text (fallback_call()) and what tools answered told by the
// user, for templates that know no tools.
std::vector<ChatMessage> with_calls_as_text(std::vector<ChatMessage> messages);

// The shapes that all templates take.
bool all_take(Shape shape);

}  // namespace sluice
