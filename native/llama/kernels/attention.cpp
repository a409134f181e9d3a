// Attention over keys and values of f16, in the place of ggml's own. Compiled into each of ggml's
// CPU backends, with its flags; see cmake/kernels.cmake. For what it does not take, such as
// quantized keys, and without AVX2 only ggml's own is used.
//
// Query rows are the lanes of a register: what one row has is in the same lane throughout. So keys
// and values are read as they lie, the largest score of a row is found without looking across a
// register, and nothing is transposed but the queries, once. Where rows are too few for that, the
// lanes are a row's elements, as in ggml's code. But all sums are of floats, where ggml's are of
// f16. In each of the two ways a row's result does not depend on the rows beside it.
//
// Scores are of a tile of keys at a time. As in FlashAttention, what was added up before is scaled
// when a tile has a larger score than all before it (Dao et al. 2022, arXiv 2205.14135).
#include "common.h"
#include "ggml-cpu-impl.h"
#include "ops.h"

// ggml's own, which has this name instead (cmake/kernels.cmake).
extern "C" void sluice_ggml_attention(const struct ggml_compute_params* params,
                                      struct ggml_tensor* dst);

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__)
#define SLUICE_ATTENTION
#define SLUICE_LANES_512
#include "vec.h"
using Lanes = __m512;
#elif defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#define SLUICE_ATTENTION
#include "vec.h"
using Lanes = __m256;
#endif

#ifdef SLUICE_ATTENTION
#include <immintrin.h>

#include <algorithm>
#include <cfloat>
#include <cmath>

