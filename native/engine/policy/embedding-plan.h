#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// What is left of a job, and whose it is.
struct InputsLeft {
  std::string_view owner;
  std::vector<int32_t> lengths;  // of its next inputs, in tokens; no more than fit in a batch
};

// The next `count` inputs of a job are part of the batch.
struct EmbeddingShare {
  int32_t job;
  int32_t count;

  bool operator==(const EmbeddingShare& other) const {
    return job == other.job && count == other.count;
  }
};

struct EmbeddingLimits {
  int32_t rows;       // of a batch at most, unless its first input alone is longer
  int32_t sequences;  // of a batch at most, each an input
};

// Which inputs share the next batch. Pure. The owner that has the fewest rows of it gives the next
// input, and an owner's jobs give one each in turn, until no next one fits: neither does a request
// of one input wait for one of thousands, nor does an owner of many requests get more than another.
// The first job's next input always has room; the caller rotates the jobs, so that each becomes the
// first.
std::vector<EmbeddingShare> plan_embedding_batch(const std::vector<InputsLeft>& jobs,
                                                 const EmbeddingLimits& limits);

// The order in which the owners of jobs take turns, a job each: places in `owners`, which has them
// in the order in which each owner's jobs are to be. Pure.
std::vector<size_t> order_by_turns(const std::vector<const std::string*>& owners);

}  // namespace sluice
