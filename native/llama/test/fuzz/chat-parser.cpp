// The parser of replies in the formats of real chat templates: a reply in pieces says what it says
// whole, deltas can be joined, and llama.cpp's parser reads no more than linearly.
#include "llama/chat/chat-parser.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../chat-samples.h"
#include "engine/request/text-stream.h"
#include "fuzz.h"

namespace {

using sluice::ChatDelta;
using sluice::ChatFormat;
using sluice::ChatParser;

struct Reply {
  std::string content, reasoning;
  std::vector<std::string> names, arguments;
  bool is_broken = false;

  bool operator==(const Reply& other) const {
    return content == other.content && reasoning == other.reasoning && names == other.names &&
           arguments == other.arguments;
  }
};

// As a client joins them; ends at a delta that no client could join.
void join(Reply& reply, const ChatDelta& delta) {
  for (const ChatDelta::Piece& piece : delta.pieces) {
    MUST(piece.text.empty() + piece.reasoning.empty() + piece.tool_calls.empty() == 2);
    reply.content += piece.text;
    reply.reasoning += piece.reasoning;
    for (const sluice::ToolCallDelta& call : piece.tool_calls) {
      const size_t index = size_t(call.index);
      MUST(index <= reply.names.size());
      const bool is_new = index == reply.names.size();
      MUST(call.id.empty() != is_new && call.name.empty() != is_new);
      if (is_new) {
        reply.names.push_back(call.name);
        reply.arguments.emplace_back();
      }
      reply.arguments[index] += call.arguments;
    }
  }
}

Reply parsed(const std::shared_ptr<const ChatFormat>& format,
             const std::vector<std::string>& pieces, bool was_cut) {
  ChatParser parser(format);
  Reply reply;
  size_t length = format->generation_prompt().size();
  for (const std::string& piece : pieces) {
    parser.append(piece);
    join(reply, parser.take());
    length += piece.size();
  }
  parser.finish(was_cut);
  join(reply, parser.take());
  reply.is_broken = parser.broken();
  // What is read once it is over, to find where it left its format, is some 20 times the reply.
  MUST(parser.bytes_read() <= int64_t(length) * 64 + (512 << 10));
  return reply;
}

const std::vector<std::shared_ptr<const ChatFormat>>& formats() {
  static const auto all = [] {
    std::map<std::string, std::shared_ptr<const ChatFormat>> by_file;
    for (const samples::Sample& sample : samples::all()) {
      auto& format = by_file[sample.file];
      if (!format) format = samples::format_of(sample.file);
    }
    std::vector<std::shared_ptr<const ChatFormat>> formats;
    for (const auto& [file, format] : by_file) formats.push_back(format);
    return formats;
  }();
  return all;
}

// The reply as it comes from the engine: in whole characters.
std::vector<std::string> pieces_of(const std::string& reply, fuzz::Cuts cuts) {
  sluice::TextStream stream({});
  std::vector<std::string> pieces;
  for (size_t at = 0; at < reply.size();) {
    const size_t end = cuts.next(at, reply.size());
    stream.append(std::string_view(reply).substr(at, end - at));
    const std::string piece = stream.take();
    if (!piece.empty()) pieces.push_back(piece);
    at = end;
  }
  stream.finish();
  const std::string last = stream.take();
  if (!last.empty()) pieces.push_back(last);
  return pieces;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  const auto format = formats()[input.byte() % formats().size()];
  const fuzz::Cuts cuts(input.byte());
  const bool was_cut = input.byte() % 2 == 1;
  const std::vector<std::string> pieces = pieces_of(input.rest(), cuts);
  std::string text;
  for (const std::string& piece : pieces) text += piece;
  const Reply whole = parsed(format, {text}, was_cut);
  const Reply streamed = parsed(format, pieces, was_cut);
  // What was sent in pieces may break a reply that is judged as a whole.
  if (!streamed.is_broken && !whole.is_broken) MUST(streamed == whole);
  return 0;
}
