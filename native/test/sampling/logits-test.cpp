#include "sampling/logits.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "test/check.h"

using sluice::Candidate;
using sluice::Logits;
using sluice::RowKernels;
using sluice::usable_row_kernels;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Around the sizes at which something ends: a lane, a chunk of 512, several of them.
const std::vector<int32_t> kCounts = {1, 31, 32, 380, 511, 512, 513, 5000, 32000};

// `steps` values between two whole numbers: few of them make many equals.
std::vector<float> random_row(int32_t count, float deviation, float steps, uint32_t seed = 1) {
  std::mt19937 numbers(seed);
  std::normal_distribution<float> normal(0.0f, deviation);
  std::vector<float> row;
  for (int32_t i = 0; i < count; ++i) row.push_back(std::round(normal(numbers) * steps) / steps);
  return row;
}

std::vector<Candidate> sorted(const std::vector<float>& row) {
  std::vector<Candidate> all;
  for (float logit : row) all.push_back({int32_t(all.size()), logit});
  std::stable_sort(all.begin(), all.end(),
                   [](const Candidate& a, const Candidate& b) { return a.logit > b.logit; });
  return all;
}

void check_same(const std::vector<Candidate>& received, const std::vector<Candidate>& expected) {
  CHECK_EQ(received.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK_EQ(received[i].token, expected[i].token);
    CHECK_EQ(received[i].logit, expected[i].logit);
  }
}

// What llama.cpp's temperature and dist samplers do with a row: the running sums of the powers.
std::vector<double> plain_sums(const std::vector<float>& row, float temperature) {
  const float highest = *std::max_element(row.begin(), row.end()) / temperature;
  std::vector<double> sums;
  double running = 0.0;
  for (float logit : row) sums.push_back(running += std::exp(logit / temperature - highest));
  return sums;
}

int32_t plain_draw(const std::vector<double>& sums, double random) {
  const auto found = std::lower_bound(sums.begin(), sums.end(), sums.back() * random);
  return int32_t(std::min<int64_t>(found - sums.begin(), int64_t(sums.size()) - 1));
}

}  // namespace

