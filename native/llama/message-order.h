#pragma once

#include <vector>

#include "llama/chat-message.h"

namespace sluice {

// What a chat template takes as it is, found by trying (what_it_takes()). True: it renders such
// messages and all that they say is in the prompt.
struct TemplateTakes {
  bool system = true;           // a message of the system at all
  bool systems_in_row = true;   // several at the beginning
  bool late_system = true;      // one after messages of others
  bool system_alone = true;     // nobody else
  bool system_in_calls = true;  // where a tool's answer is the last message
  bool users_in_row = true;
  bool assistants_in_row = true;
  bool assistant_first = true;
  bool empty_assistant = true;       // one that says nothing
  bool user_after_answer = true;     // right after what a tool answered
  bool assistants_around = true;     // one speaks, then calls, then speaks again
  bool words_before_answer = true;   // a user's message between a call and its answer
  bool answer_alone = true;          // without the call that it answers
  bool call_alone = true;            // without an answer
  bool several_calls = true;         // in one message
  bool text_beside_calls = true;     // what is said in the message that calls
  bool text_beside_thoughts = true;  // and beside thoughts, without calls
  bool calls_beside_thoughts = true;
  bool text_and_thoughts_beside_calls = true;
  bool ids_of_others = true;     // of any length, and of any characters
  bool ids_shown = true;         // else only its place says which call an answer is of
  bool names_wanted = false;     // an answer's tool is named, where its message has the name
  bool cut_arguments = true;     // those that are no JSON, as text
  bool nested_arguments = true;  // objects and arrays within arguments
};

// The conversation as a template takes it: what it takes as it is stays as it is. What becomes of
// the rest is told in docs/templates.md. `continues` leaves the last message the assistant's.
std::vector<ChatMessage> in_order(std::vector<ChatMessage> messages, const TemplateTakes& takes,
                                  bool continues);

// The same for a template of which nothing is known: it takes only what all do.
TemplateTakes takes_least();

}  // namespace sluice
