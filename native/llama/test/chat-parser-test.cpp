#include "llama/chat/chat-parser.h"

#include <functional>
#include <random>

#include "base/stack.h"
#include "chat-peg-parser.h"
#include "chat-samples.h"
#include "on-stack.h"
#include "test/check.h"

using samples::on_stack_of;
using samples::Sample;
using sluice::ChatDelta;
using sluice::ChatFormat;
using sluice::ChatParser;
using sluice::ChatToolCall;
using sluice::ReplyPiece;
using sluice::ToolCallDelta;

namespace {

struct Reply {
  std::string content, reasoning;
  std::vector<ChatToolCall> calls;
  std::string order;  // of kinds: one letter for each change
  bool broken = false, calls_tools = false;
  int64_t bytes_read = 0;
};

void note(Reply& reply, char kind) {
  if (reply.order.empty() || reply.order.back() != kind) reply.order.push_back(kind);
}

// As a client joins them; fails at a delta that no client could join.
void join(Reply& reply, const ChatDelta& delta) {
  for (const ChatDelta::Piece& piece : delta.pieces) {
    CHECK(piece.kind() != ReplyPiece::Kind::none);
    CHECK_EQ(piece.text.empty() + piece.reasoning.empty() + piece.tool_calls.empty(), 2);
    reply.content += piece.text;
    reply.reasoning += piece.reasoning;
    if (!piece.text.empty()) note(reply, 't');
    if (!piece.reasoning.empty()) note(reply, 'r');
    for (const ToolCallDelta& call : piece.tool_calls) {
      note(reply, 'c');
      const size_t index = size_t(call.index);
      CHECK(index <= reply.calls.size());
      if (index == reply.calls.size()) {
        CHECK(!call.id.empty() && !call.name.empty());
        reply.calls.push_back({call.id, call.name, ""});
      } else {
        CHECK(call.id.empty() && call.name.empty());
      }
      reply.calls[index].arguments += call.arguments;
    }
  }
}

size_t next_character(const std::string& text, size_t from) {
  size_t end = from + 1;
  while (end < text.size() && (text[end] & 0xC0) == 0x80) ++end;
  return end;
}

using Cut = std::function<size_t(const std::string&, size_t)>;

Reply parse(const std::shared_ptr<const ChatFormat>& format, const std::string& text,
            const Cut& piece_end, bool was_cut = false) {
  ChatParser parser(format);
  Reply reply;
  for (size_t from = 0; from < text.size();) {
    const size_t end = piece_end(text, from);
    parser.append(text.substr(from, end - from));
    join(reply, parser.take());
    from = end;
  }
  parser.finish(was_cut);
  join(reply, parser.take());
  reply.broken = parser.broken();
  reply.calls_tools = parser.calls_tools();
  reply.bytes_read = parser.bytes_read();
  return reply;
}

size_t whole(const std::string& text, size_t) { return text.size(); }

void check_same(const Reply& reply, const Sample& sample) {
  const std::string name = std::string(sample.name) + ": ";
  CHECK(!reply.broken);
  CHECK_EQ(name + reply.content, name + sample.content);
  CHECK_EQ(name + reply.reasoning, name + sample.reasoning);
  CHECK_EQ(reply.calls.size(), sample.calls.size());
  CHECK_EQ(reply.calls_tools, !sample.calls.empty());
  for (size_t i = 0; i < reply.calls.size(); ++i) {
    CHECK_EQ(reply.calls[i].name, sample.calls[i].name);
    CHECK_EQ(reply.calls[i].arguments, sample.calls[i].arguments);
    if (!sample.calls[i].id.empty()) CHECK_EQ(reply.calls[i].id, sample.calls[i].id);
  }
}

bool begins(const std::string& text, const std::string& beginning) {
  return text.compare(0, beginning.size(), beginning) == 0;
}

}  // namespace

