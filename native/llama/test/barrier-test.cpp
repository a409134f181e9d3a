#include <chrono>
#include <memory>
#include <thread>

#include "base/thread-time.h"
#include "ggml-cpu.h"
#include "ggml.h"
#include "test/check.h"

using namespace std::chrono_literals;

namespace {

constexpr int kThreads = 4;
constexpr int64_t kValues = 64;

struct ContextFree {
  void operator()(ggml_context* context) const { ggml_free(context); }
};
struct PoolFree {
  void operator()(ggml_threadpool* pool) const { ggml_threadpool_free(pool); }
};

std::unique_ptr<ggml_context, ContextFree> make_context() {
  const ggml_init_params params{16u << 20, nullptr, false};
  return std::unique_ptr<ggml_context, ContextFree>(ggml_init(params));
}

// How long thread `index` is late, and which nodes are so: every so many.
struct Late {
  std::chrono::milliseconds time;
  int every;
  int nodes = 0;
};

// A node that adds one to each value; of its threads, another one is late in each node.
void add_one_late(ggml_tensor* result, const ggml_tensor* a, int index, int count, void* user) {
  auto& late = *static_cast<Late*>(user);
  const int node = int(reinterpret_cast<intptr_t>(result->extra));
  if (node % late.every == 0 && index == 1 + node % (count - 1)) {
    std::this_thread::sleep_for(late.time);
  }
  const auto* from = static_cast<const float*>(a->data);
  auto* to = static_cast<float*>(result->data);
  for (int64_t i = index; i < kValues; i += count) to[i] = from[(i + 1) % kValues] + 1;
}

// Computes so many of these nodes in a row; what each of the values is then.
float computed(int nodes, Late& late) {
  const auto context = make_context();
  ggml_tensor* values = ggml_new_tensor_1d(context.get(), GGML_TYPE_F32, kValues);
  ggml_set_zero(values);
  ggml_tensor* result = values;
  for (int node = 0; node < nodes; ++node) {
    result = ggml_map_custom1(context.get(), result, add_one_late, kThreads, &late);
    result->extra = reinterpret_cast<void*>(intptr_t(node));
  }
  ggml_cgraph* graph = ggml_new_graph_custom(context.get(), size_t(2 * nodes), false);
  ggml_build_forward_expand(graph, result);
  ggml_threadpool_params params = ggml_threadpool_params_default(kThreads);
  params.poll = 0;
  const std::unique_ptr<ggml_threadpool, PoolFree> pool(ggml_threadpool_new(&params));
  ggml_cplan plan = ggml_graph_plan(graph, kThreads, pool.get());
  ggml_graph_compute(graph, &plan);
  const auto* data = static_cast<const float*>(result->data);
  for (int64_t i = 1; i < kValues; ++i) CHECK_EQ(data[i], data[0]);
  return data[0];
}

}  // namespace

TEST("barrier: a thread that waits long for another one leaves its core to others") {
  Late late{500ms, 1};
  const double before = sluice::thread_cpu_ms();
  CHECK_EQ(computed(1, late), 1.0f);
  CHECK(sluice::thread_cpu_ms() - before < 250);
}

TEST("barrier: no thread goes on before the last one is there, whoever is late") {
  Late often{2ms, 5};
  CHECK_EQ(computed(500, often), 500.0f);
  Late never{0ms, 1000000};
  CHECK_EQ(computed(20000, never), 20000.0f);
}
