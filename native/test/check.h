// The native tests' whole framework:
//
//   TEST("a sentence") {
//     CHECK(x == y);
//     CHECK_EQ(received, expected);
//   }
//
// A case ends at its first failed check. test/native/native.test.ts runs the program and makes each
// case a vitest test, by these lines of JSON: {"name": ..., "ok": ..., "message": ...}
#pragma once

#include <cstdio>
#include <cstring>
#include <exception>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace check {

struct Case {
  const char* name;
  void (*body)();
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

struct Registration {
  Registration(const char* name, void (*body)()) { cases().push_back({name, body}); }
};

[[noreturn]] inline void fail(const char* file, int line, const std::string& what) {
  const char* slash = std::strrchr(file, '/');
  throw std::runtime_error(std::string(slash ? slash + 1 : file) + ":" + std::to_string(line) +
                           ": " + what);
}

template <typename A, typename B>
void equal(const A& received, const B& expected, const char* file, int line, const char* text) {
  if (received == expected) return;
  std::ostringstream what;
  what << std::boolalpha << text << ": received " << received << ", expected " << expected;
  fail(file, line, what.str());
}

inline std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const unsigned char c : text) {
    char escape[8];
    std::snprintf(escape, sizeof escape, "\\u%04x", c);
    out += c < 0x20 || c == '"' || c == '\\' ? std::string(escape) : std::string(1, c);
  }
  return out + "\"";
}

// An empty message is a passed case.
inline void print_result(const std::string& name, const std::string& message) {
  std::printf("{\"name\": %s, \"ok\": %s, \"message\": %s}\n", quoted(name).c_str(),
              message.empty() ? "true" : "false", quoted(message).c_str());
  std::fflush(stdout);  // a case that crashes must not take its predecessors' lines along
}

inline bool run_case(const Case& test) {
  std::string message;
  try {
    test.body();
  } catch (const std::exception& error) {
    message = error.what();
    if (message.empty()) message = "an exception without a message";
  } catch (...) {
    message = "something that is no std::exception was thrown";
  }
  print_result(test.name, message);
  return message.empty();
}

// `--list` prints the names; any other argument runs only the cases whose name holds it.
inline int run_all(int argc, char** argv) {
  const std::string argument = argc > 1 ? argv[1] : "";
  int failed = 0;
  for (const Case& test : cases()) {
    if (argument == "--list") {
      std::printf("%s\n", check::quoted(test.name).c_str());
    } else if (std::string(test.name).find(argument) != std::string::npos) {
      failed += run_case(test) ? 0 : 1;
    }
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace check

#define CHECK_JOIN_(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN_(a, b)
#define TEST_(sentence, body)                                             \
  static void body();                                                     \
  static const check::Registration CHECK_JOIN(body, _in)(sentence, body); \
  static void body()
#define TEST(sentence) TEST_(sentence, CHECK_JOIN(case_, __LINE__))
#define CHECK(condition) \
  ((condition) ? void() : check::fail(__FILE__, __LINE__, "CHECK(" #condition ")"))
#define CHECK_EQ(received, expected) check::equal(received, expected, __FILE__, __LINE__, #received)