TEST("chat parser: replies say the same in one piece, by the character and in random pieces") {
  std::mt19937 random(7);
  for (const Sample& sample : samples::all()) {
    const auto format = samples::format_of(sample.file);
    check_same(parse(format, sample.reply, whole), sample);
    check_same(parse(format, sample.reply, next_character), sample);
    for (int i = 0; i < 20; ++i) {
      check_same(parse(format, sample.reply,
                       [&](const std::string& text, size_t from) {
                         size_t end = from;
                         for (int n = int(random() % 9) + 1; n > 0 && end < text.size(); --n) {
                           end = next_character(text, end);
                         }
                         return end;
                       }),
                 sample);
    }
  }
}

TEST("chat parser: a reply cut anywhere yields beginnings of the whole, ids and names whole") {
  for (const Sample& sample : samples::all()) {
    const auto format = samples::format_of(sample.file);
    for (size_t end = 0; end < sample.reply.size(); end = next_character(sample.reply, end)) {
      const std::string cut = sample.reply.substr(0, end);
      const Reply reply = parse(format, cut, next_character, true);
      const std::string where = std::string(sample.name) + " cut to " + cut + ": ";
      CHECK_EQ(where + (reply.broken ? "broken" : "sound"), where + "sound");
      CHECK_EQ(where + reply.content, where + sample.content.substr(0, reply.content.size()));
      CHECK_EQ(where + reply.reasoning, where + sample.reasoning.substr(0, reply.reasoning.size()));
      CHECK(reply.calls.size() <= sample.calls.size());
      for (size_t i = 0; i < reply.calls.size(); ++i) {
        CHECK_EQ(where + reply.calls[i].name, where + sample.calls[i].name);
        CHECK(begins(sample.calls[i].arguments, reply.calls[i].arguments));
      }
    }
  }
}

TEST("chat parser: names with dots, slashes and colons are read as they are, in every format") {
  const std::string old = "get_weather";
  const std::vector<std::string> names{"fs/get.weather", "a:b@c+d-e", std::string(128, 'x')};
  for (const std::string& name : names) {
    for (Sample sample : samples::all()) {
      const auto format = samples::format_of(sample.file, false, name);
      for (size_t at = sample.reply.find(old); at != std::string::npos;) {
        sample.reply.replace(at, old.size(), name);
        at = sample.reply.find(old, at + name.size());
      }
      for (auto& call : sample.calls) {
        if (call.name == old) call.name = name;
      }
      check_same(parse(format, sample.reply, next_character), sample);
    }
  }
}

TEST("chat parser: a delimiter that is begun and never ended is text at the reply's end") {
  const auto format = samples::format_of("Qwen-Qwen2.5-7B-Instruct.jinja");
  CHECK_EQ(parse(format, "I like <tool", next_character).content, "I like <tool");
  CHECK_EQ(parse(format, "I like <tool", next_character, true).content, "I like ");
}

TEST("chat parser: a reply that is no call after all is text, and nothing of it is lost") {
  const auto format = samples::format_of("meta-llama-Llama-3.2-3B-Instruct.jinja");
  const std::string text =
      "In C: int main() { return 0; } and in JSON {\"a\": 1}, which is a different thing.";
  CHECK_EQ(parse(format, text, whole).content, text);
  const Reply reply = parse(format, text, next_character);
  CHECK_EQ(reply.content, text);
  CHECK(!reply.calls_tools);
}

TEST("chat parser: half a character at the end of a reply that left its format is kept") {
  const std::string half = "\xEF\xBF\xBD";
  for (const char* const file :
       {"Qwen-Qwen2.5-7B-Instruct.jinja", "NousResearch-Hermes-3-Llama-3.1-8B-tool_use.jinja"}) {
    const auto format = samples::format_of(file);
    const std::string text = "So.\n<tool_call>\n{\"name\": \"g\", of which nothing comes" + half;
    CHECK_EQ(parse(format, text, whole, true).content, text);
    CHECK_EQ(parse(format, text, next_character, true).content, text);
  }
  // Within a mark it is no text: the mark was cut there.
  const auto format = samples::format_of("Qwen-Qwen2.5-7B-Instruct.jinja");
  CHECK_EQ(parse(format, "So.<tool_c" + half, whole, true).content,
           parse(format, "So.<tool_c" + half, next_character, true).content);
}

