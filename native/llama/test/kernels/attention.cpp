#include "llama/test/kernels/attention.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "llama/test/kernels/compute.h"
#include "llama/test/kernels/placed-weights.h"

namespace kernels {

namespace {

enum class Mask { none, causal, mixed };

struct Shape {
  int64_t key_size, value_size, heads, key_heads, tokens, keys, streams;
  Mask mask;
  // Heads of a key beside each other, as a KV cache has them; and a mask of its own for each head,
  // with columns of no concern behind the keys.
  bool is_as_cached = false;
  // Keys that no token sees have values that are no numbers.
  bool has_strange = false;
};

// Heads that share keys and heads that do not; tokens that fill tiles and that do not; keys that
// end within a tile; few rows, which are computed one by one.
const Shape kShapes[] = {
    {64, 64, 3, 3, 64, 256, 1, Mask::causal},
    {64, 64, 4, 2, 130, 700, 1, Mask::causal},
    {128, 128, 8, 2, 17, 300, 2, Mask::causal},
    {80, 80, 2, 1, 65, 65, 1, Mask::causal},
    {192, 128, 6, 3, 40, 129, 1, Mask::causal},
    {64, 64, 2, 2, 16, 63, 3, Mask::mixed},
    {96, 64, 5, 1, 33, 1000, 1, Mask::mixed},
    {64, 64, 2, 2, 200, 192, 2, Mask::none},
    {256, 256, 2, 1, 70, 130, 1, Mask::mixed},
    {64, 64, 4, 4, 3, 200, 2, Mask::causal},
    {80, 48, 3, 3, 1, 333, 3, Mask::mixed},
    {64, 64, 12, 3, 1, 900, 2, Mask::causal},
    {576, 512, 16, 1, 20, 150, 1, Mask::causal},
    {64, 64, 6, 3, 70, 200, 2, Mask::mixed, true},
    {64, 64, 4, 4, 2, 300, 2, Mask::mixed, true},
    {64, 64, 4, 2, 40, 200, 1, Mask::mixed, true, true},
    {64, 64, 4, 4, 1, 200, 2, Mask::mixed, true, true},
};

std::string name_of(const Shape& shape) {
  return "keys of " + std::to_string(shape.key_size) + ", " + std::to_string(shape.heads) +
         " heads, " + std::to_string(shape.tokens) + " tokens, " + std::to_string(shape.keys) +
         " keys, " + std::to_string(shape.streams) + " streams";
}

// All that goes in, and what comes out by plain sums.
class Case {
 public:
  Case(const Shape& shape, uint32_t seed) : shape_(shape), random_(seed) {
    queries_ = numbers(shape.key_size * shape.tokens * shape.heads * shape.streams, 2);
    keys_ = halfs(numbers(shape.key_size * shape.keys * shape.key_heads * shape.streams, 1));
    values_ = halfs(numbers(shape.value_size * shape.keys * shape.key_heads * shape.streams, 1));
    if (shape.mask != Mask::none) mask_ = halfs(mask_numbers());
    if (shape.has_strange) spoil_hidden();
  }

  // Of the first so many tokens: [stream][token][head][element].
  std::vector<float> compute(const CpuBackend& backend, int64_t tokens) const {
    const Shape& s = shape_;
    const ggml_context_ptr context = new_context(16);
    ggml_context* in = context.get();
    ggml_tensor* all =
        ggml_new_tensor_4d(in, GGML_TYPE_F32, s.key_size, s.tokens, s.heads, s.streams);
    ggml_tensor* q = ggml_view_4d(in, all, s.key_size, tokens, s.heads, s.streams, all->nb[1],
                                  all->nb[2], all->nb[3], 0);
    ggml_tensor* k = cached(in, s.key_size);
    ggml_tensor* v = cached(in, s.value_size);
    ggml_tensor* mask = nullptr;
    if (s.mask != Mask::none) {
      mask =
          ggml_new_tensor_4d(in, GGML_TYPE_F16, mask_columns(), s.tokens, mask_heads(), s.streams);
    }
    ggml_tensor* result = ggml_flash_attn_ext(in, q, k, v, mask, scale(), 0, 0);
    return kernels::compute(backend, in, result, [&] {
      std::memcpy(all->data, queries_.data(), ggml_nbytes(all));
      std::memcpy(k->data, keys_.data(), keys_.size() * sizeof(keys_[0]));
      std::memcpy(v->data, values_.data(), values_.size() * sizeof(values_[0]));
      if (mask) std::memcpy(mask->data, mask_.data(), ggml_nbytes(mask));
    });
  }

