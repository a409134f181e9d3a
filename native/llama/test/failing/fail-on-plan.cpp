// Makes of the shipped addon's own objects another one that fails, or takes its time, where a test
// says so: the linker puts these in the place of functions through which the engine works
// (CMakeLists.txt, --wrap). The addon itself has no switch for it.
//
// SLUICE_TEST_FAULT is KIND:NUMBER or KIND:NUMBER:MS, read when an engine's thread is started; or
// @FILE, a file that says so, and is deleted once it has happened: so it happens in one process of
// several that are started one after the other.
//
//   logits, embeddings   the NUMBER-th look at a call's result throws a std::runtime_error
//   logits-memory        ... a std::bad_alloc
//   logits-other         ... what is no std::exception
//   logits-abort         ... fails an assertion of ggml's
//   logits-segv          ... is a segmentation fault
//   logits-exit          ... ends the process, with exit code 7
//   logits-terminate     ... throws on a thread where nobody catches it
//   logits-stack         ... recurses until there is no stack left
//   memory               the NUMBER-th allocation of an engine's threads fails, once, counted from
//                        the first call on; load-memory counts from the beginning
//   no-memory            that one and all that follow, until the next engine
//   request-memory       the NUMBER-th allocation fails, once, while a request comes in on
//                        JavaScript's thread
//   threads              there can be NUMBER threads at a time, the engine's own among them
//   slow                 each node of a graph takes MS ms more
//   stuck                the NUMBER-th node takes MS ms more
//   slow-exit            the process takes MS ms from the end of the addon's static objects to its
//                        own: an engine's thread that is left computes without them
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "engine/request/request.h"
#include "llama.h"

namespace {

struct Plan {
  char kind[32] = "";
  long number = 0, ms = 0;
};

Plan plan;
char plan_file[512] = "";
std::atomic<long> count{0};
std::atomic<bool> has_called{false};
std::atomic<bool> is_request_coming{false};  // on JavaScript's thread
std::atomic<long> living{0};                 // threads that were started and not joined

bool is_javascript() { return syscall(SYS_gettid) == getpid(); }

bool is_planned(const char* kind) { return std::strcmp(plan.kind, kind) == 0; }

// Whether this is the one, of those that are counted.
bool is_the_one() {
  if (++count != plan.number) return false;
  if (plan_file[0] != '\0') unlink(plan_file);
  return true;
}

// What the file says, or nothing where it is not there.
const char* read_file(const char* path) {
  static char text[64];
  std::snprintf(plan_file, sizeof(plan_file), "%s", path);
  std::memset(text, 0, sizeof(text));
  std::FILE* file = std::fopen(path, "r");
  if (!file) return nullptr;
  const size_t length = std::fread(text, 1, sizeof(text) - 1, file);
  std::fclose(file);
  return length > 0 ? text : nullptr;
}

// On JavaScript's thread, while no engine computes.
void read_plan() {
  plan = Plan();
  count = 0;
  has_called = false;
  const char* text = std::getenv("SLUICE_TEST_FAULT");
  if (text && text[0] == '@') text = read_file(text + 1);
  if (!text) return;
  const size_t length = std::strcspn(text, ":");
  if (length >= sizeof(plan.kind) || text[length] == '\0') return;
  std::memcpy(plan.kind, text, length);
  char* rest = nullptr;
  plan.number = std::strtol(text + length + 1, &rest, 10);
  if (*rest == ':') plan.ms = std::strtol(rest + 1, nullptr, 10);
}

// The first static object of the addon, since this file is linked first: so the last to go.
const struct SlowExit {
  ~SlowExit() {
    if (is_planned("slow-exit")) std::this_thread::sleep_for(std::chrono::milliseconds(plan.ms));
  }
} slow_exit;

void throw_on_own_thread() {
  std::thread([]() noexcept { throw std::bad_alloc(); }).join();
}

// The array is looked at after the call, so that the call is no jump.
int use_up_stack(int depth) {
  volatile char room[4096];
  room[depth % 4096] = char(depth);
  return use_up_stack(depth + 1) + room[0];
}

void fail_look(const char* kind) {
  if (is_planned(kind) && is_the_one()) throw std::runtime_error("made to fail by a test");
}

void fail_allocation() {
  if (is_planned("request-memory")) {
    if (is_javascript() && is_request_coming && is_the_one()) throw std::bad_alloc();
    return;
  }
  const bool from_first_call = is_planned("memory") || is_planned("no-memory");
  if (!from_first_call && !is_planned("load-memory")) return;
  if (is_javascript() || (from_first_call && !has_called)) return;
  const long at = ++count;
  if (is_planned("no-memory") ? at >= plan.number : at == plan.number) throw std::bad_alloc();
}

// Takes one of those that can be started.
bool fails_thread() {
  if (is_javascript()) read_plan();
  if (++living <= plan.number || !is_planned("threads")) return false;
  --living;
  return true;
}

struct AbortCallback {
  ggml_abort_callback callback;
  void* data;
};

bool on_node(void* data) {
  const auto* inner = static_cast<AbortCallback*>(data);
  if (is_planned("slow") || (is_planned("stuck") && is_the_one())) {
    std::this_thread::sleep_for(std::chrono::milliseconds(plan.ms));
  }
  return inner->callback(inner->data);
}

}  // namespace

