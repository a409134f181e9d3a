#include "llama/test/kernels/large.h"

#include <cstring>
#include <stdexcept>

#include "llama/test/kernels/placed-weights.h"

namespace kernels {

namespace {

constexpr int64_t kLength = 32;
constexpr int64_t kColumns = 57'000'064;  // of 38 bytes each, as AMX packs them
constexpr int64_t kEnds = 256;            // so many of the first and the last columns are looked at

int weight(int64_t column, int64_t i) { return int((column * 31 + i * 7) % 201) - 100; }

// One block of Q8_0: the scale 1 as a float of 16 bits, then the weights.
std::vector<uint8_t> weights() {
  const size_t row = ggml_row_size(GGML_TYPE_Q8_0, kLength);
  const ggml_fp16_t scale = ggml_fp32_to_fp16(1.0f);
  std::vector<uint8_t> data(row * kColumns);
  for (int64_t column = 0; column < kColumns; ++column) {
    uint8_t* block = data.data() + size_t(column) * row;
    std::memcpy(block, &scale, sizeof scale);
    for (int64_t i = 0; i < kLength; ++i) block[sizeof scale + i] = uint8_t(weight(column, i));
  }
  return data;
}

void check_column(const float* received, int64_t column) {
  float expected = 0;
  for (int64_t i = 0; i < kLength; ++i) expected += float(weight(column, i) * (i == 0 ? 127 : i));
  if (received[column] == expected) return;
  throw std::runtime_error("column " + std::to_string(column) + ": received " +
                           std::to_string(received[column]) + ", expected " +
                           std::to_string(expected));
}

void check_rows(const CpuBackend& backend, ggml_tensor* large, int64_t rows) {
  const ggml_context_ptr context = new_context(8);
  ggml_context* in = context.get();
  ggml_tensor* inputs = ggml_new_tensor_2d(in, GGML_TYPE_F32, kLength, rows);
  ggml_tensor* result = ggml_mul_mat(in, large, inputs);
  const ggml_backend_buffer_ptr buffer(ggml_backend_alloc_ctx_tensors(in, backend.get()));
  if (!buffer) throw std::runtime_error("no memory for the result");
  float* values = static_cast<float*>(inputs->data);
  for (int64_t i = 0; i < rows * kLength; ++i)
    values[i] = i % kLength == 0 ? 127.0f : float(i % kLength);
  ggml_cgraph* graph = ggml_new_graph(in);
  ggml_build_forward_expand(graph, result);
  ggml_backend_graph_compute(backend.get(), graph);
  for (int64_t row = 0; row < rows; ++row) {
    const float* received = static_cast<const float*>(result->data) + row * kColumns;
    for (int64_t i = 0; i < kEnds; ++i) {
      check_column(received, i);
      check_column(received, kColumns - 1 - i);
    }
  }
}

}  // namespace

void check_large_weights(const CpuBackend& backend, ggml_backend_buffer_type_t buffer_type) {
  const ggml_context_ptr context = new_context(1);
  ggml_tensor* large = ggml_new_tensor_2d(context.get(), GGML_TYPE_Q8_0, kLength, kColumns);
  const ggml_backend_buffer_ptr buffer(
      ggml_backend_alloc_ctx_tensors_from_buft(context.get(), buffer_type));
  if (!buffer) throw std::runtime_error("no memory for the weights");
  {
    const std::vector<uint8_t> data = weights();
    ggml_backend_tensor_set(large, data.data(), 0, data.size());
  }
  for (const int64_t rows : {1, 2}) check_rows(backend, large, rows);
}

}  // namespace kernels
