#include "llama/runtime/graph-check.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <system_error>

#include "ggml.h"
#include "llama/runtime/assert-scope.h"
#include "llama/runtime/no-memory.h"
#include "test/check.h"

using sluice::AssertionError;
using sluice::AssertScope;
using sluice::is_of_memory;
using sluice::is_of_threads;
using sluice::positions_max;
using sluice::uncomputable;

namespace {

// Tensors without data, and a graph of them that is never computed. Owned by its case.
class Graph {
 public:
  Graph() : context_(ggml_init({size_t(1) << 20, nullptr, true}), ggml_free) {}

  ggml_context* get() const { return context_.get(); }

  ggml_tensor* tensor(ggml_type type, int64_t columns, int64_t rows = 1, int64_t planes = 1) const {
    return ggml_new_tensor_3d(get(), type, columns, rows, planes);
  }
  ggml_tensor* weight(ggml_type type, int64_t columns, int64_t rows = 1) const {
    return ggml_set_name(ggml_new_tensor_2d(get(), type, columns, rows), "blk.0.some.weight");
  }
  std::string check(ggml_tensor* result) const {
    ggml_cgraph* graph = ggml_new_graph_custom(get(), 16, false);
    ggml_build_forward_expand(graph, result);
    return uncomputable(graph);
  }

