#include "sampling/label-scorer.h"

#include <cmath>
#include <limits>

#include "base/fault.h"
#include "test/check.h"

using sluice::FaultCode;
using sluice::FaultError;
using sluice::LabelScorer;

namespace {

// How likely these tokens are after a row, by the definition.
std::vector<double> plain_logprobs(const std::vector<float>& row,
                                   const std::vector<int32_t>& tokens) {
  double sum = 0.0;
  for (float logit : row) sum += std::exp(double(logit));
  std::vector<double> logprobs;
  for (int32_t token : tokens) logprobs.push_back(double(row[size_t(token)]) - std::log(sum));
  return logprobs;
}

std::vector<float> row_of(int32_t vocabulary) {
  std::vector<float> row;
  for (int32_t token = 0; token < vocabulary; ++token) row.push_back(std::sin(float(token)) * 5);
  return row;
}

}  // namespace

TEST("labels: each has its logprob of the whole vocabulary's distribution, in their order") {
  for (const int32_t vocabulary : {31, 513, 32000}) {
    std::vector<float> row = row_of(vocabulary);
    const std::vector<float> before = row;
    // More than any list of the likeliest has, the unlikeliest among them; and one twice.
    std::vector<int32_t> tokens = {vocabulary - 1, 0, 7, 7};
    for (int32_t token = 0; token < std::min(vocabulary, 400); ++token) tokens.push_back(token);
    LabelScorer scorer(vocabulary, tokens);
    CHECK_EQ(scorer.sample(row.data()), -1);
    const std::vector<float> logprobs = scorer.take();
    const std::vector<double> expected = plain_logprobs(row, tokens);
    CHECK_EQ(logprobs.size(), tokens.size());
    for (size_t i = 0; i < tokens.size(); ++i) {
      CHECK(std::abs(double(logprobs[i]) - expected[i]) < 1e-5);
    }
    CHECK(row == before);
  }
}

TEST("labels: one that the model excludes has a finite logprob, lower than any other") {
  std::vector<float> row = {1, 2, -std::numeric_limits<float>::infinity()};
  const std::vector<int32_t> tokens = {2, 0};
  LabelScorer scorer(3, tokens);
  scorer.sample(row.data());
  const std::vector<float> logprobs = scorer.take();
  CHECK(std::isfinite(logprobs[0]));
  CHECK(logprobs[0] < -1000);
  CHECK(logprobs[1] > -2);
}

TEST("labels: logits that are not numbers are the engine's fault, and no labels") {
  std::vector<float> row = {1, std::nanf(""), 3};
  const std::vector<int32_t> tokens = {0};
  LabelScorer scorer(3, tokens);
  FaultCode code = FaultCode::invalid_request;
  try {
    scorer.sample(row.data());
  } catch (const FaultError& error) {
    code = error.fault.code;
  }
  CHECK(code == FaultCode::engine_failed);
}