TEST("logits: a row with NaN, with positive infinity or of nothing else than negative is refused") {
  for (const RowKernels* kernels : usable_row_kernels()) {
    Logits logits(*kernels);
    for (const int32_t count : kCounts) {
      std::vector<float> row(size_t(count), -1.0f);
      CHECK(logits.read(row.data(), count));
      for (const int32_t token : {0, count / 2, count - 1}) {
        for (const float bad : {kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
          row[size_t(token)] = bad;
          CHECK(!logits.read(row.data(), count));
        }
        row[size_t(token)] = -1.0f;
      }
      row.assign(size_t(count), -kInfinity);
      CHECK(!logits.read(row.data(), count));
      row.back() = -1e30f;
      CHECK(logits.read(row.data(), count));
      CHECK_EQ(logits.likeliest(), count - 1);
    }
  }
}

TEST("logits: the likeliest is the first of the highest") {
  for (const RowKernels* kernels : usable_row_kernels()) {
    Logits logits(*kernels);
    for (const int32_t count : kCounts) {
      const std::vector<float> row = random_row(count, 3.0f, 2.0f);
      CHECK(logits.read(row.data(), count));
      const auto expected = std::max_element(row.begin(), row.end());
      CHECK_EQ(logits.likeliest(), int32_t(expected - row.begin()));
      CHECK_EQ(logits.highest(), *expected);
    }
  }
}

TEST("logits: the k largest come as a stable sort puts them") {
  for (const RowKernels* kernels : usable_row_kernels()) {
    Logits logits(*kernels);
    for (const int32_t count : kCounts) {
      for (const float steps : {1.0f, 1e6f}) {
        std::vector<float> row = random_row(count, 3.0f, steps);
        row[size_t(count / 3)] = -0.0f;
        row[size_t(count / 2)] = -kInfinity;
        if (count == 1) row[0] = 1.0f;
        CHECK(logits.read(row.data(), count));
        const std::vector<Candidate> all = sorted(row);
        for (const int32_t k : {1, 2, 40, 1024, count, 1 << 30}) {
          const auto end = all.begin() + std::min(k, count);
          check_same(logits.top(k), std::vector<Candidate>(all.begin(), end));
        }
      }
    }
  }
}

TEST("logits: the k largest are found where all of them lie together") {
  for (const RowKernels* kernels : usable_row_kernels()) {
    Logits logits(*kernels);
    std::vector<float> row(32000);
    for (size_t i = 0; i < row.size(); ++i) row[i] = float(i);
    CHECK(logits.read(row.data(), 32000));
    const std::vector<Candidate>& top = logits.top(100);
    for (int32_t i = 0; i < 100; ++i) CHECK_EQ(top[size_t(i)].token, 31999 - i);
  }
}

TEST("logits: all from a bound on come in the order of their tokens") {
  for (const RowKernels* kernels : usable_row_kernels()) {
    Logits logits(*kernels);
    for (const int32_t count : kCounts) {
      const std::vector<float> row = random_row(count, 3.0f, 8.0f);
      CHECK(logits.read(row.data(), count));
      for (const float depth : {0.0f, 1.0f, 5.0f, 100.0f}) {
        std::vector<Candidate> expected;
        for (int32_t token = 0; token < count; ++token) {
          const float logit = row[size_t(token)];
          if (logit >= logits.highest() - depth) expected.push_back({token, logit});
        }
        check_same(logits.from(logits.highest() - depth), expected);
      }
    }
  }
}

TEST("logits: the nucleus has the share that was asked for, and no token more") {
  for (const RowKernels* kernels : usable_row_kernels()) {
    Logits logits(*kernels);
    for (const int32_t count : kCounts) {
      for (const float deviation : {0.0f, 1.0f, 3.0f, 12.0f}) {
        const std::vector<float> row = random_row(count, deviation, 1e6f);
        CHECK(logits.read(row.data(), count));
        double whole = 0.0;
        for (float logit : row) whole += std::exp(double(logit - logits.highest()));
        for (const float share : {0.0f, 0.1f, 0.9f, 0.999f}) {
          const std::vector<Candidate>& nucleus = logits.nucleus(share);
          const std::vector<Candidate> all = sorted(row);
          check_same(nucleus, {all.begin(), all.begin() + int64_t(nucleus.size())});
          double sum = 0.0;
          for (const Candidate& entry : nucleus) {
            sum += std::exp(double(entry.logit - logits.highest()));
          }
          const double last = std::exp(double(nucleus.back().logit - logits.highest()));
          CHECK(sum >= whole * (double(share) - 1e-6));
          CHECK(sum - last <= whole * (double(share) + 1e-6));
        }
      }
    }
  }
}

TEST("logits: a draw is llama.cpp's, also where the number falls between two tokens") {
  for (const RowKernels* kernels : usable_row_kernels()) {
    Logits logits(*kernels);
    std::mt19937 numbers(5);
    std::uniform_real_distribution<double> uniform(0.0, 1.0);
    for (const int32_t count : kCounts) {
      for (const float deviation : {0.0f, 1.0f, 3.0f, 30.0f}) {
        std::vector<float> row = random_row(count, deviation, 1e6f);
        if (count > 1) row[size_t(count / 2)] = -kInfinity;
        CHECK(logits.read(row.data(), count));
        for (const float temperature : {1.0f, 0.3f, 2.0f}) {
          const std::vector<double> sums = plain_sums(row, temperature);
          std::vector<double> places = {0.0, 1.0 - 1e-16};
          for (int32_t i = 0; i < 40; ++i) {
            places.push_back(uniform(numbers));
            places.push_back(sums[numbers() % sums.size()] / sums.back());  // the end of a token
          }
          for (const double random : places) {
            CHECK_EQ(logits.draw(temperature, random), plain_draw(sums, random));
          }
        }
      }
    }
  }
}

TEST("logits: a logit less the whole is what a softmax in double says") {
  for (const RowKernels* kernels : usable_row_kernels()) {
    Logits logits(*kernels);
    for (const int32_t count : kCounts) {
      for (const float deviation : {0.0f, 1.0f, 3.0f, 30.0f}) {
        std::vector<float> row = random_row(count, deviation, 1e6f);
        if (count > 1) row[size_t(count / 2)] = -kInfinity;
        CHECK(logits.read(row.data(), count));
        double shares = 0.0;
        for (float logit : row) shares += std::exp(double(logit) - double(logits.highest()));
        const double expected = double(logits.highest()) + std::log(shares);
        CHECK(std::abs(logits.whole() - expected) <= 1e-6);
      }
    }
  }
}

TEST("logits: every kind of processor is asked for by its name, the plain one last") {
  const std::vector<const RowKernels*> usable = usable_row_kernels();
  CHECK_EQ(std::string(usable.back()->name), "baseline");
  CHECK_EQ(&sluice::row_kernels(), usable.front());
}
