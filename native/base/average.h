#pragma once

namespace sluice {

// A moving average in which the newest value has this weight, 0 to 1; 0 stands for no value yet.
inline void average(double& mean, double newest, double weight) {
  mean = mean == 0 ? newest : mean + weight * (newest - mean);
}

// The weight of the newest of the steps: an average over the last 20 or so.
constexpr double kNewestStep = 0.1;

}  // namespace sluice
