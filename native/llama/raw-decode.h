#pragma once

#include "llama/decode-status.h"

struct llama_context;
struct llama_batch;

namespace sluice {

// llama_decode, to its end. Throws nothing.
DecodeStatus raw_decode(llama_context* context, const llama_batch& batch);

}  // namespace sluice
