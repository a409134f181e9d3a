#pragma once

#include <cstdint>
#include <vector>

#include "sampling/row-kernels.h"

namespace sluice {

struct Candidate {
  int32_t token;
  float logit;
};

// Reads one row of logits: a vectorized pass finds the largest of every 16 values, and each
// question then looks only into the groups that can matter. Knows nothing of llama.cpp. One per
// thread that samples; the buffers are used again for each row.
class Logits {
 public:
  explicit Logits(const RowKernels& kernels = row_kernels()) : kernels_(kernels) {}

  // The row must live until the last question about it. False when no token can be chosen: a
  // value is NaN or positive infinity, or all are negative infinity.
  bool read(const float* logits, int32_t count);

  float highest() const { return highest_; }
  // The first of the highest.
  int32_t likeliest() const;
  // The k largest, from the largest down; of equals, the first come first.
  const std::vector<Candidate>& top(int32_t k);
  // The likeliest that together have the share `top_p` of the whole, from the largest down.
  const std::vector<Candidate>& nucleus(float top_p);
  // A logit less this is the natural logarithm of its token's share of the whole.
  double whole();
  // All that are not below `least`, in the order of their tokens.
  const std::vector<Candidate>& from(float least);
  // The token at which the running sum of exp((logit - highest) / temperature) reaches the
  // fraction `random` (0 to 1) of the whole: the very token that llama.cpp's temperature and dist
  // samplers choose by the same number.
  int32_t draw(float temperature, double random);

 private:
  struct Stretch {
    int32_t begin, count;
  };

  int32_t chunks() const { return (count_ + kRowChunk - 1) / kRowChunk; }
  Stretch stretch(int32_t chunk) const;
  float least_of_top(int32_t k);
  void collect(int32_t chunk, float least);
  // Of every chunk into sums_, and the sum of all.
  double sum_powers(float temperature);
  int32_t draw_exactly(float temperature, double random) const;

  const RowKernels& kernels_;
  const float* logits_ = nullptr;
  int32_t count_ = 0;
  float highest_ = 0.0f;
  std::vector<float> maxima_;  // of each lane of each chunk
  std::vector<float> ranked_;
  std::vector<double> sums_;  // of each chunk's exponentials
  std::vector<Candidate> found_, spare_;
};

}  // namespace sluice
