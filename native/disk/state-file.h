#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "disk/sha256.h"
#include "memory/state-buffer.h"

namespace sluice {

// A file with a computed state, and what it is of.
//
//   magic, version   "SLUICEKV", 1
//   model, owner     digests: of all that the numbers depend on, and of who may use them
//   tokens, bytes    how many there are of the prompt, and of the state
//   tokens           32 bits each
//   head's checksum  so that the tokens can be relied on before the state is read
//   state            as Context::save() has made it
//   checksum         of all that is before it
//
// Numbers are as the machine has them; where it has them the other way round, the version is
// another. Both checksums are XXH64: a file that was damaged by chance passes once in 2^64 times,
// where a CRC of 32 bits would once in 2^32, and a disk is read no slower for it. They keep off no
// one who may write to the folder.
struct StateHead {
  Digest model{}, owner{};
  std::vector<int32_t> tokens;
  uint64_t state_bytes = 0;
};

// Asked between pieces of a few MiB.
using IsUnwanted = std::function<bool()>;

// Of a file that has this head.
uint64_t state_file_bytes(const StateHead& head);
// "sluice-MODEL-STATE.kv": what all states of a model begin with, and the name of one. A state of
// the same tokens and owner has the same name.
std::string state_file_prefix(const Digest& model);
std::string state_file_name(const StateHead& head);
// Whether the name is of a state, or of one that is being written, of any model.
bool is_state_file(const std::string& name);
bool is_part_file(const std::string& name);

// Writes the file beside its place, has the disk take it, and moves it there: who reads sees all
// of it or nothing. Its owner alone may read it. False where it was not wanted any more. Throws
// std::system_error; then nothing is left.
bool write_state_file(const std::string& folder, const StateHead& head, const uint8_t* state,
                      const IsUnwanted& is_unwanted);

enum class StateFileStatus { ok, missing, damaged, unwanted, no_memory };

// The head alone; the file's length must be right too. Throws std::system_error where it cannot be
// read.
StateFileStatus read_state_head(const std::string& path, const Digest& model, StateHead& head);
// All of it, with every checksum. Throws as the other one does.
StateFileStatus read_state_file(const std::string& path, const StateHead& expected,
                                StateBuffer& state, const IsUnwanted& is_unwanted);

}  // namespace sluice
