#include "sampling/logits.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <utility>

namespace sluice {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
// A sum of RowKernels::powers and one of std::exp differ by at most this part of the whole: the
// first is within 9e-8 of the truth (measured at every seventh float), the second within 1.2e-7.
constexpr double kSumError = 2.5e-7;
// What lies further below the highest logit has no share of the whole that a float could hold.
constexpr float kDepthMax = 104.0f;
// With more lanes than this it is cheaper to look at every value of the chunk.
constexpr int32_t kSparseLanesMax = 8;

bool is_larger(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

bool comes_first(const Candidate& a, const Candidate& b) { return a.token < b.token; }

// Larger values have smaller keys; the two zeros have one.
uint32_t descending_key(float value) {
  value += 0.0f;
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits >> 31 ? bits : ~bits & 0x7fffffffu;
}

// From the largest down, leaving equals in their order. By digits: comparing costs a wrong guess of
// the branch predictor in two, which at 17,000 candidates is 1.2 ms.
void sort_descending(std::vector<Candidate>& values, std::vector<Candidate>& spare) {
  constexpr size_t kComparedMax = 128;
  if (values.size() <= kComparedMax) {
    std::sort(values.begin(), values.end(), is_larger);
    return;
  }
  spare.resize(values.size());
  for (int32_t shift = 0; shift < 33; shift += 11) {
    uint32_t places[2048] = {};
    const auto digit = [&](const Candidate& entry) {
      return descending_key(entry.logit) >> shift & 2047u;
    };
    for (const Candidate& entry : values) ++places[digit(entry)];
    uint32_t next = 0;
    for (uint32_t& place : places) next += std::exchange(place, next);
    for (const Candidate& entry : values) spare[places[digit(entry)]++] = entry;
    values.swap(spare);
  }
}

}  // namespace

Logits::Stretch Logits::stretch(int32_t chunk) const {
  const int32_t begin = chunk * kRowChunk;
  return {begin, std::min(kRowChunk, count_ - begin)};
}

bool Logits::read(const float* logits, int32_t count) {
  logits_ = logits;
  count_ = count;
  maxima_.resize(size_t(chunks()) * kRowLanes);
  const bool usable = kernels_.lane_maxima(logits, count, maxima_.data());
  // Side by side, so that no comparison waits for the last one.
  float highest[kRowLanes];
  std::fill_n(highest, kRowLanes, -kInfinity);
  for (size_t chunk = 0; chunk < maxima_.size(); chunk += kRowLanes) {
    for (size_t lane = 0; lane < kRowLanes; ++lane) {
      highest[lane] = std::max(highest[lane], maxima_[chunk + lane]);
    }
  }
  highest_ = *std::max_element(highest, highest + kRowLanes);
  return usable && highest_ > -kInfinity;
}

int32_t Logits::likeliest() const {
  const auto lane = std::find(maxima_.begin(), maxima_.end(), highest_);
  const Stretch first = stretch(int32_t(lane - maxima_.begin()) / kRowLanes);
  const float* begin = logits_ + first.begin;
  return int32_t(std::find(begin, begin + first.count, highest_) - logits_);
}

const std::vector<Candidate>& Logits::top(int32_t k) {
  k = std::min(k, count_);
  from(least_of_top(k));
  sort_descending(found_, spare_);
  found_.resize(size_t(k));
  return found_;
}

// Of k groups whose maximum is not below the k-th largest maximum, each holds a value as large: so
// none of the k largest values is below it.
float Logits::least_of_top(int32_t k) {
  ranked_ = maxima_;
  size_t groups = ranked_.size();
  // Groups are joined in pairs, as long as enough are left to find the k largest values.
  while (groups >= size_t(k) * 8 && groups > 1) {
    const size_t half = groups - groups / 2;
    for (size_t i = 0; i < groups / 2; ++i) ranked_[i] = std::max(ranked_[i], ranked_[i + half]);
    groups = half;
  }
  if (size_t(k) > groups) return -kInfinity;
  const auto last = ranked_.begin() + (k - 1);
  std::nth_element(ranked_.begin(), last, ranked_.begin() + int64_t(groups), std::greater<float>());
  return *last;
}

const std::vector<Candidate>& Logits::nucleus(float top_p) {
  const double enough = double(top_p) * sum_powers(1.0f);
  // A nucleus is mostly a handful; where it is not, another look costs little beside its sorting.
  for (float depth = 4.0f;; depth *= 1.5f) {
    from(highest_ - depth);
    sort_descending(found_, spare_);
    double running = 0.0;
    for (size_t i = 0; i < found_.size(); ++i) {
      running += double(std::exp(found_[i].logit - highest_));
      if (running < enough) continue;
      found_.resize(i + 1);
      return found_;
    }
    if (depth > kDepthMax) return found_;
  }
}

double Logits::whole() { return double(highest_) + std::log(sum_powers(1.0f)); }

const std::vector<Candidate>& Logits::from(float least) {
  found_.clear();
  for (int32_t chunk = 0; chunk < chunks(); ++chunk) collect(chunk, least);
  return found_;
}

void Logits::collect(int32_t chunk, float least) {
  const float* maxima = maxima_.data() + chunk * kRowLanes;
  const int32_t lanes = kernels_.lanes_from(maxima, least);
  if (lanes == 0) return;
  const Stretch here = stretch(chunk);
  const auto look = [&](int32_t i) {
    const float logit = logits_[here.begin + i];
    if (logit >= least) found_.push_back({here.begin + i, logit});
  };
  if (lanes > kSparseLanesMax) {
    for (int32_t i = 0; i < here.count; ++i) look(i);
    return;
  }
  const size_t before = found_.size();
  for (int32_t lane = 0; lane < kRowLanes; ++lane) {
    if (maxima[lane] < least) continue;
    for (int32_t i = lane; i < here.count; i += kRowLanes) look(i);
  }
  std::sort(found_.begin() + int64_t(before), found_.end(), comes_first);
}

double Logits::sum_powers(float temperature) {
  float powers[kRowChunk];
  double whole = 0.0;
  sums_.resize(size_t(chunks()));
  for (int32_t chunk = 0; chunk < chunks(); ++chunk) {
    const Stretch here = stretch(chunk);
    sums_[size_t(chunk)] = kernels_.powers(logits_ + here.begin, here.count, temperature,
                                           highest_ / temperature, powers);
    whole += sums_[size_t(chunk)];
  }
  return whole;
}

int32_t Logits::draw(float temperature, double random) {
  const double whole = sum_powers(temperature);
  const double target = whole * random;
  double running = 0.0;
  int32_t chunk = 0;
  while (chunk < chunks() - 1 && running + sums_[size_t(chunk)] < target) {
    running += sums_[size_t(chunk++)];
  }
  const Stretch here = stretch(chunk);
  float powers[kRowChunk];
  kernels_.powers(logits_ + here.begin, here.count, temperature, highest_ / temperature, powers);
  const double margin = 2.0 * kSumError * whole;
  for (int32_t i = 0; i < here.count; ++i) {
    if (running + margin >= target) break;  // too near: rounding could decide
    running += double(powers[i]);
    if (running >= target + margin) return here.begin + i;
  }
  return draw_exactly(temperature, random);
}

// In llama.cpp's order and by its functions, so that not one rounding differs.
int32_t Logits::draw_exactly(float temperature, double random) const {
  const float highest = highest_ / temperature;
  const auto power = [&](int32_t token) {
    return std::exp(logits_[token] / temperature - highest);
  };
  double whole = 0.0;
  for (int32_t token = 0; token < count_; ++token) whole += power(token);
  const double target = whole * random;
  double running = 0.0;
  for (int32_t token = 0; token < count_; ++token) {
    running += power(token);
    if (running >= target) return token;
  }
  return count_ - 1;
}

}  // namespace sluice