extern "C" {

decltype(llama_get_logits_ith) __real_llama_get_logits_ith;
decltype(llama_get_logits_ith) __wrap_llama_get_logits_ith;
float* __wrap_llama_get_logits_ith(llama_context* context, int32_t row) {
  fail_look("logits");
  if (is_planned("logits-memory") && is_the_one()) throw std::bad_alloc();
  if (is_planned("logits-other") && is_the_one()) throw 7;
  if (is_planned("logits-abort") && is_the_one()) GGML_ASSERT(!"made to fail by a test");
  if (is_planned("logits-segv") && is_the_one()) std::raise(SIGSEGV);
  if (is_planned("logits-exit") && is_the_one()) _exit(7);
  if (is_planned("logits-terminate") && is_the_one()) throw_on_own_thread();
  if (is_planned("logits-stack") && is_the_one()) use_up_stack(0);
  return __real_llama_get_logits_ith(context, row);
}

decltype(llama_get_embeddings_seq) __real_llama_get_embeddings_seq;
decltype(llama_get_embeddings_seq) __wrap_llama_get_embeddings_seq;
float* __wrap_llama_get_embeddings_seq(llama_context* context, llama_seq_id sequence) {
  fail_look("embeddings");
  return __real_llama_get_embeddings_seq(context, sequence);
}

decltype(llama_decode) __real_llama_decode;
decltype(llama_decode) __wrap_llama_decode;
int32_t __wrap_llama_decode(llama_context* context, llama_batch batch) {
  has_called = true;
  return __real_llama_decode(context, batch);
}

// Leaked: a context is not told of here when it goes.
decltype(llama_set_abort_callback) __real_llama_set_abort_callback;
decltype(llama_set_abort_callback) __wrap_llama_set_abort_callback;
void __wrap_llama_set_abort_callback(llama_context* context, ggml_abort_callback callback,
                                     void* data) {
  __real_llama_set_abort_callback(context, on_node, new AbortCallback{callback, data});
}

decltype(pthread_create) __real_pthread_create;
int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                          void* data) noexcept {
  return fails_thread() ? EAGAIN : __real_pthread_create(thread, attributes, run, data);
}

// std::thread's own start.
using State = std::unique_ptr<std::thread::_State>;
void __real__ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE(
    std::thread* self, State state, void (*depend)());
void __wrap__ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE(
    std::thread* self, State state, void (*depend)()) {
  if (fails_thread()) {
    throw std::system_error(EAGAIN, std::generic_category(), "made to fail by a test");
  }
  __real__ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_deleteIS1_EEPFvvE(
      self, std::move(state), depend);
}

decltype(pthread_join) __real_pthread_join;
int __wrap_pthread_join(pthread_t thread, void** result);
int __wrap_pthread_join(pthread_t thread, void** result) {
  --living;
  return __real_pthread_join(thread, result);
}

// std::thread::join()
void __real__ZNSt6thread4joinEv(std::thread* self);
void __wrap__ZNSt6thread4joinEv(std::thread* self);
void __wrap__ZNSt6thread4joinEv(std::thread* self) {
  --living;
  __real__ZNSt6thread4joinEv(self);
}

// A request comes in from where it is read to where the engine has it.
struct ComingRequest {
  ComingRequest() { is_request_coming = true; }
  ~ComingRequest() { is_request_coming = false; }
};
using sluice::RequestGroup;

// sluice::request_group(const Napi::Object&)
RequestGroup __real__ZN6sluice13request_groupERKN4Napi6ObjectE(const void* object);
RequestGroup __wrap__ZN6sluice13request_groupERKN4Napi6ObjectE(const void* object);
RequestGroup __wrap__ZN6sluice13request_groupERKN4Napi6ObjectE(const void* object) {
  const ComingRequest coming;
  return __real__ZN6sluice13request_groupERKN4Napi6ObjectE(object);
}

// sluice::Engine::submit(RequestGroup)
void __real__ZN6sluice6Engine6submitENS_12RequestGroupE(void* self, RequestGroup group);
void __wrap__ZN6sluice6Engine6submitENS_12RequestGroupE(void* self, RequestGroup group);
void __wrap__ZN6sluice6Engine6submitENS_12RequestGroupE(void* self, RequestGroup group) {
  const ComingRequest coming;
  __real__ZN6sluice6Engine6submitENS_12RequestGroupE(self, std::move(group));
}

// operator new(size_t)
void* __real__Znwm(size_t bytes);
void* __wrap__Znwm(size_t bytes);
void* __wrap__Znwm(size_t bytes) {
  fail_allocation();
  return __real__Znwm(bytes);
}

}  // extern "C"
