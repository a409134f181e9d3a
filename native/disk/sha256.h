#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

using Digest = std::array<uint8_t, 32>;

// SHA-256 (FIPS 180-4), for short texts that must not be guessed or forged: some 250 MB a second.
Digest sha256(std::string_view text);
// HMAC-SHA-256 (RFC 2104).
Digest keyed_sha256(const Digest& key, std::string_view text);
// Its first `bytes`, as lowercase hexadecimal digits.
std::string hex_of(const Digest& digest, size_t bytes = 32);

}  // namespace sluice
