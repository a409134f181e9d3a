// Makes of the shipped addon's own objects another one that gets a single cell wrong, for
// test/e2e/engine/faults.test.ts: the linker puts this in the place of the one function through
// which the engine brings back a state (CMakeLists.txt, --wrap). The addon itself has no switch
// for it.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "llama.h"

namespace {

// As if the cell had been computed one position later than it was.
void shift_cell(llama_context* context, llama_seq_id sequence) {
  llama_memory_t memory = llama_get_memory(context);
  const llama_pos middle = llama_memory_seq_pos_max(memory, sequence) / 2;
  llama_memory_seq_add(memory, sequence, middle, middle + 1, 1);
}

// A recurrent state has no cells. Its last kilobyte, at the end of the last layer's, moves by a
// value.
void shift_values(std::vector<uint8_t>& state) {
  const size_t bytes = std::min<size_t>(state.size(), 1024);
  std::rotate(state.end() - int64_t(bytes), state.end() - sizeof(float), state.end());
}

}  // namespace

extern "C" {

decltype(llama_state_seq_set_data_ext) __real_llama_state_seq_set_data_ext;
decltype(llama_state_seq_set_data_ext) __wrap_llama_state_seq_set_data_ext;

size_t __wrap_llama_state_seq_set_data_ext(llama_context* context, const uint8_t* state,
                                           size_t bytes, llama_seq_id sequence,
                                           llama_state_seq_flags flags) {
  std::vector<uint8_t> copy(state, state + bytes);
  const bool has_cells = !llama_model_is_recurrent(llama_get_model(context));
  if (!has_cells) shift_values(copy);
  const size_t read =
      __real_llama_state_seq_set_data_ext(context, copy.data(), bytes, sequence, flags);
  if (has_cells && read == bytes) shift_cell(context, sequence);
  return read;
}

}  // extern "C"
