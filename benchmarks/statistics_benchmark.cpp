// Throughput of the calibration statistics on one core, in millions of values per second.
//   build/release/bin/statistics_benchmark
#include "lib/calibrate/block_scan.h"
#include "lib/calibrate/statistics.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Workload {
  std::string name;
  std::vector<float> values;
};

template <class Next>
Workload makeWorkload(std::string name, std::size_t count, Next next) {
  std::vector<float> values(count);
  for (float& value : values) value = next();
  return {std::move(name), std::move(values)};
}

std::vector<Workload> makeWorkloads() {
  std::mt19937 random(1);
  std::normal_distribution<float> gauss;
  std::exponential_distribution<float> exponential;
  std::uniform_int_distribution<int> level(0, 255);
  const auto relu = [&] { return std::max(gauss(random), 0.0f); };
  std::vector<Workload> workloads;
  workloads.push_back(makeWorkload("gauss 64x112x112", 802816, [&] { return gauss(random); }));
  workloads.push_back(makeWorkload("relu 64x112x112", 802816, relu));
  workloads.push_back(makeWorkload("relu 64x56x56", 200704, relu));
  workloads.push_back(makeWorkload("relu 256x14x14", 50176, relu));
  workloads.push_back(
      makeWorkload("relu6, half saturated, 64x56x56", 200704, [&] { return std::min(relu() * 12, 6.0f); }));
  workloads.push_back(
      makeWorkload("laplace 64x56x56", 200704, [&] { return exponential(random) - exponential(random); }));
  workloads.push_back(makeWorkload("constant 64x56x56", 200704, [] { return 1.5f; }));
  workloads.push_back(
      makeWorkload("picture 3x224x224", 150528, [&] { return static_cast<float>(level(random)) - 127.5f; }));
  return workloads;
}

// Median of several timed runs of a batch, in millions of values per second.
template <class Work>
double millionsPerSecond(std::size_t valuesPerCall, Work work) {
  const std::size_t calls = std::max<std::size_t>(1, 4000000 / valuesPerCall);
  std::array<double, 9> rates;
  for (double& rate : rates) {
    const auto start = Clock::now();
    for (std::size_t call = 0; call < calls; ++call) work();
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    rate = static_cast<double>(calls * valuesPerCall) / elapsed.count() * 1e-6;
  }
  std::nth_element(rates.begin(), rates.begin() + rates.size() / 2, rates.end());
  return rates[rates.size() / 2];
}

double scanRate(const burin::detail::ScanKernel& kernel, const std::vector<float>& values) {
  using namespace burin::detail;
  std::vector<std::int32_t> slots(kBlockCapacity);
  std::vector<std::uint32_t> candidates(kBlockCapacity);
  return millionsPerSecond(values.size(), [&] {
    for (std::size_t at = 0; at < values.size(); at += kBlockSize) {
      const std::size_t count = std::min(kBlockSize, values.size() - at);
      kernel.scan({values.data() + at, count, 1024.0f, UINT32_MAX, slots.data(), candidates.data()});
    }
  });
}

} // namespace

int main() {
  std::printf("%-34s %12s", "workload (Melem/s)", "first");
  for (const auto& kernel : burin::detail::availableScanKernels())
    std::printf(" %12s", (std::string("scan ") + kernel.name).c_str());
  std::printf(" %12s\n", "statistics");
  for (const Workload& workload : makeWorkloads()) {
    burin::TensorStatistics statistics;
    const auto start = Clock::now();
    statistics.update(workload.values, 0);
    const std::chrono::duration<double> first = Clock::now() - start;
    std::printf("%-34s %12.0f", workload.name.c_str(),
                static_cast<double>(workload.values.size()) / first.count() * 1e-6);
    for (const auto& kernel : burin::detail::availableScanKernels())
      std::printf(" %12.0f", scanRate(kernel, workload.values));
    const double rate =
        millionsPerSecond(workload.values.size(), [&] { statistics.update(workload.values, 0); });
    std::printf(" %12.0f\n", rate);
  }
}
