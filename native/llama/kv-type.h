#pragma once

#include <cstdint>

namespace sluice {

// Of the values in the KV cache. The quantized ones are blocks of 32, and need flash attention.
enum class KvType { f16, bf16, q8_0, q4_0 };

constexpr bool is_quantized(KvType type) { return type == KvType::q8_0 || type == KvType::q4_0; }

// As the options name them.
constexpr const char* name_of(KvType type) {
  switch (type) {
    case KvType::bf16: return "bf16";
    case KvType::q8_0: return "q8_0";
    case KvType::q4_0: return "q4_0";
    default: return "f16";
  }
}

// Bytes of so many values, a multiple of 32 where quantized.
constexpr uint64_t kv_bytes(KvType type, uint64_t values) {
  switch (type) {
    case KvType::q8_0: return values * 34 / 32;
    case KvType::q4_0: return values * 18 / 32;
    default: return values * 2;
  }
}

}  // namespace sluice
