#include "llama/raw-decode.h"

#include <cstdint>
#include <exception>

#include "llama.h"

namespace sluice {

DecodeStatus raw_decode(llama_context* context, const llama_batch& batch) {
  int32_t code;
  try {
    code = llama_decode(context, batch);
    llama_synchronize(context);
  } catch (const std::exception&) {
    code = -3;  // llama_decode catches nothing itself
  }
  switch (code) {
    case 0: return DecodeStatus::ok;
    case 1: return DecodeStatus::no_room;
    case 2: return DecodeStatus::aborted;
    case -1: return DecodeStatus::invalid;
    default: return DecodeStatus::fatal;
  }
}

}  // namespace sluice
