// Products of Q8_0 weights with rows of activations, for processors with AVX-512 VNNI. ggml calls
// llamafile_sgemm() for them; cmake/products.cmake gives ggml's own the name below, which still
// does all else. ggml's takes four weights' rows by four inputs at a time and converts each block's
// sum alone, so that five rows cost four times one; here sixteen weights' rows are turned once, and
// a further input costs a tenth of reading the weights. docs/benchmarks.md has the figures.
//
// Each sum is of its blocks in their order, whatever the number of inputs and of threads: texts
// stay what they are alone.

#include "ggml-cpu-impl.h"
#include "ggml-cpu.h"
#include "llamafile/sgemm.h"

extern "C" decltype(llamafile_sgemm) sluice_ggml_sgemm;

#if defined(__AVX512VNNI__) && defined(__AVX512F__) && defined(__AVX512BW__) && \
    defined(__AVX512VL__) && defined(__AVX512DQ__)
#define SLUICE_Q8_PRODUCTS

#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#define GGML_COMMON_DECL_CPP
#include "ggml-common.h"

namespace {

constexpr int64_t kTile = 16;          // weights' rows, one in each lane
constexpr int64_t kInputs = 16;        // inputs whose sums stay in registers
constexpr int64_t kInputsBlock = 128;  // inputs that stay in the second cache for all tiles
constexpr int64_t kLine = 64;          // bytes of a cache line

// One block of each of the tile's rows. Lane r of quants[i] has bytes 4i to 4i + 3 of row r, each
// plus 128: the instruction multiplies unsigned bytes with signed ones.
struct TurnedBlock {
  __m512i quants[8];
  __m512 scales;
};

// Of one block of one input.
struct InputScale {
  int32_t minus_128_times_sum;  // takes back what 128 added
  float scale;
};

struct Scratch {
  std::vector<TurnedBlock> tile;
  std::vector<InputScale> inputs;
};

struct Matrices {
  int64_t m, n, k;
  const block_q8_0* a;
  int64_t lda;
  const block_q8_0* b;
  int64_t ldb;
  float* c;
  int64_t ldc;
};

inline __m512i four_rows(const block_q8_0* const* rows, int64_t block, int32_t first) {
  const auto part = [&](int32_t row) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[row][block].qs + first));
  };
  __m512i lanes = _mm512_castsi128_si512(part(0));
  lanes = _mm512_inserti32x4(lanes, part(4), 1);
  lanes = _mm512_inserti32x4(lanes, part(8), 2);
  return _mm512_inserti32x4(lanes, part(12), 3);
}

// Turns the tile whose first row is `first`; of rows beyond the last, the last.
void turn(const Matrices& of, int64_t first, TurnedBlock* tile) {
  const block_q8_0* rows[kTile];
  for (int64_t r = 0; r < kTile; ++r) rows[r] = of.a + of.lda * std::min(first + r, of.m - 1);
  const __m512i plus_128 = _mm512_set1_epi8(-128);
  for (int64_t l = 0; l < of.k; ++l) {
    alignas(32) uint16_t scales[kTile];
    for (int64_t r = 0; r < kTile; ++r) scales[r] = rows[r][l].d;
    for (int32_t half = 0; half < 2; ++half) {
      __m512i q[4];
      for (int32_t r = 0; r < 4; ++r) q[r] = four_rows(rows + r, l, 16 * half);
      const __m512i low01 = _mm512_unpacklo_epi32(q[0], q[1]);
      const __m512i low23 = _mm512_unpacklo_epi32(q[2], q[3]);
      const __m512i high01 = _mm512_unpackhi_epi32(q[0], q[1]);
      const __m512i high23 = _mm512_unpackhi_epi32(q[2], q[3]);
      __m512i* to = tile[l].quants + 4 * half;
      to[0] = _mm512_xor_si512(plus_128, _mm512_unpacklo_epi64(low01, low23));
      to[1] = _mm512_xor_si512(plus_128, _mm512_unpackhi_epi64(low01, low23));
      to[2] = _mm512_xor_si512(plus_128, _mm512_unpacklo_epi64(high01, high23));
      to[3] = _mm512_xor_si512(plus_128, _mm512_unpackhi_epi64(high01, high23));
    }
    tile[l].scales = _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(scales)));
  }
}

