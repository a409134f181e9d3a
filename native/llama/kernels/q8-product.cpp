// The product of a Q8_0 matrix with rows that were quantized to Q8_0, in the place of ggml's own.
// Compiled into each of ggml's CPU backends, with its flags; see cmake/kernels.cmake. Without
// AVX-512 VNNI only ggml's own is used.
//
// A row of the product is a column here, as in BLAS. Of several columns, 16 rows of the matrix are
// transposed first: one register then has four values of each row, and one instruction multiplies
// them with four values of a column, and adds each row's products to its own sum. One column alone,
// as a single reply has it, waits for memory: its rows are read as they are, and what comes next is
// asked for ahead.
//
// Each element is added up in one way: block by block, the whole numbers of a block exactly, and
// their sum times both scales then added to a float. So it does not depend on how many columns
// there are.
#include "ggml-cpu-impl.h"
#include "llamafile/sgemm.h"

// ggml's own, which has this name instead (cmake/kernels.cmake).
extern "C" bool sluice_ggml_sgemm(const struct ggml_compute_params* params, int64_t m, int64_t n,
                                  int64_t k, const void* a, int64_t lda, const void* b, int64_t ldb,
                                  void* c, int64_t ldc, int a_type, int b_type, int c_type);

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__) && \
    defined(__AVX512VL__) && defined(__AVX512VNNI__)
#define SLUICE_Q8_PRODUCT
#define GGML_COMMON_DECL_CPP  // of ggml-common.h: block_q8_0
#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "ggml-common.h"

namespace {

constexpr int64_t kTileRows = 16;
constexpr int64_t kTileColumns = 8;
// So many blocks of 16 rows are transposed at once: they stay in the second cache.
constexpr int64_t kTileBlocks = 128;
// Rows that one column alone takes at once.
constexpr int64_t kDirectRows = 8;
// Rows that a thread takes at once: few, so that one that is held up holds up no more than these,
// but at least so many products of two blocks.
constexpr int64_t kChunkRowsMax = 64;
constexpr int64_t kChunkProductsMin = 4096;
// Columns are packed into so many bytes of each thread, as many as fit.
constexpr int64_t kPackedBytes = 256 * 1024;
// Rows up to so many bytes are asked for into the nearest cache, longer ones into the next.
constexpr int64_t kNearBytes = 4096;

// A block of a column. dpbusd multiplies bytes without sign by bytes with one, so the matrix's
// values are moved up by 128, and `moved` takes off again what that adds.
struct PackedBlock {
  int8_t values[QK8_0];
  int32_t moved;
  float scale;
};
constexpr int64_t kPackedBlocks = kPackedBytes / int64_t(sizeof(PackedBlock));

// A block of 16 rows of the matrix: four values of each row after another four, moved up by 128.
struct alignas(64) TileBlock {
  __m512i values[QK8_0 / 4];
  __m512 scales;
};

// Of one thread. Not as a thread_local array, for which each thread of a program that this is
// linked into statically would give a part of its stack.
struct Memory {
  TileBlock tile[kTileBlocks];
  PackedBlock packed[kPackedBlocks];
};

struct FreeMemory {
  void operator()(Memory* memory) const {
    operator delete(memory, std::align_val_t(alignof(Memory)));
  }
};

Memory& memory() {
  static thread_local std::unique_ptr<Memory, FreeMemory> own;
  if (!own) {
    const auto alignment = std::align_val_t(alignof(Memory));
    own.reset(static_cast<Memory*>(operator new(sizeof(Memory), alignment, std::nothrow)));
    // The other threads share the product with this one and cannot be told otherwise. llama.cpp
    // itself ends the process where a thread has no memory.
    if (!own) GGML_ABORT("no memory for a product");
  }
  return *own;
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

__m256i values_of(const block_q8_0& block) { return _mm256_loadu_si256((const __m256i*)block.qs); }

// The columns of a tile stand together, block by block.
void pack(const Product& product, int64_t first, int64_t columns, PackedBlock* packed) {
  const __m256i up = _mm256_set1_epi8(int8_t(-128));
  for (int64_t begin = 0; begin < columns; begin += kTileColumns) {
    const int64_t width = std::min(kTileColumns, columns - begin);
    for (int64_t column = 0; column < width; ++column) {
      const block_q8_0* from = product.b + (first + begin + column) * product.ldb;
      PackedBlock* to = packed + begin * product.k + column;
      for (int64_t block = 0; block < product.k; ++block, to += width) {
        const __m256i values = values_of(from[block]);
        _mm256_storeu_si256((__m256i*)to->values, values);
        const __m256i sums = _mm256_dpbusd_epi32(_mm256_setzero_si256(), up, values);
        const __m128i four =
            _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
        const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
        to->moved = -(_mm_cvtsi128_si32(two) + _mm_extract_epi32(two, 1));
        to->scale = _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(from[block].d)));
      }
    }
  }
}