namespace {

#ifdef SLUICE_LANES_512
constexpr int kKeysAtOnce = 8;
Lanes load(const float* from) { return _mm512_loadu_ps(from); }
void store(float* to, Lanes lanes) { _mm512_storeu_ps(to, lanes); }
Lanes all(float value) { return _mm512_set1_ps(value); }
Lanes from_halfs(const ggml_fp16_t* from) {
  return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)from));
}
Lanes fma(Lanes a, Lanes b, Lanes c) { return _mm512_fmadd_ps(a, b, c); }
Lanes add(Lanes a, Lanes b) { return _mm512_add_ps(a, b); }
Lanes subtract(Lanes a, Lanes b) { return _mm512_sub_ps(a, b); }
Lanes multiply(Lanes a, Lanes b) { return _mm512_mul_ps(a, b); }
Lanes larger(Lanes a, Lanes b) { return _mm512_max_ps(a, b); }
float sum_of(Lanes lanes) { return _mm512_reduce_add_ps(lanes); }
float largest_of(Lanes lanes) { return _mm512_reduce_max_ps(lanes); }
#else
constexpr int kKeysAtOnce = 4;
Lanes load(const float* from) { return _mm256_loadu_ps(from); }
void store(float* to, Lanes lanes) { _mm256_storeu_ps(to, lanes); }
Lanes all(float value) { return _mm256_set1_ps(value); }
Lanes from_halfs(const ggml_fp16_t* from) {
  return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)from));
}
Lanes fma(Lanes a, Lanes b, Lanes c) { return _mm256_fmadd_ps(a, b, c); }
Lanes add(Lanes a, Lanes b) { return _mm256_add_ps(a, b); }
Lanes subtract(Lanes a, Lanes b) { return _mm256_sub_ps(a, b); }
Lanes multiply(Lanes a, Lanes b) { return _mm256_mul_ps(a, b); }
Lanes larger(Lanes a, Lanes b) { return _mm256_max_ps(a, b); }
float sum_of(Lanes lanes) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps(lanes, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
float largest_of(Lanes lanes) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps(lanes, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
#endif

constexpr int kLanes = int(sizeof(Lanes) / sizeof(float));
constexpr int kTileRows = GGML_FA_TILE_Q;   // ggml's work memory is for so many rows
constexpr int kTileKeys = GGML_FA_TILE_KV;  // and keys
// With fewer rows that share their keys most lanes would be empty: they are computed one by one.
constexpr int64_t kRowsMin = 8;
// Where there are more threads for each unit of work, ggml's code gives each a part of the keys.
constexpr int64_t kThreadsMost = 4, kThreadsMostOneByOne = 1;
// Units of work that a thread has at least, if they can be so small.
constexpr int64_t kUnitsMin = 3;
constexpr ggml_fp16_t kHidden = 0xfc00;  // minus infinity, as a mask has it
// The largest score of a row that has seen no key. Not minus infinity: a hidden key's score, which
// is that, less itself is no number.
constexpr float kNothingSeen = -FLT_MAX;

// One attention. Its query rows are [stream][head][token]; some heads share one of keys and values.
struct Attention {
  const ggml_tensor *q, *k, *v, *mask;
  ggml_tensor* dst;
  float scale;
  int64_t tokens, heads, key_heads, streams, keys;
  int64_t key_size, value_size;  // elements; multiples of kLanes

  int64_t rows() const { return heads / key_heads * tokens; }  // that share a head of keys
};

// The memory of one thread. Matrices with query rows have them in columns, kTileRows apart; where
// rows are computed one by one, a row's elements stand together.
struct Memory {
  float* queries;  // [key_size][kTileRows], scaled
  float* sums;     // [value_size][kTileRows]
  float* scores;   // [kTileKeys][kTileRows]
  float* keys;     // [kTileKeys][key_size]
  float* values;   // [kTileKeys][value_size]
  float largest[kTileRows], totals[kTileRows];
};

// Query rows of heads that share their keys and values.
struct Tile {
  int rows;
  const char *keys, *values;
  const float* queries[kTileRows];
  const ggml_fp16_t* masks[kTileRows];
  float* results[kTileRows];
};

// The score of a key that a row sees. Minus infinity, of keys that were too large, would hide it.
float seen(float score) { return score == -INFINITY ? NAN : score; }

int64_t parts_of(int64_t whole, int64_t part) { return (whole + part - 1) / part; }

template <typename Element>
Element* at(const ggml_tensor* tensor, int64_t i1, int64_t i2, int64_t i3) {
  return (Element*)((char*)tensor->data + i1 * tensor->nb[1] + i2 * tensor->nb[2] +
                    i3 * tensor->nb[3]);
}

// The rows from `begin` on of one head of keys, counted over all heads that share it.
Tile gather(const Attention& a, int64_t stream, int64_t key_head, int64_t begin, int rows) {
  const int64_t sharing = a.heads / a.key_heads;
  const auto of_stream = [&](const ggml_tensor* tensor) {
    return stream / (a.streams / tensor->ne[3]);
  };
  Tile tile;
  tile.rows = rows;
  tile.keys = at<char>(a.k, 0, key_head, of_stream(a.k));
  tile.values = at<char>(a.v, 0, key_head, of_stream(a.v));
  for (int row = 0; row < rows; ++row) {
    const int64_t head = key_head * sharing + (begin + row) / a.tokens;
    const int64_t token = (begin + row) % a.tokens;
    tile.queries[row] = at<const float>(a.q, token, head, stream);
    tile.masks[row] = nullptr;
    if (a.mask) {
      tile.masks[row] =
          at<const ggml_fp16_t>(a.mask, token, head % a.mask->ne[2], stream % a.mask->ne[3]);
    }
    tile.results[row] = at<float>(a.dst, head, token, stream);
  }
  return tile;
}

// Rows of keys or values, and zeros behind them. Returns whether all are finite.
bool to_floats(const char* from, size_t row_bytes, int count, int64_t size, float* to) {
  Lanes strange = all(0);
  for (int row = 0; row < count; ++row, to += size) {
    const auto* halfs = (const ggml_fp16_t*)(from + row * row_bytes);
    for (int64_t i = 0; i < size; i += kLanes) {
      const Lanes some = from_halfs(halfs + i);
      store(to + i, some);
      strange = add(strange, subtract(some, some));  // 0, or no number
    }
  }
  std::fill_n(to, (kTileKeys - count) * size, 0.0f);
  return sum_of(strange) == 0;
}

enum class Visible { all, some, none };

// What a row sees of the keys that its mask has from here on.
Visible visible_of(const ggml_fp16_t* mask, int count) {
  constexpr int kAtOnce = int(sizeof(__m256i) / sizeof(ggml_fp16_t));
  const __m256i hidden = _mm256_set1_epi16(short(kHidden));
  __m256i are_hidden = _mm256_set1_epi16(-1), added = _mm256_setzero_si256();
  int i = 0;
  for (; i + kAtOnce <= count; i += kAtOnce) {
    const __m256i some = _mm256_loadu_si256((const __m256i*)(mask + i));
    are_hidden = _mm256_and_si256(are_hidden, _mm256_cmpeq_epi16(some, hidden));
    added = _mm256_or_si256(added, some);
  }
  bool has_visible = !_mm256_testc_si256(are_hidden, _mm256_set1_epi16(-1));
  bool has_added = !_mm256_testz_si256(added, added);
  for (; i < count; ++i) {
    has_visible |= mask[i] != kHidden;
    has_added |= mask[i] != 0;
  }
  if (!has_visible) return Visible::none;
  return has_added ? Visible::some : Visible::all;
}

// Of the keys from `key` on, to the rows from `first` on.
Visible visible_of(const Tile& tile, int first, int rows, int64_t key, int count) {
  int see_all = 0, see_none = 0;
  const int end = std::min(first + rows, tile.rows);
  for (int row = first; row < end; ++row) {
    if (!tile.masks[row]) return Visible::all;
    const Visible visible = visible_of(tile.masks[row] + key, count);
    see_all += visible == Visible::all;
    see_none += visible == Visible::none;
  }
  if (see_none == end - first) return Visible::none;
  return see_all == end - first ? Visible::all : Visible::some;
}

void add_mask(const Tile& tile, int first, int rows, int64_t key, int count, float* scores) {
  for (int row = first; row < std::min(first + rows, tile.rows); ++row) {
    const ggml_fp16_t* mask = tile.masks[row] + key;
    for (int i = 0; i < count; ++i) {
      if (mask[i] == 0) continue;
      float& score = scores[i * kTileRows + row];
      score = mask[i] == kHidden ? -INFINITY : score + GGML_CPU_FP16_TO_FP32(mask[i]);
    }
  }
}

// Of Vectors * kLanes rows: what each key's product with them is.
template <int Vectors>
void score(const Attention& a, const Memory& memory, int first) {
  const float* key = memory.keys;
  float* scores = memory.scores + first;
  for (int i = 0; i < kTileKeys; i += kKeysAtOnce, key += kKeysAtOnce * a.key_size) {
    Lanes sums[kKeysAtOnce][Vectors];
    for (auto& of_key : sums) {
      for (Lanes& sum : of_key) sum = all(0);
    }
    const float* query = memory.queries + first;
    for (int64_t j = 0; j < a.key_size; ++j, query += kTileRows) {
      Lanes rows[Vectors];
      for (int vector = 0; vector < Vectors; ++vector) rows[vector] = load(query + vector * kLanes);
      for (int k = 0; k < kKeysAtOnce; ++k) {
        const Lanes element = all(key[k * a.key_size + j]);
        for (int vector = 0; vector < Vectors; ++vector) {
          sums[k][vector] = fma(element, rows[vector], sums[k][vector]);
        }
      }
    }
    for (const auto& of_key : sums) {
      for (int vector = 0; vector < Vectors; ++vector) {
        store(scores + vector * kLanes, of_key[vector]);
      }
      scores += kTileRows;
    }
  }
}

// Makes weights of the scores of kLanes rows. Returns what was added up before is to be scaled by.
Lanes weigh(Memory& memory, int first) {
  float* scores = memory.scores + first;
  const Lanes before = load(memory.largest + first);
  Lanes largest = before;
  for (int i = 0; i < kTileKeys; ++i) largest = larger(largest, load(scores + i * kTileRows));
  store(memory.largest + first, largest);
  Lanes total = all(0);
  for (int i = 0; i < kTileKeys; ++i) {
    const Lanes weight = ggml_v_expf(subtract(load(scores + i * kTileRows), largest));
    store(scores + i * kTileRows, weight);
    total = add(total, weight);
  }
  const Lanes scale = ggml_v_expf(subtract(before, largest));
  store(memory.totals + first, fma(load(memory.totals + first), scale, total));
  return scale;
}

// Adds the values of a tile's keys to the sums of Vectors * kLanes rows, by their weights.
template <int Vectors>
void add_values(const Attention& a, const Memory& memory, int first,
                const Lanes (&scales)[Vectors]) {
  for (int64_t j = 0; j < a.value_size; j += kKeysAtOnce) {
    Lanes sums[kKeysAtOnce][Vectors];
    float* to = memory.sums + j * kTileRows + first;
    for (int i = 0; i < kKeysAtOnce; ++i) {
      for (int vector = 0; vector < Vectors; ++vector) {
        sums[i][vector] = multiply(load(to + i * kTileRows + vector * kLanes), scales[vector]);
      }
    }
    const float* value = memory.values + j;
    const float* weights = memory.scores + first;
    for (int key = 0; key < kTileKeys; ++key, value += a.value_size, weights += kTileRows) {
      Lanes rows[Vectors];
      for (int vector = 0; vector < Vectors; ++vector) {
        rows[vector] = load(weights + vector * kLanes);
      }
      for (int i = 0; i < kKeysAtOnce; ++i) {
        const Lanes element = all(value[i]);
        for (int vector = 0; vector < Vectors; ++vector) {
          sums[i][vector] = fma(element, rows[vector], sums[i][vector]);
        }
      }
    }
    for (int i = 0; i < kKeysAtOnce; ++i) {
      for (int vector = 0; vector < Vectors; ++vector) {
        store(to + i * kTileRows + vector * kLanes, sums[i][vector]);
      }
    }
  }
}

// The same, row by row, where some value is no finite number. Rows that do not see its key are kept
// from it: their weight is 0, and 0 times that would be no number. Cells that were given up keep
// such values until they are written anew.
void add_seen_values(const Attention& a, const Memory& memory, int first, int rows,
                     const float* scales) {
  for (int row = 0; row < rows; ++row) {
    float* sums = memory.sums + first + row;
    for (int64_t j = 0; j < a.value_size; ++j) sums[j * kTileRows] *= scales[row];
    for (int key = 0; key < kTileKeys; ++key) {
      const float weight = memory.scores[key * kTileRows + first + row];
      const float* value = memory.values + key * a.value_size;
      if (weight == 0) continue;
      for (int64_t j = 0; j < a.value_size; ++j) sums[j * kTileRows] += weight * value[j];
    }
  }
}

// Whether all numbers of some keys are finite, and of their values.
struct Finite {
  bool keys, values;
};

// Some keys, and the rows from `first` on.
template <int Vectors>
void attend_some(const Attention& a, const Tile& tile, Memory& memory, int first, Visible visible,
                 int64_t key, int count, Finite finite) {
  if (visible == Visible::none) return;
  score<Vectors>(a, memory, first);
  for (int i = 0; !finite.keys && i < count; ++i) {
    float* scores = memory.scores + i * kTileRows + first;
    std::transform(scores, scores + Vectors * kLanes, scores, seen);
  }
  if (visible == Visible::some) {
    add_mask(tile, first, Vectors * kLanes, key, count, memory.scores);
  }
  for (int i = count; i < kTileKeys; ++i) {
    std::fill_n(memory.scores + i * kTileRows + first, Vectors * kLanes, -INFINITY);
  }
  Lanes scales[Vectors];
  for (int vector = 0; vector < Vectors; ++vector) {
    scales[vector] = weigh(memory, first + vector * kLanes);
  }
  if (finite.values) return add_values<Vectors>(a, memory, first, scales);
  float each[Vectors * kLanes];
  for (int vector = 0; vector < Vectors; ++vector) store(each + vector * kLanes, scales[vector]);
  add_seen_values(a, memory, first, std::min(Vectors * kLanes, tile.rows - first), each);
}

// All rows of a tile, by some keys.
void attend_keys(const Attention& a, const Tile& tile, Memory& memory, int64_t key, int count) {
  constexpr int kRowsAtOnce = 2 * kLanes;
  Visible visible[kTileRows / kRowsAtOnce];
  bool is_seen = false;
  for (int first = 0; first < tile.rows; first += kRowsAtOnce) {
    Visible& some = visible[first / kRowsAtOnce];
    some = visible_of(tile, first, kRowsAtOnce, key, count);
    is_seen |= some != Visible::none;
  }
  if (!is_seen) return;
  const Finite finite{
      to_floats(tile.keys + key * a.k->nb[1], a.k->nb[1], count, a.key_size, memory.keys),
      to_floats(tile.values + key * a.v->nb[1], a.v->nb[1], count, a.value_size, memory.values)};
  for (int first = 0; first < tile.rows; first += kRowsAtOnce) {
    const Visible some = visible[first / kRowsAtOnce];
    if (tile.rows - first > kLanes) {
      attend_some<2>(a, tile, memory, first, some, key, count, finite);
    } else {
      attend_some<1>(a, tile, memory, first, some, key, count, finite);
    }
  }
}

void attend(const Attention& a, const Tile& tile, Memory& memory) {
  std::fill_n(memory.queries, a.key_size * kTileRows, 0.0f);
  std::fill_n(memory.sums, a.value_size * kTileRows, 0.0f);
  std::fill_n(memory.largest, kTileRows, kNothingSeen);
  std::fill_n(memory.totals, kTileRows, 0.0f);
  for (int row = 0; row < tile.rows; ++row) {
    for (int64_t i = 0; i < a.key_size; ++i) {
      memory.queries[i * kTileRows + row] = tile.queries[row][i] * a.scale;
    }
  }
  for (int64_t key = 0; key < a.keys; key += kTileKeys) {
    attend_keys(a, tile, memory, key, int(std::min<int64_t>(kTileKeys, a.keys - key)));
  }
  for (int row = 0; row < tile.rows; ++row) {
    const float total = memory.totals[row];
    const float scale = total == 0 ? 0 : 1 / total;
    for (int64_t i = 0; i < a.value_size; ++i) {
      tile.results[row][i] = memory.sums[i * kTileRows + row] * scale;
    }
  }
}

// ---- rows one by one ----------------------------------------------------------------------------

// Scores of a tile's keys for one row. Returns the largest.
float score_row(const Attention& a, const Tile& tile, const float* query, int row, int64_t key,
                int count, float* scores) {
  std::fill_n(scores, kTileKeys, -INFINITY);
  const ggml_fp16_t* mask = tile.masks[row] ? tile.masks[row] + key : nullptr;
  for (int i = 0; i < count; ++i) {
    if (mask && mask[i] == kHidden) continue;
    const auto* halfs = (const ggml_fp16_t*)(tile.keys + (key + i) * a.k->nb[1]);
    Lanes sums = all(0);
    for (int64_t j = 0; j < a.key_size; j += kLanes) {
      sums = fma(load(query + j), from_halfs(halfs + j), sums);
    }
    scores[i] = seen(sum_of(sums)) + (mask && mask[i] != 0 ? GGML_CPU_FP16_TO_FP32(mask[i]) : 0);
  }
  Lanes largest = all(-INFINITY);
  for (int i = 0; i < kTileKeys; i += kLanes) largest = larger(largest, load(scores + i));
  return largest_of(largest);
}

// Scales what was added up before, and adds the values of some keys by their weights.
void add_row_values(const Attention& a, const char* values, int count, const float* weights,
                    float scale, float* sums) {
  constexpr int kAtOnce = 4;
  for (int64_t j = 0; j < a.value_size; j += kAtOnce * kLanes) {
    const int vectors = int(std::min<int64_t>(kAtOnce, (a.value_size - j) / kLanes));
    Lanes some[kAtOnce];
    for (int i = 0; i < kAtOnce; ++i) {
      some[i] = i < vectors ? multiply(load(sums + j + i * kLanes), all(scale)) : all(0);
    }
    for (int key = 0; key < count; ++key) {
      const auto* halfs = (const ggml_fp16_t*)(values + key * a.v->nb[1]) + j;
      if (weights[key] == 0) continue;  // it may be hidden, and no number
      const Lanes weight = all(weights[key]);
      for (int i = 0; i < kAtOnce; ++i) {
        if (i < vectors) some[i] = fma(weight, from_halfs(halfs + i * kLanes), some[i]);
      }
    }
    for (int i = 0; i < vectors; ++i) store(sums + j + i * kLanes, some[i]);
  }
}

void attend_row(const Attention& a, const Tile& tile, Memory& memory, int row) {
  float* sums = tile.results[row];
  float largest = kNothingSeen, total = 0;
  std::fill_n(sums, a.value_size, 0.0f);
  for (int64_t key = 0; key < a.keys; key += kTileKeys) {
    const int count = int(std::min<int64_t>(kTileKeys, a.keys - key));
    const ggml_fp16_t* mask = tile.masks[row];
    if (mask && visible_of(mask + key, count) == Visible::none) continue;
    const float of_tile = score_row(a, tile, memory.queries, row, key, count, memory.scores);
    const float before = largest;
    largest = std::max(largest, of_tile);
    Lanes weights = all(0);
    for (int i = 0; i < kTileKeys; i += kLanes) {
      const Lanes some = ggml_v_expf(subtract(load(memory.scores + i), all(largest)));
      store(memory.scores + i, some);
      weights = add(weights, some);
    }
    const float scale = std::exp(before - largest);
    total = total * scale + sum_of(weights);
    add_row_values(a, tile.values + key * a.v->nb[1], count, memory.scores, scale, sums);
  }
  for (int64_t i = 0; total > 0 && i < a.value_size; ++i) sums[i] /= total;
}

void attend_one_by_one(const Attention& a, const Tile& tile, Memory& memory) {
  for (int row = 0; row < tile.rows; ++row) {
    for (int64_t i = 0; i < a.key_size; ++i) memory.queries[i] = tile.queries[row][i] * a.scale;
    attend_row(a, tile, memory, row);
  }
}

// ---- threads ------------------------------------------------------------------------------------

// Units of work are tiles, which go to whoever is free.
void attend_all(const ggml_compute_params& params, const Attention& a) {
  const int64_t rows = a.rows();
  const int64_t groups = a.streams * a.key_heads;
  int64_t tile_rows = kTileRows;
  while (tile_rows > kLanes && groups * parts_of(rows, tile_rows) < kUnitsMin * params.nth) {
    tile_rows /= 2;
  }
  const int64_t tiles = parts_of(rows, tile_rows);
  Memory memory;
  const int64_t floats =
      kTileRows * (a.key_size + a.value_size) * 2 + int64_t(kTileKeys) * kTileRows;
  memory.queries = (float*)params.wdata + params.ith * floats;
  memory.sums = memory.queries + a.key_size * kTileRows;
  memory.scores = memory.sums + a.value_size * kTileRows;
  memory.keys = memory.scores + kTileKeys * kTileRows;
  memory.values = memory.keys + kTileKeys * a.key_size;
  if (params.ith == 0) ggml_threadpool_chunk_set(params.threadpool, params.nth);
  ggml_barrier(params.threadpool);
  for (int64_t unit = params.ith; unit < groups * tiles;
       unit = ggml_threadpool_chunk_add(params.threadpool, 1)) {
    const int64_t group = unit / tiles, begin = unit % tiles * tile_rows;
    const int count = int(std::min(tile_rows, rows - begin));
    const Tile tile = gather(a, group / a.key_heads, group % a.key_heads, begin, count);
    if (rows >= kRowsMin) {
      attend(a, tile, memory);
    } else {
      attend_one_by_one(a, tile, memory);
    }
  }
}

// False for what is left to ggml.
bool read(const ggml_compute_params& params, ggml_tensor* dst, Attention& a) {
  a.q = dst->src[0];
  a.k = dst->src[1];
  a.v = dst->src[2];
  a.mask = dst->src[3];
  a.dst = dst;
  const auto* numbers = (const float*)dst->op_params;
  a.scale = numbers[0];
  const float max_bias = numbers[1], softcap = numbers[2];
  a.tokens = a.q->ne[1];
  a.heads = a.q->ne[2];
  a.streams = a.q->ne[3];
  a.keys = a.k->ne[1];
  a.key_heads = a.k->ne[2];
  a.key_size = a.k->ne[0];
  a.value_size = a.v->ne[0];
  const bool is_plain = max_bias == 0 && softcap == 0 && !dst->src[4] && !params.use_ref;
  const bool is_f16 =
      a.q->type == GGML_TYPE_F32 && a.k->type == GGML_TYPE_F16 && a.v->type == GGML_TYPE_F16;
  const bool fits = a.key_size % kLanes == 0 && a.value_size % kLanes == 0 &&
                    a.v->ne[2] == a.key_heads && a.heads % a.key_heads == 0;
  const int64_t units = fits ? a.streams * a.key_heads * parts_of(a.rows(), kLanes) : 0;
  const int64_t threads_most = fits && a.rows() < kRowsMin ? kThreadsMostOneByOne : kThreadsMost;
  const auto is_dense = [](const ggml_tensor* t) { return t->nb[0] == ggml_type_size(t->type); };
  return is_plain && is_f16 && units * threads_most >= params.nth && is_dense(a.q) &&
         is_dense(a.k) && is_dense(a.v) &&
         (!a.mask || (a.mask->type == GGML_TYPE_F16 && is_dense(a.mask)));
}

}  // namespace

#endif

extern "C" void ggml_compute_forward_flash_attn_ext(const struct ggml_compute_params* params,
                                                    struct ggml_tensor* dst) {
#ifdef SLUICE_ATTENTION
  Attention attention;
  if (read(*params, dst, attention)) return attend_all(*params, attention);
#endif
  sluice_ggml_attention(params, dst);
}