void measure_inputs(const Matrices& of, int64_t begin, int64_t end, InputScale* to) {
  const __m256i times_128 = _mm256_set1_epi8(-128);
  for (int64_t j = begin; j < end; ++j) {
    for (int64_t l = 0; l < of.k; ++l) {
      const block_q8_0& block = of.b[of.ldb * j + l];
      const __m256i q = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block.qs));
      const __m256i by_lane = _mm256_dpbusd_epi32(_mm256_setzero_si256(), times_128, q);
      __m128i sum =
          _mm_add_epi32(_mm256_castsi256_si128(by_lane), _mm256_extracti128_si256(by_lane, 1));
      sum = _mm_add_epi32(sum, _mm_unpackhi_epi64(sum, sum));
      sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 1));
      *to++ = {-_mm_cvtsi128_si32(sum), _cvtsh_ss(block.d)};
    }
  }
}

// The products of the tile with inputs [j, j + N). `next` is what will be turned next, 34 * 16
// bytes for each block: it is fetched meanwhile, where there is any.
template <int N>
void multiply(const Matrices& of, const TurnedBlock* tile, int64_t first, int64_t j,
              const InputScale* scales, const char* next) {
  __m512 sums[N];
  for (int i = 0; i < N; ++i) sums[i] = _mm512_setzero_ps();
  const block_q8_0* input = of.b + of.ldb * j;
  for (int64_t l = 0; l < of.k; ++l) {
    const TurnedBlock& turned = tile[l];
    if (next) {
      constexpr int64_t bytes = kTile * int64_t(sizeof(block_q8_0));
      for (int64_t at = 0; at < bytes; at += kLine) _mm_prefetch(next + at, _MM_HINT_T1);
      next += bytes;
    }
#pragma GCC unroll 16  // else the sums are in memory
    for (int i = 0; i < N; ++i) {
      const int8_t* q = input[of.ldb * i + l].qs;
      const InputScale& scale = scales[of.k * i + l];
      __m512i sum = _mm512_set1_epi32(scale.minus_128_times_sum);
      for (int part = 0; part < 8; ++part) {
        int32_t four;
        std::memcpy(&four, q + 4 * part, sizeof(four));
        sum = _mm512_dpbusd_epi32(sum, turned.quants[part], _mm512_set1_epi32(four));
      }
      const __m512 both = _mm512_mul_ps(turned.scales, _mm512_set1_ps(scale.scale));
      sums[i] = _mm512_fmadd_ps(both, _mm512_cvtepi32_ps(sum), sums[i]);
    }
  }
  const int64_t rows = std::min(kTile, of.m - first);
  const __mmask16 mask = __mmask16((1u << rows) - 1);
  for (int i = 0; i < N; ++i) {
    _mm512_mask_storeu_ps(of.c + of.ldc * (j + i) + first, mask, sums[i]);
  }
}

using Multiply = void (*)(const Matrices&, const TurnedBlock*, int64_t, int64_t, const InputScale*,
                          const char*);

template <int... N>
Multiply multiply_of(int64_t count, std::integer_sequence<int, N...>) {
  static constexpr Multiply kinds[] = {multiply<N + 1>...};
  return kinds[count - 1];
}

// Tiles that one thread takes at once: few enough that all end together, as many as are worth it.
int64_t tiles_of_job(int64_t tiles, int64_t threads) {
  constexpr int64_t kJobsOfThread = 12, kTilesMost = 4;
  return std::clamp(tiles / (threads * kJobsOfThread), int64_t(1), kTilesMost);
}

// What a thread computes next: some tiles by a block of inputs.
class Jobs {
 public:
  // `shared`: threads take turns by ggml's counter, so that one which is held up holds up few
  // tiles. Else each has its share from the start.
  Jobs(const ggml_compute_params* params, int64_t count, bool shared)
      : pool_(shared ? params->threadpool : nullptr),
        next_(shared ? params->ith : count * params->ith / params->nth),
        end_(shared ? count : count * (params->ith + 1) / params->nth) {}

