#pragma once

// Put in front of llama.cpp's json-schema-to-grammar.cpp, which writes what it cannot do with a
// tool's schema to stderr, and with it what a request said.

#include <cstdio>

#define fprintf(...) 0
