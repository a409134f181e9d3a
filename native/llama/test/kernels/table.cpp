#include "llama/test/kernels/table.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>

#include "llama/test/kernels/product.h"

namespace kernels {

namespace {

constexpr int64_t kRows[] = {1, 2, 3, 4, 5, 8, 15, 16, 17, 31, 32, 33, 64, 65};
constexpr int64_t kMostRows = 65;
constexpr int64_t kExperts = 4;
constexpr int64_t kSlots = 2;
constexpr int64_t kTokens[] = {1, 2, 5, 33};
constexpr int64_t kMostTokens = 33;

// The lengths of a row of weights: one block and some more.
std::vector<int64_t> lengths(ggml_type type) {
  const int64_t block = ggml_blck_size(type);
  if (block == 1) return {16, 32, 48, 80, 256};
  if (block == 256) return {256, 512, 768};
  return {block, 2 * block, 3 * block, 9 * block};
}

// Those with one matrix of weights, then those with more of both. Some types take long to quantize:
// a size is here only where it is another case for some kernel.
std::vector<Sizes> table(ggml_type type) {
  std::vector<Sizes> all;
  const std::vector<int64_t> of_type = lengths(type);
  for (const int64_t columns : {1, 8, 32, 40, 96})
    all.push_back({of_type.front(), columns, kMostRows, {}, {}});
  for (const int64_t length : of_type) all.push_back({length, 32, kMostRows, {}, {}});
  all.push_back({of_type[1], 96, kMostRows, {}, {}});
  struct Pair {
    Batch weights, inputs;
  };
  const Pair pairs[] = {{{1, 1}, {2, 1}}, {{1, 1}, {1, 3}}, {{1, 1}, {3, 2}},
                        {{2, 1}, {2, 1}}, {{2, 1}, {4, 3}}, {{2, 2}, {4, 4}}};
  for (const Pair& pair : pairs) {
    all.push_back({of_type[0], 32, 33, pair.weights, pair.inputs});
    all.push_back({of_type[1], 64, 2, pair.weights, pair.inputs});
  }
  return all;
}

// ggml says of repacked weights that they take inputs of four dimensions, and asserts three.
bool is_refused(const Placement& placement, const Sizes& sizes) {
  const std::string buffer = ggml_backend_buft_name(placement.buffer_type);
  return buffer == "CPU_REPACK" && sizes.inputs.outer != 1;
}

// Relative to the sum of the terms' absolute values.
double tolerance(const CpuBackend& backend, ggml_type type) {
  // Arm's kernels for 16 bits sum in 16 bits where the processor can.
  if (type == GGML_TYPE_F16 && backend.has_feature("FP16_VA")) return 4e-3;
  return 1e-5;
}

[[noreturn]] void fail(const std::string& where, float received, const Element& expected) {
  std::ostringstream what;
  what << where << ": received " << received << ", expected " << expected.value << " (the terms' "
       << "absolute values add up to " << expected.magnitude << ")";
  throw std::runtime_error(what.str());
}

void check_element(float received, const Element& expected, double tolerance,
                   const std::string& product, int64_t matrix, int64_t row, int64_t column) {
  // Negated, so that what is no number fails.
  if (std::abs(double(received) - expected.value) <= tolerance * expected.magnitude) return;
  std::ostringstream where;
  where << product << ", matrix " << matrix << ", row " << row << ", column " << column;
  fail(where.str(), received, expected);
}

std::string words(const Sizes& sizes, const Product& product) {
  static const char* const layouts[] = {"", ", rows apart", ", matrices mixed"};
  std::ostringstream text;
  text << "length " << sizes.length << ", columns " << sizes.columns << ", rows " << product.rows
       << ", matrices " << sizes.weights.inner << "x" << sizes.weights.outer << " by "
       << sizes.inputs.inner << "x" << sizes.inputs.outer << layouts[int(product.layout)];
  return text.str();
}

class Checker {
 public:
  Checker(const CpuBackend& backend, const Operands& operands)
      : backend_(backend), operands_(operands), tolerance_(tolerance(backend, operands.type())) {
    const auto& [length, columns, rows, weights, inputs] = operands.sizes();
    for (int64_t matrix = 0; matrix < inputs.count(); ++matrix) {
      const int64_t inner = matrix % inputs.inner / (inputs.inner / weights.inner);
      const int64_t outer = matrix / inputs.inner / (inputs.outer / weights.outer);
      for (int64_t i = 0; i < rows * columns; ++i) {
        expected_.push_back(
            operands.expected(outer * weights.inner + inner, i % columns, matrix, i / columns));
      }
    }
  }

  void check(const PlacedWeights& weights, const Product& product) const {
    const Sizes& sizes = operands_.sizes();
    const std::string name = words(sizes, product);
    std::vector<float> received;
    try {
      received = compute_product(backend_, weights, operands_, product);
    } catch (const std::exception& error) {
      throw std::runtime_error(name + ": " + error.what());
    }
    const float* element = received.data();
    for (int64_t matrix = 0; matrix < sizes.inputs.count(); ++matrix) {
      for (int64_t row = 0; row < product.rows; ++row) {
        for (int64_t column = 0; column < sizes.columns; ++column) {
          const int64_t index = (matrix * sizes.rows + row) * sizes.columns + column;
          check_element(*element++, expected_[size_t(index)], tolerance_, name, matrix, row,
                        column);
        }
      }
    }
  }