TEST("chat parser: a call that breaks off its arguments breaks the reply, without a bad delta") {
  const auto format = samples::format_of("Qwen-Qwen2.5-7B-Instruct.jinja");
  const Reply reply = parse(
      format, "<tool_call>\n{\"name\": \"run\", \"arguments\": {\"code\": 12]}}", next_character);
  CHECK(reply.broken);
  CHECK_EQ(reply.calls.size(), size_t(1));
  CHECK(begins(reply.calls[0].arguments, "{\"code\": 12"));
}

TEST("chat parser: llama.cpp's parser reads no more than linearly in the reply") {
  const std::string words = "The quick brown fox jumps, \\\"so to say\\\", over 13 lazy dogs. ";
  std::string text;
  while (text.size() < 200 * 1024) text += words;
  const std::string call = "{\"name\": \"run\", \"arguments\": {\"code\": \"" + text + "\"}}";
  const auto check_linear = [](const Reply& reply, size_t length) {
    CHECK(!reply.broken);
    CHECK(reply.bytes_read <= int64_t(length) * 10 + (256 << 10));
  };
  const auto qwen = samples::format_of("Qwen-Qwen3-0.6B.jinja");
  const std::string thoughts = "<think>\n" + text + "\n</think>\n\n" + text;
  const std::string calls = "<tool_call>\n" + call + "\n</tool_call>";
  Reply reply = parse(qwen, thoughts, next_character);
  check_linear(reply, thoughts.size());
  CHECK_EQ(reply.content, text);
  reply = parse(qwen, calls, next_character);
  check_linear(reply, calls.size());
  CHECK_EQ(reply.calls.size(), size_t(1));
  CHECK_EQ(reply.calls[0].arguments.size(), text.size() + 12);
  const std::string gemma = "<|tool_call>call:run{code:<|\"|>" + text + "<|\"|>}<tool_call|>";
  check_linear(parse(samples::format_of("google-gemma-4-31B-it.jinja"), gemma, next_character),
               gemma.size());
}

TEST("chat parser: many short calls are read in linear time") {
  std::string text;
  for (int i = 0; i < 500; ++i) {
    text +=
        "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\", "
        "\"days\": " +
        std::to_string(i) + "}}\n</tool_call>\n";
  }
  const auto format = samples::format_of("Qwen-Qwen2.5-7B-Instruct.jinja");
  Reply reply;
  on_stack_of(size_t(512) << 20, [&] { reply = parse(format, text, next_character); });
  CHECK_EQ(reply.calls.size(), size_t(500));
  CHECK(reply.bytes_read <= int64_t(text.size()) * 10 + (256 << 10));
}

TEST("chat parser: the beginning of a second call ends the reply where one is allowed") {
  const auto format = samples::format_of("Qwen-Qwen2.5-7B-Instruct.jinja", true);
  const Sample& two = samples::all().front();
  ChatParser parser(format);
  Reply reply;
  for (size_t from = 0; from < two.reply.size() && !parser.has_enough();) {
    const size_t end = next_character(two.reply, from);
    parser.append(two.reply.substr(from, end - from));
    join(reply, parser.take());
    from = end;
  }
  CHECK(parser.has_enough());
  parser.finish(false);
  join(reply, parser.take());
  CHECK(parser.calls_tools());
  CHECK_EQ(reply.calls.size(), size_t(1));
  CHECK_EQ(reply.calls[0].arguments, two.calls[0].arguments);
}