  // -1 when there are none left.
  int64_t take() {
    if (next_ < 0) next_ = pool_ ? ggml_threadpool_chunk_add(pool_, 1) : last_ + 1;
    last_ = next_;
    next_ = -1;
    return last_ < end_ ? last_ : -1;
  }

 private:
  ggml_threadpool* pool_;
  int64_t next_, last_ = -1;
  int64_t end_;
};

class Product {
 public:
  explicit Product(const Matrices& of, int64_t threads)
      : of_(of),
        tiles_((of.m + kTile - 1) / kTile),
        of_job_(tiles_of_job(tiles_, threads)),
        groups_((tiles_ + of_job_ - 1) / of_job_) {
    scratch_.tile.resize(size_t(of.k));
    scratch_.inputs.resize(size_t(of.k * std::min(of.n, kInputsBlock)));
  }

  int64_t jobs() const { return groups_ * ((of_.n + kInputsBlock - 1) / kInputsBlock); }

  // `next` is the job that follows, or -1.
  void run(int64_t job, int64_t next) {
    const int64_t begin = job / groups_ * kInputsBlock;
    const int64_t end = std::min(of_.n, begin + kInputsBlock);
    if (measured_ != begin) measure_inputs(of_, begin, end, scratch_.inputs.data());
    measured_ = begin;
    const int64_t first = job % groups_ * of_job_;
    const int64_t last = std::min(tiles_, first + of_job_) - 1;
    for (int64_t tile = first; tile < last; ++tile) multiply_tile(tile, tile + 1, begin, end);
    multiply_tile(last, next < 0 ? -1 : next % groups_ * of_job_, begin, end);
  }

 private:
  // Where the tile's weights begin; null where they do not lie together, or are fewer.
  const char* weights_of(int64_t tile) const {
    if (tile < 0 || of_.lda != of_.k || (tile + 1) * kTile > of_.m) return nullptr;
    return reinterpret_cast<const char*>(of_.a + of_.lda * tile * kTile);
  }

  void multiply_tile(int64_t tile, int64_t next, int64_t begin, int64_t end) {
    turn(of_, tile * kTile, scratch_.tile.data());
    const char* fetched = weights_of(next);
    for (int64_t j = begin; j < end; j += kInputs) {
      const int64_t count = std::min(kInputs, end - j);
      const Multiply kind = multiply_of(count, std::make_integer_sequence<int, int(kInputs)>());
      const InputScale* scales = scratch_.inputs.data() + of_.k * (j - begin);
      kind(of_, scratch_.tile.data(), tile * kTile, j, scales, fetched);
      fetched = nullptr;
    }
  }

  const Matrices of_;
  const int64_t tiles_, of_job_, groups_;
  static thread_local Scratch scratch_;
  int64_t measured_ = -1;
};

thread_local Scratch Product::scratch_;

void multiply_all(const ggml_compute_params* params, const Matrices& of) {
  Product product(of, params->nth);
  // ggml sets its counter once a node. Of several matrices of one node, the first one's inputs lie
  // at the beginning of its work buffer.
  Jobs jobs(params, product.jobs(), of.b == params->wdata);
  for (int64_t job = jobs.take(); job >= 0;) {
    const int64_t next = jobs.take();
    product.run(job, next);
    job = next;
  }
}

}  // namespace
#endif

extern "C" bool llamafile_sgemm(const ggml_compute_params* params, int64_t m, int64_t n, int64_t k,
                                const void* a, int64_t lda, const void* b, int64_t ldb, void* c,
                                int64_t ldc, int a_type, int b_type, int c_type) {
#ifdef SLUICE_Q8_PRODUCTS
  if (a_type == GGML_TYPE_Q8_0 && b_type == GGML_TYPE_Q8_0 && c_type == GGML_TYPE_F32) {
    multiply_all(params, {m, n, k, static_cast<const block_q8_0*>(a), lda,
                          static_cast<const block_q8_0*>(b), ldb, static_cast<float*>(c), ldc});
    return true;
  }
#endif
  return sluice_ggml_sgemm(params, m, n, k, a, lda, b, ldb, c, ldc, a_type, b_type, c_type);
}