 private:
  const CpuBackend& backend_;
  const Operands& operands_;
  const double tolerance_;
  std::vector<Element> expected_;
};

// Of Q8_0 a row's sums are the same alone as among others, to the last bit: the engine promises
// that texts are. More rows than any kernel takes at once, by one thread and by two.
void check_rows_alone(const CpuBackend& backend, const Placement& placement) {
  const Sizes sizes = {96, 200, 300, {}, {}};
  if (!would_place(backend, placement, sizes)) return;
  const Operands operands(placement.type, sizes, 77);
  const PlacedWeights weights(placement, operands);
  backend.use_threads(1);
  const Product all = {sizes.rows, Layout::kContiguous};
  Checker(backend, operands).check(weights, all);
  const std::vector<float> together = compute_product(backend, weights, operands, all);
  for (const int64_t rows : {1, 2, 5, 16, 17, 33, 129, 300}) {
    backend.use_threads(rows % 2 == 0 ? 2 : 1);
    const std::vector<float> some =
        compute_product(backend, weights, operands, {rows, Layout::kContiguous});
    if (std::equal(some.begin(), some.end(), together.begin())) continue;
    throw std::runtime_error("the sums of " + std::to_string(rows) +
                             " rows are not those of the same rows among 300");
  }
}

void check_plain_products(const CpuBackend& backend, const Placement& placement) {
  if (placement.type == GGML_TYPE_Q8_0) check_rows_alone(backend, placement);
  uint32_t seed = 1;
  for (const Sizes& sizes : table(placement.type)) {
    if (!would_place(backend, placement, sizes) || is_refused(placement, sizes)) continue;
    const Operands operands(placement.type, sizes, seed++);
    const PlacedWeights weights(placement, operands);
    const Checker checker(backend, operands);
    for (const int64_t rows : kRows) {
      if (rows > sizes.rows) break;
      backend.use_threads(rows == 5 || rows == 33 ? 2 : 1);
      checker.check(weights, {rows, Layout::kContiguous});
      if (rows % 4 != 1) continue;  // 1, 5, 17, 33, 65: with and without what fills no tile
      checker.check(weights, {rows, Layout::kRowsApart});
      checker.check(weights, {rows, Layout::kMatricesMixed});
    }
  }
}

void check_expert_case(const CpuBackend& backend, const Operands& operands,
                       const PlacedWeights& weights, int64_t tokens, bool shared) {
  std::vector<int32_t> experts;
  for (int64_t i = 0; i < tokens * kSlots; ++i)
    experts.push_back(int32_t((i / kSlots + i % kSlots * (1 + i % 3)) % kExperts));
  const std::string name = words(operands.sizes(), {tokens}) + (shared ? ", shared" : "");
  const std::vector<float> received =
      compute_expert_product(backend, weights, operands, experts, kSlots, shared);
  const int64_t columns = operands.sizes().columns;
  for (int64_t i = 0; i < int64_t(received.size()); ++i) {
    const int64_t slot = i / columns;  // of all tokens
    const int64_t row = shared ? slot / kSlots : slot;
    const Element expected = operands.expected(experts[size_t(slot)], i % columns, 0, row);
    check_element(received[size_t(i)], expected, tolerance(backend, operands.type()), name,
                  experts[size_t(slot)], slot, i % columns);
  }
}

void check_expert_products(const CpuBackend& backend, const Placement& placement) {
  uint32_t seed = 1000;
  for (const int64_t length : lengths(placement.type)) {
    for (const int64_t columns : {32, 40}) {
      if (columns != 32 && length != lengths(placement.type).front()) continue;
      const Sizes sizes = {length, columns, kMostTokens * kSlots, {kExperts, 1}, {1, 1}};
      if (!would_place(backend, placement, sizes)) continue;
      const Operands operands(placement.type, sizes, seed++);
      const PlacedWeights weights(placement, operands);
      for (const int64_t tokens : kTokens) {
        backend.use_threads(tokens == 5 ? 2 : 1);
        check_expert_case(backend, operands, weights, tokens, false);
        check_expert_case(backend, operands, weights, tokens, true);
      }
    }
  }
}

}  // namespace

std::string name_of(const Placement& placement) {
  const std::string name = ggml_type_name(placement.type);
  const bool by_expert = placement.use == Use::kProductByExpert;
  return name + " in " + ggml_backend_buft_name(placement.buffer_type) +
         (by_expert ? ", by expert" : "");
}

bool has_products(const CpuBackend& backend, const Placement& placement) {
  Sizes sizes = {lengths(placement.type).back(), 96, 1, {}, {}};
  if (placement.use == Use::kProductByExpert) sizes.weights.inner = kExperts;
  return would_place(backend, placement, sizes);
}

void check_products(const CpuBackend& backend, const Placement& placement) {
  if (placement.use == Use::kProduct)
    check_plain_products(backend, placement);
  else
    check_expert_products(backend, placement);
}

}  // namespace kernels