// What comes next of each row is asked for ahead: of few rows into the nearest cache, else the
// next.
bool are_near(int64_t rows, int64_t lda) {
  return rows * lda * int64_t(sizeof(block_q8_0)) <= kNearBytes;
}

template <int64_t Rows>
inline void ask_for(const block_q8_0* const (&rows)[Rows], int64_t block, bool are_near) {
  for (const block_q8_0* row : rows) {
    const auto* next = (const char*)(row + block);
    if (are_near) {
      _mm_prefetch(next, _MM_HINT_T0);
    } else {
      _mm_prefetch(next, _MM_HINT_T1);
    }
  }
}

// ---- several columns ----------------------------------------------------------------------------

// Of both registers, which have four dwords of four rows each: dwords 0 to 3 of eight rows.
inline void transpose(const __m512i (&rows)[4], __m512i (&dwords)[4]) {
  const __m512i low01 = _mm512_unpacklo_epi32(rows[0], rows[1]);
  const __m512i low23 = _mm512_unpacklo_epi32(rows[2], rows[3]);
  const __m512i high01 = _mm512_unpackhi_epi32(rows[0], rows[1]);
  const __m512i high23 = _mm512_unpackhi_epi32(rows[2], rows[3]);
  dwords[0] = _mm512_unpacklo_epi64(low01, low23);
  dwords[1] = _mm512_unpackhi_epi64(low01, low23);
  dwords[2] = _mm512_unpacklo_epi64(high01, high23);
  dwords[3] = _mm512_unpackhi_epi64(high01, high23);
}

inline __m512i two_rows(const block_q8_0& low, const block_q8_0& high) {
  const __m512i values = _mm512_castsi256_si512(values_of(low));
  return _mm512_xor_si512(_mm512_inserti64x4(values, values_of(high), 1),
                          _mm512_set1_epi8(int8_t(-128)));
}

// One block of 16 rows.
inline void fill(const block_q8_0* const (&rows)[kTileRows], int64_t block, TileBlock& tile) {
  __m512i halves[2][4];  // a register has dwords 0 to 3 of four rows, 4 to 7, and of four more
  for (int half = 0; half < 2; ++half) {
    __m512i pairs[4];
    for (int i = 0; i < 4; ++i) {
      pairs[i] = two_rows(rows[8 * half + i][block], rows[8 * half + i + 4][block]);
    }
    transpose(pairs, halves[half]);
  }
  for (int i = 0; i < 4; ++i) {
    tile.values[i] = _mm512_shuffle_i32x4(halves[0][i], halves[1][i], _MM_SHUFFLE(2, 0, 2, 0));
    tile.values[i + 4] = _mm512_shuffle_i32x4(halves[0][i], halves[1][i], _MM_SHUFFLE(3, 1, 3, 1));
  }
  const auto d = [&](int row) { return short(rows[row][block].d); };
  tile.scales =
      _mm512_cvtph_ps(_mm256_setr_epi16(d(0), d(1), d(2), d(3), d(4), d(5), d(6), d(7), d(8), d(9),
                                        d(10), d(11), d(12), d(13), d(14), d(15)));
}

// Adds some blocks of 16 rows by some packed columns to what `c` has, or where `is_first` to zero.
template <int Columns>
void add_tile(const TileBlock* tile, int64_t blocks, const PackedBlock* packed, bool is_first,
              float* c, int64_t ldc, __mmask16 rows) {
  __m512 sums[Columns];
  for (int column = 0; column < Columns; ++column) {
    sums[column] = is_first ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(rows, c + column * ldc);
  }
  for (int64_t block = 0; block < blocks; ++block, ++tile, packed += Columns) {
    for (int column = 0; column < Columns; ++column) {
      const PackedBlock& other = packed[column];
      __m512i products = _mm512_set1_epi32(other.moved);
      for (int i = 0; i < QK8_0 / 4; ++i) {
        int32_t four;
        std::memcpy(&four, other.values + 4 * i, sizeof four);
        products = _mm512_dpbusd_epi32(products, tile->values[i], _mm512_set1_epi32(four));
      }
      const __m512 scales = _mm512_mul_ps(tile->scales, _mm512_set1_ps(other.scale));
      sums[column] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(products), scales, sums[column]);
    }
  }
  for (int column = 0; column < Columns; ++column) {
    _mm512_mask_storeu_ps(c + column * ldc, rows, sums[column]);
  }
}

using AddTile = decltype(&add_tile<1>);
constexpr AddTile kAddTile[] = {add_tile<1>, add_tile<2>, add_tile<3>, add_tile<4>,
                                add_tile<5>, add_tile<6>, add_tile<7>, add_tile<8>};

