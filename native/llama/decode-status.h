#pragma once

namespace sluice {

// llama_decode's return codes by name. Nothing above native/llama sees the numbers.
enum class DecodeStatus {
  ok,
  no_room,  // no cells for the batch; memory is as it was before
  aborted,  // the abort check said so; finished ubatches remain in memory
  invalid,  // the batch was refused; memory is as it was before
  fatal,    // the backend failed; memory may hold anything for the rows of this batch
};

}  // namespace sluice
