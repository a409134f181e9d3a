// The product of a Q8_0 matrix with rows that were quantized to Q8_0, in the place of ggml's own.
// Compiled into each of ggml's CPU backends, with its flags; see cmake/q8-product.cmake. Without
// AVX-512 VNNI only ggml's own is used.
//
// ggml's takes one product of 32 values after another, in registers of 256 bits. Here one register
// has a block of two rows of the matrix, and a tile is four rows by up to eight columns. And one
// column alone, as a single reply has it, waits for memory: so what comes next is asked for ahead.
//
// Each element is added up exactly as ggml_vec_dot_q8_0_q8_0 does it, in the same order, so that it
// does not depend on how many columns there are: eight sums side by side, block by block.
#include "ggml-cpu-impl.h"
#include "llamafile/sgemm.h"

// ggml's own, which has this name instead (cmake/q8-product.cmake).
extern "C" bool sluice_ggml_sgemm(const struct ggml_compute_params* params, int64_t m, int64_t n,
                                  int64_t k, const void* a, int64_t lda, const void* b, int64_t ldb,
                                  void* c, int64_t ldc, int a_type, int b_type, int c_type);

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__) && defined(__AVX512VNNI__)
#define GGML_COMMON_DECL_CPP
#include <immintrin.h>

#include <algorithm>

#include "ggml-common.h"

namespace {

constexpr int64_t kTileRows = 4;
constexpr int64_t kTileColumns = 8;
// Rows that a thread takes at once: few, so that one that is held up holds up no more than these,
// but at least so many products of two blocks.
constexpr int64_t kChunkRowsMax = 64;
constexpr int64_t kChunkProductsMin = 4096;
// Columns are packed into so many bytes of each thread, as many as fit.
constexpr int64_t kPackedBytes = 128 * 1024;
// Rows up to this are asked for into the nearest cache, longer ones into the next.
constexpr int64_t kNearBytes = 4096;

// A block of a column as a tile wants it. dpbusd multiplies bytes without sign by bytes with one,
// so the column's values are moved up by 128, and what that is too much is taken off again.
struct PackedBlock {
  uint8_t values[QK8_0];
  float scale;
};
constexpr int64_t kPackedBlocks = kPackedBytes / int64_t(sizeof(PackedBlock));

float scale_of(const block_q8_0& block) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(block.d)));
}

struct Product {
  const block_q8_0* a;
  int64_t lda;
  const block_q8_0* b;
  int64_t ldb;
  float* c;
  int64_t ldc;
  int64_t m, n, k;
};

// The columns of a tile stand together, block by block.
void pack(const Product& product, int64_t first, int64_t columns, PackedBlock* packed) {
  const __m256i up = _mm256_set1_epi8(int8_t(-128));
  for (int64_t begin = 0; begin < columns; begin += kTileColumns) {
    const int64_t width = std::min(kTileColumns, columns - begin);
    for (int64_t column = 0; column < width; ++column) {
      const block_q8_0* from = product.b + (first + begin + column) * product.ldb;
      PackedBlock* to = packed + begin * product.k + column;
      for (int64_t block = 0; block < product.k; ++block, to += width) {
        const __m256i values = _mm256_loadu_si256((const __m256i*)from[block].qs);
        _mm256_storeu_si256((__m256i*)to->values, _mm256_xor_si256(values, up));
        to->scale = scale_of(from[block]);
      }
    }
  }
}

// Two rows of the matrix, a block of each.
struct RowPair {
  __m512i values;
  __m512i moved;  // what 128 more in each value of a column adds, with the other sign
  __m512 scales;  // eight of each row
};

inline RowPair load(const block_q8_0& low, const block_q8_0& high) {
  RowPair pair;
  const __m512i first = _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i*)low.qs));
  const __m256i second = _mm256_loadu_si256((const __m256i*)high.qs);
  pair.values = _mm512_inserti64x4(first, second, 1);
  const __m512i up = _mm512_set1_epi8(int8_t(-128));
  const __m512i added = _mm512_dpbusd_epi32(_mm512_setzero_si512(), up, pair.values);
  pair.moved = _mm512_sub_epi32(_mm512_setzero_si512(), added);
  const __m512 low_scale = _mm512_castps256_ps512(_mm256_set1_ps(scale_of(low)));
  pair.scales = _mm512_insertf32x8(low_scale, _mm256_set1_ps(scale_of(high)), 1);
  return pair;
}