// Rows from `row` on, 16 or as many as there are, by packed columns; `c` is the first one's.
void compute_rows(const Product& product, int64_t row, int64_t columns, const PackedBlock* packed,
                  float* c) {
  TileBlock* const tile = memory().tile;
  const int64_t count = std::min(kTileRows, product.m - row);
  const block_q8_0* rows[kTileRows];
  for (int64_t i = 0; i < kTileRows; ++i) {  // what is missing is the last one again
    rows[i] = product.a + (row + std::min(i, count - 1)) * product.lda;
  }
  const auto mask = __mmask16((1 << count) - 1);
  const bool is_near = are_near(kTileRows, product.lda);
  for (int64_t begin = 0; begin < product.k; begin += kTileBlocks) {
    const int64_t blocks = std::min(kTileBlocks, product.k - begin);
    for (int64_t block = 0; block < blocks; ++block) {
      ask_for(rows, begin + block + kTileRows * product.lda, is_near);
      fill(rows, begin + block, tile[block]);
    }
    for (int64_t column = 0; column < columns; column += kTileColumns) {
      const int64_t width = std::min(kTileColumns, columns - column);
      kAddTile[width - 1](tile, blocks, packed + column * product.k + begin * width, begin == 0,
                          c + column * product.ldc + row, product.ldc, mask);
    }
  }
}

// ---- one column ---------------------------------------------------------------------------------

// Of both registers, sums that are two apart are added: two of one, then two of the other.
inline __m512i add_halves(__m512i one, __m512i other) {
  return _mm512_add_epi32(_mm512_unpacklo_epi64(one, other), _mm512_unpackhi_epi64(one, other));
}

// Each register has eight sums of a row, and eight of the fourth row after it. The result has one
// sum of each of the eight rows.
inline __m256i add_up(const __m512i (&sums)[4]) {
  const __m512i left = add_halves(sums[0], sums[1]);
  const __m512i right = add_halves(sums[2], sums[3]);
  const __m512i two = _mm512_add_epi32(
      _mm512_castps_si512(_mm512_shuffle_ps(_mm512_castsi512_ps(left), _mm512_castsi512_ps(right),
                                            _MM_SHUFFLE(2, 0, 2, 0))),
      _mm512_castps_si512(_mm512_shuffle_ps(_mm512_castsi512_ps(left), _mm512_castsi512_ps(right),
                                            _MM_SHUFFLE(3, 1, 3, 1))));
  const __m512i swapped = _mm512_shuffle_i32x4(two, two, _MM_SHUFFLE(2, 3, 0, 1));
  const __m512i one = _mm512_add_epi32(two, swapped);
  return _mm512_castsi512_si256(_mm512_shuffle_i32x4(one, one, _MM_SHUFFLE(2, 0, 2, 0)));
}

// Rows from `row` on, eight or as many as there are, by one packed column.
void compute_direct(const Product& product, int64_t row, const PackedBlock* packed, float* c) {
  const int64_t count = std::min(kDirectRows, product.m - row);
  const block_q8_0* rows[kDirectRows];
  for (int64_t i = 0; i < kDirectRows; ++i) {  // what is missing is the last one again
    rows[i] = product.a + (row + std::min(i, count - 1)) * product.lda;
  }
  const bool is_near = are_near(kDirectRows, product.lda);
  __m256 sums = _mm256_setzero_ps();
  for (int64_t block = 0; block < product.k; ++block, ++packed) {
    ask_for(rows, block + kDirectRows * product.lda, is_near);
    const __m512i column =
        _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i*)packed->values));
    __m512i products[4];
    for (int i = 0; i < 4; ++i) {
      products[i] = _mm512_dpbusd_epi32(_mm512_setzero_si512(),
                                        two_rows(rows[i][block], rows[i + 4][block]), column);
    }
    const __m256i total = _mm256_add_epi32(add_up(products), _mm256_set1_epi32(packed->moved));
    const auto d = [&](int i) { return short(rows[i][block].d); };
    const __m256 row_scales =
        _mm256_cvtph_ps(_mm_setr_epi16(d(0), d(1), d(2), d(3), d(4), d(5), d(6), d(7)));
    const __m256 scales = _mm256_mul_ps(row_scales, _mm256_set1_ps(packed->scale));
    sums = _mm256_fmadd_ps(_mm256_cvtepi32_ps(total), scales, sums);
  }
  _mm256_mask_storeu_ps(c + row, __mmask8((1 << count) - 1), sums);
}

// ---- threads ------------------------------------------------------------------------------------

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
  float* c = product.c + first * product.ldc;
  if (columns == 1) {
    for (int64_t row = begin; row < end; row += kDirectRows) {
      compute_direct(product, row, packed, c);
    }
    return;
  }
  for (int64_t row = begin; row < end; row += kTileRows) {
    compute_rows(product, row, columns, packed, c);
  }
}

// The work of all threads: chunks of rows by groups of columns, which fit into what is packed.
void multiply(const ggml_compute_params& params, const Product& product) {
  PackedBlock* const packed = memory().packed;
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
#ifdef SLUICE_Q8_PRODUCT
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
