#include "llama/test/kernels/exact.h"

#include <cstring>
#include <stdexcept>
#include <string>

#include "llama/test/kernels/product.h"

namespace kernels {

namespace {

constexpr int64_t kRows[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 130};
constexpr int64_t kMostRows = 130;

// Of all rows, one by one: products by expert are made of ggml's dots.
std::vector<float> dots(const CpuBackend& backend, const PlacedWeights& weights,
                        const Operands& operands) {
  backend.use_threads(1);
  const std::vector<int32_t> experts(size_t(kMostRows), 0);
  return compute_expert_product(backend, weights, operands, experts, 1, false);
}

void check_rows(const CpuBackend& backend, const PlacedWeights& weights, const Operands& operands,
                const std::vector<float>& expected, int64_t rows) {
  const std::vector<float> received = compute_product(backend, weights, operands, {rows});
  for (size_t i = 0; i < received.size(); ++i) {
    if (std::memcmp(&received[i], &expected[i], sizeof(float)) == 0) continue;
    const auto columns = size_t(operands.sizes().columns);
    throw std::runtime_error("length " + std::to_string(operands.sizes().length) + ", columns " +
                             std::to_string(columns) + ", rows " + std::to_string(rows) + ": row " +
                             std::to_string(i / columns) + ", column " +
                             std::to_string(i % columns) + " is " + std::to_string(received[i]) +
                             ", and its dot " + std::to_string(expected[i]));
  }
}

}  // namespace

bool has_q8_product(const CpuBackend& backend) { return backend.has_feature("AVX512_VNNI"); }

void check_q8_product(const CpuBackend& backend) {
  const auto plain = backend.weight_buffer_types().back();
  uint32_t seed = 1;
  // The last: so long that fewer than eight rows are packed at once.
  for (const int64_t length : {32, 96, 768, 3072, 32000}) {
    for (const int64_t columns : {1, 2, 3, 5, 64, 203}) {
      const Operands operands(GGML_TYPE_Q8_0, {length, columns, kMostRows, {}, {}}, seed++);
      const PlacedWeights weights({GGML_TYPE_Q8_0, plain, Use::kProduct}, operands);
      const std::vector<float> expected = dots(backend, weights, operands);
      for (const int64_t rows : kRows) {
        for (const int threads : {1, 2, 3}) {
          backend.use_threads(threads);
          check_rows(backend, weights, operands, expected, rows);
        }
      }
    }
  }
}

}  // namespace kernels