// Adds a block's products to eight sums of each row.
inline __m512 add(__m512 sums, const RowPair& rows, __m512i column, float scale) {
  const __m512i products = _mm512_dpbusd_epi32(rows.moved, column, rows.values);
  const __m512 scales = _mm512_mul_ps(rows.scales, _mm512_set1_ps(scale));
  return _mm512_fmadd_ps(scales, _mm512_cvtepi32_ps(products), sums);
}

// Adds sums that are four apart.
inline __m512 halves(__m512 one, __m512 other) {
  return _mm512_add_ps(_mm512_shuffle_f32x4(one, other, _MM_SHUFFLE(3, 1, 3, 1)),
                       _mm512_shuffle_f32x4(one, other, _MM_SHUFFLE(2, 0, 2, 0)));
}

// Of one column, the eight sums of four rows become one each: those that are four apart are added,
// then two, then one.
inline __m128 sum_up(__m512 low, __m512 high) {
  const __m512 four = halves(low, high);
  const __m512 two = _mm512_add_ps(four, _mm512_shuffle_ps(four, four, _MM_SHUFFLE(3, 2, 3, 2)));
  const __m512 one = _mm512_add_ps(two, _mm512_movehdup_ps(two));
  const __m512i firsts = _mm512_set_epi32(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 8, 4, 0);
  return _mm512_castps512_ps128(_mm512_permutexvar_ps(firsts, one));
}

// The same of eight columns and two rows. The result has a row's even columns, the other row's, and
// then their odd ones.
inline __m512 sum_up(const __m512 (&sums)[kTileColumns]) {
  const auto quarters = [](__m512 one, __m512 other) {
    return _mm512_add_ps(_mm512_shuffle_ps(one, other, _MM_SHUFFLE(1, 0, 1, 0)),
                         _mm512_shuffle_ps(one, other, _MM_SHUFFLE(3, 2, 3, 2)));
  };
  const __m512 left = quarters(halves(sums[0], sums[1]), halves(sums[2], sums[3]));
  const __m512 right = quarters(halves(sums[4], sums[5]), halves(sums[6], sums[7]));
  return _mm512_add_ps(_mm512_shuffle_ps(left, right, _MM_SHUFFLE(2, 0, 2, 0)),
                       _mm512_shuffle_ps(left, right, _MM_SHUFFLE(3, 1, 3, 1)));
}

// Four rows of every second column: of each column, its four rows.
template <int Columns>
inline void store(__m128 rows0, __m128 rows1, __m128 rows2, __m128 rows3, float* c, int64_t ldc,
                  int64_t rows, int first) {
  _MM_TRANSPOSE4_PS(rows0, rows1, rows2, rows3);
  const __m128 columns[] = {rows0, rows1, rows2, rows3};
  const __mmask8 mask = __mmask8((1 << rows) - 1);
  for (int i = 0; first + 2 * i < Columns; ++i) {
    _mm_mask_storeu_ps(c + (first + 2 * i) * ldc, mask, columns[i]);
  }
}

// Rows `row` to row + 3, as far as there are so many, by some packed columns.
template <int Columns>
void compute_tile(const Product& product, int64_t row, const PackedBlock* packed, float* c) {
  const block_q8_0* a[kTileRows];
  const int64_t rows = std::min(kTileRows, product.m - row);
  for (int64_t i = 0; i < kTileRows; ++i) {  // what is missing is the last one again
    a[i] = product.a + (row + std::min(i, rows - 1)) * product.lda;
  }
  const int64_t ahead = kTileRows * product.lda;
  const bool is_near = ahead * int64_t(sizeof(block_q8_0)) <= kNearBytes;
  __m512 low[kTileColumns], high[kTileColumns];
  for (int column = 0; column < kTileColumns; ++column) {
    low[column] = high[column] = _mm512_setzero_ps();
  }
  for (int64_t block = 0; block < product.k; ++block, packed += Columns) {
    if (Columns == 1) {
      for (int64_t i = 0; i < kTileRows; ++i) {
        const char* next = (const char*)(a[i] + block + ahead);
        if (is_near) {
          _mm_prefetch(next, _MM_HINT_T0);
        } else {
          _mm_prefetch(next, _MM_HINT_T1);
        }
      }
    }
    const RowPair first = load(a[0][block], a[1][block]);
    const RowPair second = load(a[2][block], a[3][block]);
    for (int column = 0; column < Columns; ++column) {
      const __m512i values =
          _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i*)packed[column].values));
      low[column] = add(low[column], first, values, packed[column].scale);
      high[column] = add(high[column], second, values, packed[column].scale);
    }
  }
  if (Columns == 1) {
    return _mm_mask_storeu_ps(c + row, __mmask8((1 << rows) - 1), sum_up(low[0], high[0]));
  }
  const __m512 sums = sum_up(low), more = sum_up(high);
  store<Columns>(_mm512_extractf32x4_ps(sums, 0), _mm512_extractf32x4_ps(sums, 1),
                 _mm512_extractf32x4_ps(more, 0), _mm512_extractf32x4_ps(more, 1), c + row,
                 product.ldc, rows, 0);
  store<Columns>(_mm512_extractf32x4_ps(sums, 2), _mm512_extractf32x4_ps(sums, 3),
                 _mm512_extractf32x4_ps(more, 2), _mm512_extractf32x4_ps(more, 3), c + row,
                 product.ldc, rows, 1);
}