  // Of each head all numbers of the first key, or of its value.
  void spoil_first_key(bool is_key, float strange) {
    const int64_t size = is_key ? shape_.key_size : shape_.value_size;
    for (int64_t key_head = 0; key_head < shape_.key_heads; ++key_head) {
      auto& numbers = is_key ? keys_ : values_;
      const auto begin = numbers.begin() + std::ptrdiff_t(row_of(0, key_head, 0) * size);
      std::fill_n(begin, size, ggml_fp32_to_fp16(strange));
    }
  }

  std::vector<double> expected(int64_t stream, int64_t token, int64_t head) const {
    const Shape& s = shape_;
    const int64_t key_head = head / (s.heads / s.key_heads);
    const float* query =
        &queries_[size_t(((stream * s.heads + head) * s.tokens + token) * s.key_size)];
    std::vector<double> scores, sums(size_t(s.value_size), 0);
    for (int64_t key = 0; key < s.keys; ++key) {
      double score = 0;
      for (int64_t i = 0; i < s.key_size; ++i) {
        score += double(query[i]) * at(keys_, row_of(stream, key_head, key) * s.key_size + i);
      }
      const double added =
          mask_.empty() ? 0 : at(mask_, mask_row(stream, head, token) * mask_columns() + key);
      scores.push_back(score * scale() + added);
    }
    const double largest = *std::max_element(scores.begin(), scores.end());
    if (std::isinf(largest)) return sums;  // it sees nothing
    double total = 0;
    for (int64_t key = 0; key < s.keys; ++key) {
      const double weight = std::exp(scores[size_t(key)] - largest);
      total += weight;
      if (weight == 0) continue;
      for (int64_t i = 0; i < s.value_size; ++i) {
        sums[size_t(i)] += weight * at(values_, row_of(stream, key_head, key) * s.value_size + i);
      }
    }
    for (double& sum : sums) sum /= total;
    return sums;
  }

 private:
  static double at(const std::vector<ggml_fp16_t>& halfs, int64_t index) {
    return ggml_fp16_to_fp32(halfs[size_t(index)]);
  }

  static std::vector<ggml_fp16_t> halfs(const std::vector<float>& numbers) {
    std::vector<ggml_fp16_t> result;
    for (const float number : numbers) result.push_back(ggml_fp32_to_fp16(number));
    return result;
  }

  ggml_tensor* cached(ggml_context* in, int64_t size) const {
    const Shape& s = shape_;
    if (!s.is_as_cached) {
      return ggml_new_tensor_4d(in, GGML_TYPE_F16, size, s.keys, s.key_heads, s.streams);
    }
    ggml_tensor* cells =
        ggml_new_tensor_4d(in, GGML_TYPE_F16, size, s.key_heads, s.keys, s.streams);
    return ggml_permute(in, cells, 0, 2, 1, 3);
  }

  int64_t row_of(int64_t stream, int64_t key_head, int64_t key) const {
    const Shape& s = shape_;
    if (s.is_as_cached) return (stream * s.keys + key) * s.key_heads + key_head;
    return (stream * s.key_heads + key_head) * s.keys + key;
  }

  int64_t mask_columns() const { return shape_.keys + (shape_.is_as_cached ? 24 : 0); }
  int64_t mask_heads() const { return shape_.is_as_cached ? shape_.heads : 1; }
  int64_t mask_row(int64_t stream, int64_t head, int64_t token) const {
    return (stream * mask_heads() + head % mask_heads()) * shape_.tokens + token;
  }

  static bool is_strange(int64_t key) { return key % 5 == 2; }

  void spoil_hidden() {
    const Shape& s = shape_;
    for (int64_t row = 0; row < s.streams * s.keys * s.key_heads; ++row) {
      if (!is_strange(row / s.key_heads % s.keys)) continue;
      const auto begin = values_.begin() + std::ptrdiff_t(row * s.value_size);
      std::fill_n(begin, s.value_size, ggml_fp32_to_fp16(row % 2 ? NAN : INFINITY));
    }
  }

  float scale() const { return 1 / std::sqrt(float(shape_.key_size)); }

