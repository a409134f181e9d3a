#include "llama/test/kernels/exact.h"

#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>

#include "llama/test/kernels/product.h"

namespace kernels {

namespace {

constexpr int64_t kRows[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 130};
constexpr int64_t kMostRows = 130;
constexpr double kRounding = 2e-5;

std::runtime_error unlike(const Operands& operands, int64_t rows, size_t i, float received,
                          double expected) {
  const auto columns = size_t(operands.sizes().columns);
  return std::runtime_error("length " + std::to_string(operands.sizes().length) + ", columns " +
                            std::to_string(columns) + ", rows " + std::to_string(rows) + ": row " +
                            std::to_string(i / columns) + ", column " +
                            std::to_string(i % columns) + " is " + std::to_string(received) +
                            ", expected " + std::to_string(expected));
}

// Of all rows, one by one: products by expert are made of ggml's dots.
std::vector<float> dots(const CpuBackend& backend, const PlacedWeights& weights,
                        const Operands& operands) {
  backend.use_threads(1);
  const std::vector<int32_t> experts(size_t(kMostRows), 0);
  return compute_expert_product(backend, weights, operands, experts, 1, false);
}

// Both are of the same whole numbers, and only rounded at other places.
void check_like_dots(const Operands& operands, const std::vector<float>& received,
                     const std::vector<float>& dots) {
  const auto columns = size_t(operands.sizes().columns);
  for (size_t i = 0; i < received.size(); ++i) {
    const Element element = operands.expected(0, int64_t(i % columns), 0, int64_t(i / columns));
    if (std::abs(received[i] - dots[i]) <= kRounding * element.magnitude) continue;
    throw unlike(operands, kMostRows, i, received[i], dots[i]);
  }
}

void check_rows(const CpuBackend& backend, const PlacedWeights& weights, const Operands& operands,
                const std::vector<float>& expected, int64_t rows) {
  const std::vector<float> received = compute_product(backend, weights, operands, {rows});
  for (size_t i = 0; i < received.size(); ++i) {
    if (std::memcmp(&received[i], &expected[i], sizeof(float)) == 0) continue;
    throw unlike(operands, rows, i, received[i], expected[i]);
  }
}

}  // namespace

void check_q8_product(const CpuBackend& backend) {
  const auto plain = backend.weight_buffer_types().back();
  uint32_t seed = 1;
  // The last two are longer than what is transposed at once, and than what eight packed rows may
  // be.
  for (const int64_t length : {32, 96, 768, 3072, 4224, 32000}) {
    for (const int64_t columns : {1, 2, 3, 5, 64, 203}) {
      const Operands operands(GGML_TYPE_Q8_0, {length, columns, kMostRows, {}, {}}, seed++);
      const PlacedWeights weights({GGML_TYPE_Q8_0, plain, Use::kProduct}, operands);
      const std::vector<float> expected = compute_product(backend, weights, operands, {kMostRows});
      check_like_dots(operands, expected, dots(backend, weights, operands));
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
