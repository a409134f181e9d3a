#pragma once

#include <cstdint>
#include <vector>

namespace sluice {

// What is left of a job: tokens of its inputs in their order, never more than one call takes.
using InputsLeft = std::vector<int32_t>;

// The next `count` inputs of a job are part of the call.
struct EmbeddingShare {
  int32_t job;
  int32_t count;

  bool operator==(const EmbeddingShare& other) const {
    return job == other.job && count == other.count;
  }
};

struct EmbeddingLimits {
  int32_t rows;       // of a call, as far as its first input is no longer than that
  int32_t sequences;  // of a call at most, each an input
};

// Which inputs share the next call. Pure. The jobs give one input each in turn, from the first on,
// until no next one fits: so that a request of one input does not wait for one of thousands. The
// first job's next input always has room; whoever calls moves the jobs round, so that everybody
// is the first in turn.
std::vector<EmbeddingShare> plan_embedding_call(const std::vector<InputsLeft>& jobs,
                                                const EmbeddingLimits& limits);

}  // namespace sluice
