#pragma once

namespace sluice {

// Hexadecimal numbers, entries that end with a semicolon. Hangul syllables are computed.

// Two code points and the one that they become.
extern const char* const kNfcCompositions;
// A code point that is always written as others, and those.
extern const char* const kNfcDecompositions;
// The first and the last of a range of marks, and their class: marks on a letter are sorted by it.
// A code point in no range is no mark.
extern const char* const kNfcClasses;

}  // namespace sluice