TEST("chat parser: a reply that opens too many brackets is broken before any recursion") {
  const auto format = samples::format_of("Qwen-Qwen2.5-7B-Instruct.jinja");
  const std::string begin = "<tool_call>\n{\"name\": \"run\", \"arguments\": {\"code\": ";
  const std::string deep = begin + std::string(ChatParser::kBracketsMax, '[');
  CHECK(parse(format, deep, whole).broken);
}

TEST("chat parser: text that follows a call without a name belongs to no call") {
  const auto arena = build_chat_peg_parser([](common_chat_peg_builder& p) {
    const auto nameless = p.tool(p.tool_open(p.literal("[")) + p.tool_id(p.chars("[a-z]")) +
                                 p.tool_close(p.literal("]")));
    return nameless + p.tool_args(p.json()) + p.end();
  });
  common_chat_params params;
  params.format = COMMON_CHAT_FORMAT_PEG_NATIVE;
  params.parser = arena.save();
  const auto format = std::make_shared<const ChatFormat>(params);
  const std::string arguments = "{\"text\": \"" + std::string(100, 'x') + "\"}";
  const Reply reply = parse(format, "[abc]" + arguments, next_character);
  CHECK(reply.calls.empty());
  CHECK(!reply.broken);
}

// A format that may change its mind at any place: `[thoughts]`, `{call}`, and text.
std::shared_ptr<const ChatFormat> interleaving_format() {
  const auto arena = build_chat_peg_parser([](common_chat_peg_builder& p) {
    const auto thoughts = p.literal("[") + p.reasoning(p.until("]")) + p.literal("]");
    const auto call = p.tool(p.tool_open(p.literal("<")) + p.tool_name(p.chars("[a-z]")) +
                             p.tool_args(p.json()) + p.tool_close(p.literal(">")));
    const auto text = p.content(p.chars("[a-zA-Z .]"));
    return p.zero_or_more(p.choice({thoughts, call, text})) + p.end();
  });
  common_chat_params params;
  params.format = COMMON_CHAT_FORMAT_PEG_NATIVE;
  params.parser = arena.save();
  return std::make_shared<const ChatFormat>(params);
}

TEST("chat parser: text, thoughts and calls leave in the order in which they were written") {
  const auto format = interleaving_format();
  const std::string text =
      "Well.[one]Then.<run{\"a\": 1}>[two]<run{\"a\": 2}><run{\"a\": 3}>So.[three]";
  for (const Cut& cut : {Cut(whole), Cut(next_character)}) {
    const Reply reply = parse(format, text, cut);
    CHECK(!reply.broken);
    CHECK_EQ(reply.order, std::string("trtcrctr"));
    CHECK_EQ(reply.content, std::string("Well.Then.So."));
    CHECK_EQ(reply.reasoning, std::string("onetwothree"));
    CHECK_EQ(reply.calls.size(), size_t(3));
  }
}

#ifndef _WIN32
TEST("chat parser: as many brackets as a reply may open fit the stack that there is") {
  for (const size_t mib : {size_t(512), size_t(8)}) {
    on_stack_of(mib << 20, [&] {
      const int32_t most = ChatParser::brackets_max(sluice::stack_bytes());
      CHECK_EQ(most, mib == 512 ? ChatParser::kBracketsMax : 768);
      const auto format = samples::format_of("Qwen-Qwen2.5-7B-Instruct.jinja");
      const std::string begin = "<tool_call>\n{\"name\": \"run\", \"arguments\": {\"code\": ";
      const auto begin_first = [&](const std::string& text, size_t from) {
        return from == 0 ? begin.size() : text.size();
      };
      const std::string deep = begin + std::string(size_t(most) - 2, '[');
      const Reply reply = parse(format, deep, begin_first, true);
      CHECK(!reply.broken);
      CHECK_EQ(reply.calls.size(), size_t(1));
      CHECK_EQ(reply.calls[0].arguments.size(), size_t(most) - 2 + 9);
      CHECK(parse(format, deep + "[", begin_first, true).broken);
    });
  }
}
#endif
