// Synthetic tensors for the tests of this folder.
#pragma once

#include "lib/calibrate/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace burin::test {

// Numbers from a counter: the same on every standard library, unlike std's distributions.
class Random {
public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  double uniform() { return (static_cast<double>(engine_() >> 11) + 0.5) * 0x1p-53; }
  double gauss() { return std::sqrt(-2 * std::log(uniform())) * std::cos(6.283185307179586 * uniform()); }
  double laplace() { return (uniform() < 0.5 ? 1 : -1) * std::log(uniform()); }
  std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }

private:
  std::mt19937_64 engine_;
};

struct Distribution {
  std::string name;
  std::function<double(Random&)> next;
};

inline std::vector<Distribution> distributions() {
  const auto relu = [](double x) { return std::max(x, 0.0); };
  return {
      {"gauss", [](Random& r) { return r.gauss(); }},
      {"laplace", [](Random& r) { return r.laplace(); }},
      {"relu", [=](Random& r) { return relu(r.gauss()); }},
      {"relu6", [=](Random& r) { return std::min(relu(3 * r.gauss()), 6.0); }},
      {"bimodal", [](Random& r) { return 0.2 * r.gauss() + (r.below(2) ? 1.0 : -1.0); }},
      {"lognormal", [](Random& r) { return std::exp(r.gauss()); }},
      {"silu",
       [](Random& r) {
         const double x = 2 * r.gauss();
         return x / (1 + std::exp(-x));
       }},
      {"uniform", [](Random& r) { return r.uniform(); }},
      {"sparse with outliers",
       [](Random& r) { return r.below(100)  ? 0.0
                              : r.below(50) ? r.gauss()
                                            : 40 * r.laplace(); }},
      {"channels",
       [=](Random& r) {
         const double s = 0.1 * static_cast<double>(1 + r.below(16));
         return relu(s * r.gauss() - s);
       }},
      {"tiny", [](Random& r) { return 1e-30 * r.gauss(); }},
      {"huge", [](Random& r) { return 1e30 * r.gauss(); }},
      {"picture", [](Random& r) { return (static_cast<double>(r.below(256)) - 118.0) / 58.0; }},
      {"two values", [](Random& r) { return r.below(10) ? 0.25 : -1.5; }},
      {"constant", [](Random&) { return 0.7; }},
  };
}

inline std::vector<float> draw(const Distribution& distribution, std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(distribution.next(random));
  return values;
}

inline TensorStatistics statisticsOf(const std::vector<float>& values, std::uint64_t sample = 0) {
  TensorStatistics statistics;
  statistics.update(values, sample);
  return statistics;
}

inline bool operator==(const ValueCell& a, const ValueCell& b) {
  return a.lower == b.lower && a.upper == b.upper && a.count == b.count;
}

// Bit for bit the same knowledge.
inline bool same(const TensorStatistics& a, const TensorStatistics& b) {
  const ValueProfile left = a.profile(), right = b.profile();
  return left.count == right.count && left.zeroCount == right.zeroCount && left.minimum == right.minimum &&
         left.maximum == right.maximum &&
         std::ranges::equal(left.values, right.values, [](auto& x, auto& y) { return x == y; }) &&
         a.nanCount() == b.nanCount() && a.infinityCount() == b.infinityCount() && a.exact() == b.exact() &&
         a.firstNonFiniteSample() == b.firstNonFiniteSample();
}

} // namespace burin::test
