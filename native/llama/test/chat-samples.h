// Replies in the formats of real chat templates, and what each of them says.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "llama/chat/chat-format.h"
#include "llama/chat/chat-message.h"

namespace samples {

struct Sample {
  const char* name;
  const char* file;  // in llama.cpp's models/templates
  std::string reply;
  std::string content, reasoning;
  std::vector<sluice::ChatToolCall> calls;  // an empty id is one that the format does not have
};

// A file in llama.cpp's models/templates.
std::string read_template(const std::string& file);

const std::vector<Sample>& all();

// Of the sample's template, for the tools get_weather(city, days) and run(code), or for the first
// by another name.
std::shared_ptr<const sluice::ChatFormat> format_of(const std::string& file,
                                                    bool takes_one_call = false,
                                                    const std::string& name = "get_weather");

}  // namespace samples