using Tile = void (*)(const Product& product, int64_t row, const PackedBlock* packed, float* c);
constexpr Tile kTiles[] = {compute_tile<1>, compute_tile<2>, compute_tile<3>, compute_tile<4>,
                           compute_tile<5>, compute_tile<6>, compute_tile<7>, compute_tile<8>};

int64_t parts_of(int64_t whole, int64_t part) { return (whole + part - 1) / part; }

// How many rows a chunk has: whole tiles.
int64_t chunk_rows(const Product& product, int64_t columns, int64_t threads) {
  const int64_t few = std::min(kChunkRowsMax, product.m / (4 * threads));
  const int64_t least = parts_of(kChunkProductsMin, columns * product.k);
  const int64_t rows = std::min(std::max(few, least), parts_of(product.m, threads));
  return parts_of(rows, kTileRows) * kTileRows;
}

// Some of the rows by packed columns, of which `first` is the first.
void compute_chunk(const Product& product, int64_t begin, int64_t end, int64_t first,
                   int64_t columns, const PackedBlock* packed) {
  for (int64_t column = 0; column < columns; column += kTileColumns) {
    const int64_t width = std::min(kTileColumns, columns - column);
    float* c = product.c + (first + column) * product.ldc;
    for (int64_t row = begin; row < end; row += kTileRows) {
      kTiles[width - 1](product, row, packed + column * product.k, c);
    }
  }
}

// The work of all threads: chunks of rows by groups of columns, which fit into what is packed.
void multiply(const ggml_compute_params& params, const Product& product) {
  alignas(64) static thread_local PackedBlock packed[kPackedBlocks];
  const int64_t fitting = kPackedBlocks / product.k;
  const int64_t group =
      std::min(product.n, fitting < kTileColumns ? fitting : fitting / kTileColumns * kTileColumns);
  const int64_t rows = chunk_rows(product, group, params.nth);
  const int64_t chunks = parts_of(product.m, rows);
  const int64_t jobs = chunks * parts_of(product.n, group);
  // Chunks go to whoever is free. ggml has set its counter for that, behind the threads' first
  // ones, for one product: where there are several, this is the first of them.
  const bool is_first = product.b == params.wdata;
  int64_t packed_group = -1;
  int64_t job = params.ith;
  while (job < jobs) {
    const int64_t first = job / chunks * group;
    const int64_t columns = std::min(group, product.n - first);
    if (job / chunks != packed_group) {
      pack(product, first, columns, packed);
      packed_group = job / chunks;
    }
    const int64_t begin = job % chunks * rows;
    compute_chunk(product, begin, std::min(begin + rows, product.m), first, columns, packed);
    job = is_first ? ggml_threadpool_chunk_add(params.threadpool, 1) : job + params.nth;
  }
}

}  // namespace

#endif

extern "C" bool llamafile_sgemm(const struct ggml_compute_params* params, int64_t m, int64_t n,
                                int64_t k, const void* a, int64_t lda, const void* b, int64_t ldb,
                                void* c, int64_t ldc, int a_type, int b_type, int c_type) {
#ifdef GGML_COMMON_DECL_CPP
  const bool is_q8_0 = a_type == GGML_TYPE_Q8_0 && b_type == GGML_TYPE_Q8_0;
  if (is_q8_0 && c_type == GGML_TYPE_F32 && m > 0 && n > 0 && k > 0 && k <= kPackedBlocks) {
    const auto* matrix = (const block_q8_0*)a;
    const auto* columns = (const block_q8_0*)b;
    multiply(*params, {matrix, lda, columns, ldb, (float*)c, ldc, m, n, k});
    return true;
  }
#endif
  return sluice_ggml_sgemm(params, m, n, k, a, lda, b, ldb, c, ldc, a_type, b_type, c_type);
}