  std::vector<float> numbers(int64_t count, float most) {
    std::vector<float> result;
    for (int64_t i = 0; i < count; ++i) {
      result.push_back(most * (float(random_() % 65536) / 32768.0f - 1));
    }
    return result;
  }

  // Mixed: hidden ones anywhere, whole tiles of them, a token that sees nothing, and numbers.
  float mask_number(int64_t token, int64_t key) {
    if (shape_.mask == Mask::causal) {
      return key > shape_.keys - shape_.tokens + token ? -INFINITY : 0;
    }
    const bool is_hidden = token == 3 || (key < 64 && token < 10) || random_() % 4 == 0 ||
                           (shape_.has_strange && is_strange(key));
    return is_hidden ? -INFINITY : -float(random_() % 5) / 4;
  }

  std::vector<float> mask_numbers() {
    std::vector<float> result;
    for (int64_t row = 0; row < shape_.streams * mask_heads() * shape_.tokens; ++row) {
      for (int64_t key = 0; key < mask_columns(); ++key) {
        result.push_back(mask_number(row % shape_.tokens, key));
      }
    }
    return result;
  }

  const Shape shape_;
  std::mt19937 random_;
  std::vector<float> queries_;
  std::vector<ggml_fp16_t> keys_, values_, mask_;
};

// ggml's own code rounds queries and sums to f16.
constexpr double kTolerance = 1e-5;
constexpr int64_t kRowsMin = 8;  // with fewer that share their keys, a row is computed by itself

void check_values(const Shape& shape, const Case& inputs, const std::vector<float>& received) {
  const float* element = received.data();
  for (int64_t stream = 0; stream < shape.streams; ++stream) {
    for (int64_t token = 0; token < shape.tokens; ++token) {
      for (int64_t head = 0; head < shape.heads; ++head) {
        for (const double expected : inputs.expected(stream, token, head)) {
          const float value = *element++;
          if (std::abs(value - expected) <= kTolerance) continue;
          throw std::runtime_error(name_of(shape) + ": token " + std::to_string(token) + " has " +
                                   std::to_string(value) + ", expected " +
                                   std::to_string(expected));
        }
      }
    }
  }
}

// Streams lie apart by as many tokens as there are, so the first one is compared.
void check_same(const Shape& shape, const std::vector<float>& all, const std::vector<float>& some,
                int64_t tokens) {
  const auto count = std::ptrdiff_t(tokens * shape.heads * shape.value_size);
  if (std::equal(some.begin(), some.begin() + count, all.begin())) return;
  throw std::runtime_error(name_of(shape) + ": the first " + std::to_string(tokens) +
                           " tokens have other results without the others");
}

// What a token sees that is no number must not be lost: the engine fails such a reply.
void check_strange_seen(const CpuBackend& backend) {
  for (const int64_t tokens : {1, 70}) {
    for (const float strange : {NAN, INFINITY, -INFINITY}) {
      for (const bool is_key : {true, false}) {
        Case inputs({64, 64, 2, 2, tokens, 100, 1, Mask::causal}, 99);
        inputs.spoil_first_key(is_key, strange);
        for (const float value : inputs.compute(backend, tokens)) {
          if (!std::isfinite(value)) continue;
          throw std::runtime_error(std::to_string(strange) + " of a " + (is_key ? "key" : "value") +
                                   " was lost");
        }
      }
    }
  }
}

}  // namespace

void check_attention(const CpuBackend& backend) {
  check_strange_seen(backend);
  uint32_t seed = 1;
  for (const Shape& shape : kShapes) {
    const Case inputs(shape, seed++);
    backend.use_threads(1);
    const std::vector<float> received = inputs.compute(backend, shape.tokens);
    check_values(shape, inputs, received);
    for (const int threads : {2, 3, 6}) {
      backend.use_threads(threads);
      const std::vector<float> again = inputs.compute(backend, shape.tokens);
      if (again != received) {
        throw std::runtime_error(name_of(shape) + ": other results on " + std::to_string(threads) +
                                 " threads");
      }
    }
    backend.use_threads(3);
    for (int64_t tokens = kRowsMin; tokens < shape.tokens; tokens += 13) {
      check_same(shape, received, inputs.compute(backend, tokens), tokens);
    }
  }
}

}  // namespace kernels
