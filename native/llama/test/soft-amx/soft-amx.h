// AMX in plain C++, for a processor that has AVX-512 and no AMX: included before ggml's AMX sources
// by the compiler's -include, it takes the place of the tile intrinsics. So ggml's own AMX code is
// compiled as it is and computes what the instructions would.
#pragma once

#include <immintrin.h>  // first: what it defines is replaced here
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace soft_amx {

struct Configuration {
  uint8_t palette;
  uint8_t start_row;
  uint8_t reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
};
static_assert(sizeof(Configuration) == 64, "what ldtilecfg reads");

constexpr int kTiles = 8;
constexpr int kRowBytes = 64;

// A thread's tile registers. Bytes outside a tile's configured size are zero, as in a processor.
struct State {
  Configuration configuration;
  alignas(64) uint8_t tiles[kTiles][16][kRowBytes];
};

inline State& state() {
  static thread_local State own = {};
  return own;
}

// Where a processor raises a fault.
inline void require(bool condition) {
  if (!condition) std::abort();
}

inline void load_configuration(const void* memory) {
  State& own = state();
  std::memcpy(&own.configuration, memory, sizeof own.configuration);
  const Configuration& now = own.configuration;
  require(now.palette == 1);
  for (const uint8_t byte : now.reserved) require(byte == 0);
  for (int i = 0; i < 16; ++i) {
    require(now.rows[i] <= 16 && now.row_bytes[i] <= kRowBytes);
    require((now.rows[i] == 0) == (now.row_bytes[i] == 0));
    require(i < kTiles || now.rows[i] == 0);
  }
  std::memset(own.tiles, 0, sizeof own.tiles);
}

inline void release() { state() = {}; }

inline int rows(int tile) {
  require(state().configuration.rows[tile] != 0);  // no configuration, no tiles
  return state().configuration.rows[tile];
}

inline int row_bytes(int tile) { return state().configuration.row_bytes[tile]; }

inline void zero(int tile) {
  require(rows(tile) > 0);
  std::memset(state().tiles[tile], 0, sizeof state().tiles[tile]);
}

inline void load(int tile, const void* memory, int64_t stride) {
  const int count = rows(tile);
  zero(tile);
  for (int row = 0; row < count; ++row) {
    const char* from = static_cast<const char*>(memory) + row * stride;
    std::memcpy(state().tiles[tile][row], from, size_t(row_bytes(tile)));
  }
}

inline void store(int tile, void* memory, int64_t stride) {
  const int count = rows(tile);
  for (int row = 0; row < count; ++row) {
    char* to = static_cast<char*>(memory) + row * stride;
    std::memcpy(to, state().tiles[tile][row], size_t(row_bytes(tile)));
  }
}

// sums[m][n] += left[m][4k + i] * right[k][4n + i], for bytes with a sign (int8_t) or without.
template <typename Left, typename Right>
void multiply_bytes(int sums, int left, int right) {
  State& own = state();
  const int columns = row_bytes(sums) / 4;
  const int depth = row_bytes(left) / 4;
  require(rows(sums) == rows(left) && rows(right) == depth);
  require(row_bytes(right) == row_bytes(sums));
  for (int m = 0; m < rows(sums); ++m) {
    int32_t sum[16] = {};
    std::memcpy(sum, own.tiles[sums][m], size_t(row_bytes(sums)));
    for (int k = 0; k < depth; ++k) {
      const auto* a = reinterpret_cast<const Left*>(own.tiles[left][m]) + 4 * k;
      const auto* b = reinterpret_cast<const Right*>(own.tiles[right][k]);
      for (int n = 0; n < columns; ++n) {
        for (int i = 0; i < 4; ++i) sum[n] += int32_t(a[i]) * int32_t(b[4 * n + i]);
      }
    }
    std::memcpy(own.tiles[sums][m], sum, size_t(row_bytes(sums)));
  }
}

// ggml asks the kernel for the right to use tiles; without AMX the answer would be no.
inline long system_call(long number, long, long) {
  require(number == SYS_arch_prctl);
  return 0;
}

}  // namespace soft_amx

// GCC's _tile_loadd and its like are macros that hand on to these.
#undef _tile_loadd_internal
#undef _tile_stream_loadd_internal
#undef _tile_stored_internal
#undef _tile_zero_internal
#undef _tile_dpbssd
#undef _tile_dpbsud
#undef _tile_dpbusd
#undef _tile_dpbuud
#define _tile_loadd_internal(tile, memory, stride) soft_amx::load(tile, memory, stride)
#define _tile_stream_loadd_internal(tile, memory, stride) soft_amx::load(tile, memory, stride)
#define _tile_stored_internal(tile, memory, stride) soft_amx::store(tile, memory, stride)
#define _tile_zero_internal(tile) soft_amx::zero(tile)
#define _tile_dpbssd(sums, left, right) soft_amx::multiply_bytes<int8_t, int8_t>(sums, left, right)
#define _tile_dpbsud(sums, left, right) soft_amx::multiply_bytes<int8_t, uint8_t>(sums, left, right)
#define _tile_dpbusd(sums, left, right) soft_amx::multiply_bytes<uint8_t, int8_t>(sums, left, right)
#define _tile_dpbuud(sums, left, right) \
  soft_amx::multiply_bytes<uint8_t, uint8_t>(sums, left, right)
#define _tile_loadconfig(memory) soft_amx::load_configuration(memory)
#define _tile_release() soft_amx::release()
#define syscall(number, first, second) soft_amx::system_call(number, first, second)
