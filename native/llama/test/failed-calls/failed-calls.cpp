// Makes of the shipped addon's own objects another one in which a call of llama.cpp fails, for
// test/e2e/engine/failed-calls.test.ts, or is held, for test/support/held-engine.ts: the linker
// puts these in the place of the functions through which the engine computes, saves and restores
// (CMakeLists.txt, --wrap). The addon itself has no switch for it.
//
// SLUICE_TEST_FAILURE says which and how: "decode 7 half FILE" has the seventh llama_decode from
// now on fail in the middle of its graph; "holds" has it wait until FILE is deleted, or the
// variable says something else, and then do its work. What has failed, or is held, is a line in
// FILE.
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "llama.h"

namespace {

struct Failure {
  std::string function;  // decode, save, restore
  int64_t at = 0;        // of those calls, from 1
  std::string how;
  std::string file;
};

struct AbortCallback {
  ggml_abort_callback call = nullptr;
  void* data = nullptr;
};

// Nodes of a graph that are computed before a call fails halfway.
constexpr int kNodes = 40;

std::mutex mutex;
std::string setting;
Failure failure;
int64_t calls = 0;

// How this call is to fail; empty where it is not.
std::string failure_of(const std::string& function) {
  const std::lock_guard<std::mutex> lock(mutex);
  const char* text = std::getenv("SLUICE_TEST_FAILURE");
  if (setting != (text ? text : "")) {
    setting = text ? text : "";
    failure = Failure();
    std::istringstream(setting) >> failure.function >> failure.at >> failure.how >> failure.file;
    calls = 0;
  }
  if (function != failure.function || ++calls != failure.at) return "";
  if (std::FILE* file = std::fopen(failure.file.c_str(), "a")) {
    std::fprintf(file, "%s %lld %s\n", function.c_str(), (long long)failure.at,
                 failure.how.c_str());
    std::fclose(file);
  }
  return failure.how;
}

// Until the test deletes the file. Where it did so before the file was there, the variable tells.
void hold() {
  std::string file, wanted;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    file = failure.file;
    wanted = setting;
  }
  const auto is_held = [&] {
    const char* text = std::getenv("SLUICE_TEST_FAILURE");
    return text && wanted == text && access(file.c_str(), F_OK) == 0;
  };
  while (is_held()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::remove(file.c_str());
}

// Of the context that this thread made last: each engine computes on its own.
thread_local AbortCallback own;

bool fails_halfway(void* nodes) { return --*static_cast<int*>(nodes) < 0; }

}  // namespace

extern "C" {

decltype(llama_decode) __real_llama_decode;
decltype(llama_decode) __wrap_llama_decode;
decltype(pthread_create) __real_pthread_create;
decltype(pthread_create) __wrap_pthread_create;
decltype(llama_set_abort_callback) __real_llama_set_abort_callback;
decltype(llama_set_abort_callback) __wrap_llama_set_abort_callback;
decltype(llama_state_seq_get_data_ext) __real_llama_state_seq_get_data_ext;
decltype(llama_state_seq_get_data_ext) __wrap_llama_state_seq_get_data_ext;
decltype(llama_state_seq_set_data_ext) __real_llama_state_seq_set_data_ext;
decltype(llama_state_seq_set_data_ext) __wrap_llama_state_seq_set_data_ext;

void __wrap_llama_set_abort_callback(llama_context* context, ggml_abort_callback call, void* data) {
  own = {call, data};
  __real_llama_set_abort_callback(context, call, data);
}

// Some of the last layer's values are no numbers any more. Behind them are counts of other parts.
static void spoil(llama_context* context, llama_seq_id sequence) {
  std::vector<uint8_t> state(llama_state_seq_get_size_ext(context, sequence, 0));
  __real_llama_state_seq_get_data_ext(context, state.data(), state.size(), sequence, 0);
  if (llama_memory_seq_pos_max(llama_get_memory(context), sequence) < 0) return;
  std::fill(state.end() - 1024, state.end() - 512, uint8_t(0xff));
  __real_llama_state_seq_set_data_ext(context, state.data(), state.size(), sequence, 0);
}

// No stack of more than SLUICE_TEST_STACK_MAX bytes, if that is set.
int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                          void* (*start)(void*), void* data) noexcept {
  const char* most = std::getenv("SLUICE_TEST_STACK_MAX");
  size_t bytes = 0;
  if (most && attributes && pthread_attr_getstacksize(attributes, &bytes) == 0 &&
      bytes > std::strtoull(most, nullptr, 10)) {
    return EAGAIN;
  }
  return __real_pthread_create(thread, attributes, start, data);
}

int32_t __wrap_llama_decode(llama_context* context, llama_batch batch) {
  const std::string how = failure_of("decode");
  if (how == "spoiled") spoil(context, batch.seq_id[0][0]);
  if (how == "holds") hold();
  if (how.empty() || how == "spoiled" || how == "holds") return __real_llama_decode(context, batch);
  if (how == "no-room") return 1;
  if (how == "invalid") return -1;
  if (how == "memory") return -2;
  if (how == "throws") throw std::runtime_error("a call that is made to throw");
  int nodes = kNodes;
  __real_llama_set_abort_callback(context, fails_halfway, &nodes);
  __real_llama_decode(context, batch);
  __real_llama_set_abort_callback(context, own.call, own.data);
  if (how == "half-throws") throw std::runtime_error("a call that is made to throw");
  return -3;
}

size_t __wrap_llama_state_seq_get_data_ext(llama_context* context, uint8_t* state, size_t bytes,
                                           llama_seq_id sequence, llama_state_seq_flags flags) {
  if (!failure_of("save").empty()) bytes /= 2;
  return __real_llama_state_seq_get_data_ext(context, state, bytes, sequence, flags);
}

size_t __wrap_llama_state_seq_set_data_ext(llama_context* context, const uint8_t* state,
                                           size_t bytes, llama_seq_id sequence,
                                           llama_state_seq_flags flags) {
  if (!failure_of("restore").empty()) bytes /= 2;
  return __real_llama_state_seq_set_data_ext(context, state, bytes, sequence, flags);
}

}  // extern "C"