 private:
  const std::unique_ptr<ggml_context, decltype(&ggml_free)> context_;
};

std::string check_rope(int dimensions, int mode, std::initializer_list<int> sections,
                       ggml_type factors = GGML_TYPE_F32) {
  const Graph graph;
  ggml_tensor* heads = graph.tensor(GGML_TYPE_F32, 64, 2, 3);
  ggml_tensor* places = graph.tensor(GGML_TYPE_I32, mode & GGML_ROPE_TYPE_MROPE ? 12 : 3);
  int four[4] = {};
  std::copy(sections.begin(), sections.end(), four);
  ggml_tensor* by = graph.tensor(GGML_TYPE_F32, 64);
  ggml_tensor* result = mode & GGML_ROPE_TYPE_MROPE
                            ? ggml_rope_multi(graph.get(), heads, places, by, dimensions, four,
                                              mode, 0, 1e4f, 1, 0, 1, 32, 1)
                            : ggml_rope_ext(graph.get(), heads, places, by, dimensions, mode, 0,
                                            1e4f, 1, 0, 1, 32, 1);
  by->type = factors;
  return graph.check(result);
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST("graph check: a norm needs an epsilon of 0 or more, and f32") {
  const Graph graph;
  ggml_tensor* rows = graph.tensor(GGML_TYPE_F32, 64, 2);
  CHECK_EQ(graph.check(ggml_rms_norm(graph.get(), rows, 0)), "");
  for (const float epsilon : {-1e-9f, std::nanf(""), INFINITY}) {
    CHECK(says(graph.check(ggml_rms_norm(graph.get(), rows, epsilon)), "an epsilon of 0 or more"));
    CHECK(says(graph.check(ggml_norm(graph.get(), rows, epsilon)), "an epsilon of 0 or more"));
    CHECK(says(graph.check(ggml_l2_norm(graph.get(), rows, epsilon)), "an epsilon of 0 or more"));
    CHECK(says(graph.check(ggml_group_norm(graph.get(), rows, 1, epsilon)), "an epsilon of 0"));
  }
  ggml_tensor* halves = graph.tensor(GGML_TYPE_F16, 64, 2);
  CHECK(says(graph.check(ggml_rms_norm(graph.get(), halves, 0)), "RMS_NORM of"));
}

TEST("graph check: positions rotate an even number of a head's numbers, all of it at most") {
  CHECK_EQ(check_rope(64, 0, {}), "");
  CHECK_EQ(check_rope(2, GGML_ROPE_TYPE_NEOX, {}), "");
  CHECK(says(check_rope(66, 0, {}), "2 dimensions to the head's size"));
  CHECK(says(check_rope(0, 0, {}), "2 dimensions to the head's size"));
  CHECK(says(check_rope(-2, 0, {}), "2 dimensions to the head's size"));
  CHECK(says(check_rope(63, 0, {}), "an even number of dimensions"));
  CHECK(says(check_rope(64, 0, {}, GGML_TYPE_F16), "factors of type f32"));
}

TEST("graph check: sections of positions are not negative, not all 0, and lie within the head") {
  CHECK_EQ(check_rope(64, GGML_ROPE_TYPE_MROPE, {16, 8, 8, 0}), "");
  CHECK(
      says(check_rope(64, GGML_ROPE_TYPE_MROPE, {0, 0, 0, 0}), "sections within the head's size"));
  CHECK(
      says(check_rope(64, GGML_ROPE_TYPE_MROPE, {0, 0, 0, 8}), "sections within the head's size"));
  CHECK(
      says(check_rope(64, GGML_ROPE_TYPE_MROPE, {8, -1, 0, 0}), "sections within the head's size"));
  CHECK(
      says(check_rope(64, GGML_ROPE_TYPE_MROPE, {64, 1, 0, 0}), "sections within the head's size"));
}

TEST("graph check: what is multiplied by is of a float type or quantized, and named") {
  const Graph graph;
  ggml_tensor* rows = graph.tensor(GGML_TYPE_F32, 256, 2);
  for (const ggml_type type :
       {GGML_TYPE_F32, GGML_TYPE_F16, GGML_TYPE_BF16, GGML_TYPE_Q4_0, GGML_TYPE_Q6_K}) {
    CHECK_EQ(graph.check(ggml_mul_mat(graph.get(), graph.weight(type, 256, 4), rows)), "");
  }
  for (const ggml_type type : {GGML_TYPE_I8, GGML_TYPE_I32, GGML_TYPE_F64, GGML_TYPE_Q8_K}) {
    CHECK(says(graph.check(ggml_mul_mat(graph.get(), graph.weight(type, 256, 4), rows)),
               "MUL_MAT of blk.0.some.weight (types "));
  }
}

TEST("graph check: what is added or scaled by is f32; an embedding may be quantized") {
  const Graph graph;
  ggml_tensor* rows = graph.tensor(GGML_TYPE_F32, 64, 2);
  CHECK_EQ(graph.check(ggml_add(graph.get(), rows, graph.weight(GGML_TYPE_F32, 64))), "");
  CHECK(says(graph.check(ggml_add(graph.get(), rows, graph.weight(GGML_TYPE_F16, 64))), "ADD of"));
  CHECK(says(graph.check(ggml_mul(graph.get(), rows, graph.weight(GGML_TYPE_Q8_0, 64))), "MUL of"));
  ggml_tensor* ids = graph.tensor(GGML_TYPE_I32, 3);
  CHECK_EQ(graph.check(ggml_get_rows(graph.get(), graph.weight(GGML_TYPE_Q8_0, 64, 9), ids)), "");
  CHECK(says(graph.check(ggml_get_rows(graph.get(), graph.weight(GGML_TYPE_I8, 64, 9), ids)),
             "GET_ROWS of blk.0.some.weight (types i8, i32)"));
}

TEST("graph check: a table of positions says how many there are, and nothing else does") {
  const Graph graph;
  ggml_tensor* table = graph.weight(GGML_TYPE_F32, 64, 9);
  ggml_tensor* rows = ggml_get_rows(graph.get(), table, graph.tensor(GGML_TYPE_I32, 3));
  ggml_cgraph* all = ggml_new_graph_custom(graph.get(), 16, false);
  ggml_build_forward_expand(all, rows);
  CHECK_EQ(positions_max(all), std::numeric_limits<int64_t>::max());
  ggml_set_name(table, "position_embd.weight");
  CHECK_EQ(positions_max(all), 9);
}

TEST("assert scope: an assertion that fails on this thread is an exception, with its place") {
  AssertScope::install();
  const Graph graph;
  AssertScope outer;
  {
    AssertScope inner;
    bool is_thrown = false;
    try {
      ggml_reshape_1d(graph.get(), graph.tensor(GGML_TYPE_F32, 4), 5);
    } catch (const AssertionError& error) {
      is_thrown = says(error.what(), "ggml.c:") && says(error.what(), "ggml_nelements(a) == ne0");
    }
    CHECK(is_thrown);
    CHECK(says(inner.failure(), "ggml_nelements(a) == ne0"));
  }
  CHECK_EQ(outer.failure(), "");
  bool is_thrown_again = false;
  try {
    ggml_reshape_1d(graph.get(), graph.tensor(GGML_TYPE_F32, 4), 5);
  } catch (const AssertionError&) {
    is_thrown_again = true;
  }
  CHECK(is_thrown_again);
  CHECK(!outer.failure().empty());
}

TEST("assert scope: what failed for want of memory is told from what failed by its file") {
  CHECK(is_of_memory("ggml.c:1644: GGML_ASSERT(ctx->mem_buffer != NULL) failed"));
  CHECK(is_of_memory("ggml_aligned_malloc: insufficient memory (attempted to allocate   2.01 MB)"));
  CHECK(is_of_memory("alloc_tensor_range: failed to allocate CPU buffer of size 2109696"));
  CHECK(is_of_memory("unable to allocate CPU buffer"));
  CHECK(is_of_memory("mmap failed: Cannot allocate memory"));
  CHECK(!is_of_memory("ggml.c:3601: GGML_ASSERT(ggml_nelements(a) == ne0) failed"));
  CHECK(!is_of_memory("missing tensor 'blk.0.attn_q.weight'"));
  CHECK(!is_of_memory(""));
}

TEST("assert scope: what failed for want of a thread is told from what failed by its file") {
  std::string said;
  try {
    throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
  } catch (const std::system_error& error) {
    said = error.what();
  }
  CHECK(is_of_threads("error loading model: " + said));
  CHECK(!is_of_threads("missing tensor 'blk.0.attn_q.weight'"));
}
