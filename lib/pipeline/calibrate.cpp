#include "lib/compile/compile.h"
#include "lib/pipeline/pipeline.h"
#include "lib/quantize/channels.h"

#include "lib/calibrate/warnings.h"
#include "lib/data/skipped.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <mutex>
#include <thread>

namespace burin {

namespace {
using Clock = std::chrono::steady_clock;
double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Smallest and largest value of each channel (axis 1).
struct ChannelRange {
  std::vector<float> min, max;

  void update(const rt::Tensor& t) {
    const rt::Shape& shape = t.type.shape;
    const size_t channels = static_cast<size_t>(shape[1]);
    if (min.empty()) {
      min.assign(channels, std::numeric_limits<float>::infinity());
      max.assign(channels, -std::numeric_limits<float>::infinity());
    }
    const float* data = t.as<const float>();
    if (rt::isChannelsLast(t) && rt::isDense(t)) {
      const size_t pixels = static_cast<size_t>(shape.elements()) / std::max<size_t>(channels, 1);
      for (size_t p = 0; p < pixels; ++p, data += channels)
        for (size_t c = 0; c < channels; ++c) {
          min[c] = std::min(min[c], data[c]);
          max[c] = std::max(max[c], data[c]);
        }
      return;
    }
    std::vector<float> values = realValues(t);
    const size_t inner =
        values.size() / static_cast<size_t>(std::max<int64_t>(shape[0], 1)) / std::max<size_t>(channels, 1);
    for (size_t i = 0; i < values.size(); ++i) {
      const size_t c = i / inner % channels;
      min[c] = std::min(min[c], values[i]);
      max[c] = std::max(max[c], values[i]);
    }
  }
  void merge(const ChannelRange& other) {
    if (min.empty()) *this = other;
    for (size_t c = 0; c < other.min.size(); ++c) {
      min[c] = std::min(min[c], other.min[c]);
      max[c] = std::max(max[c], other.max[c]);
    }
  }
};

// What is observed: float tensors of the graph in order, and which of them may get scales per channel.
struct Observed {
  std::vector<std::string> names;
  std::vector<bool> perChannel;
};

// One thread's share of the work: its own session and statistics, merged at the end. Integer counts make the
// result independent of who saw which sample.
class Worker {
public:
  Worker(const Dataset& data, const Observed& observed)
      : data_(data), observed_(observed), statistics_(observed.names.size()),
        channels_(observed.names.size()) {}

  Status start(const Executable& executable) {
    BURIN_ASSIGN(runner_, Runner::create(executable, {}));
    for (size_t i = 0; i < observed_.names.size(); ++i) index_[observed_.names[i]] = i;
    runner_->observe([this](const rt::Tensor& t) { observe(t); });
    return {};
  }

  // Data errors skip the sample with a warning; anything else is kept in `error`.
  void process(size_t sample) {
    auto inputs = data_.load(sample);
    if (!inputs) {
      skipped.emplace_back(sample, inputs.error().text());
      return;
    }
    sample_ = sample;
    Clock::time_point begin = Clock::now();
    double before = statisticsSeconds;
    if (Status status = runner_->run(*inputs); !status) error = status.error();
    inferenceSeconds += secondsSince(begin) - (statisticsSeconds - before);
    ++processed;
  }

  const std::vector<TensorStatistics>& statistics() const { return statistics_; }
  std::vector<TensorStatistics>& statistics() { return statistics_; }
  std::vector<ChannelRange>& channels() { return channels_; }

  std::vector<std::pair<size_t, std::string>> skipped;
  std::optional<Error> error;
  size_t processed = 0;
  double inferenceSeconds = 0, statisticsSeconds = 0;

private:
  void observe(const rt::Tensor& t) {
    auto it = index_.find(t.name);
    if (it == index_.end()) return;
    Clock::time_point begin = Clock::now();
    const float* values = t.as<const float>();
    size_t count = static_cast<size_t>(t.type.shape.elements());
    if (!rt::isDense(t)) {
      buffer_.resize(count);
      rt::readRowMajor(t, buffer_.data());
      values = buffer_.data();
    }
    statistics_[it->second].update({values, count}, sample_);
    if (observed_.perChannel[it->second]) channels_[it->second].update(t);
    statisticsSeconds += secondsSince(begin);
  }

  const Dataset& data_;
  const Observed& observed_;
  std::vector<TensorStatistics> statistics_;
  std::vector<ChannelRange> channels_;
  std::map<std::string, size_t> index_;
  std::unique_ptr<Runner> runner_;
  std::vector<float> buffer_;
  size_t sample_ = 0;
};

Observed observedTensors(mlir::ModuleOp module) {
  Observed observed;
  nn::GraphOp graph = *module.getOps<nn::GraphOp>().begin();
  for (mlir::Operation& op : graph.getBody().front()) {
    if (mlir::isa<nn::ConstantOp, nn::NoneOp, nn::OutputOp>(op)) continue;
    for (mlir::Value v : op.getResults()) {
      auto type = mlir::dyn_cast<mlir::RankedTensorType>(v.getType());
      if (!type || !type.getElementType().isF32()) continue;
      observed.names.push_back(nn::valueName(v));
      observed.perChannel.push_back(quantize::mayHaveChannelScales(v, ChannelScales::Functions));
    }
  }
  return observed;
}

class CalibrationRun {
public:
  CalibrationRun(const Dataset& data, const CalibrationOptions& options, Observed observed)
      : data_(data), options_(options), observed_(std::move(observed)), samples_(options.samples) {
    if (samples_.empty())
      for (size_t i = 0; i < data.size(); ++i) samples_.push_back(i);
  }

  Status run(const Executable& executable) {
    int threads = std::max(1, std::min<int>(options_.threads, static_cast<int>(samples_.size())));
    for (int t = 0; t < threads; ++t) {
      workers_.push_back(std::make_unique<Worker>(data_, observed_));
      BURIN_CHECK(workers_.back()->start(executable));
    }
    std::vector<std::thread> others;
    for (int t = 1; t < threads; ++t) others.emplace_back([this, t] { consume(*workers_[t]); });
    consume(*workers_[0]);
    for (std::thread& t : others) t.join();
    return {};
  }

  Result<Calibration> finish(const std::string& graphHash) {
    Calibration out;
    std::vector<std::pair<size_t, std::string>> skipped;
    size_t processed = 0;
    for (auto& w : workers_) {
      if (w->error) return fail(*w->error);
      processed += w->processed;
      out.inferenceSeconds += w->inferenceSeconds;
      out.statisticsSeconds += w->statisticsSeconds;
      skipped.insert(skipped.end(), w->skipped.begin(), w->skipped.end());
    }
    std::sort(skipped.begin(), skipped.end());
    std::vector<std::string> problems;
    for (auto& [sample, text] : skipped) problems.push_back(std::move(text));
    out.warnings = skippedWarnings(problems);
    if (processed == 0)
      return fail(ErrorCode::Input,
                  "no sample could be used; the first problem: " +
                      (problems.empty() ? "no data" : problems[0]),
                  "check --data");
    std::vector<TensorStatistics>& merged = workers_[0]->statistics();
    for (size_t w = 1; w < workers_.size(); ++w)
      for (size_t i = 0; i < merged.size(); ++i) {
        merged[i].merge(workers_[w]->statistics()[i]);
        workers_[0]->channels()[i].merge(workers_[w]->channels()[i]);
      }
    TableOptions tableOptions;
    tableOptions.graphHash = graphHash;
    tableOptions.method = options_.method;
    tableOptions.percentile = options_.percentile;
    tableOptions.samples = processed;
    BURIN_ASSIGN(out.table, buildTable(observed_.names, merged, tableOptions));
    for (size_t i = 0; i < out.table.entries.size(); ++i) {
      out.table.entries[i].channelMin = workers_[0]->channels()[i].min;
      out.table.entries[i].channelMax = workers_[0]->channels()[i].max;
    }
    for (const TensorRange& range : out.table.entries)
      if (range.nonFinite)
        return fail(
            Error{ErrorCode::Input,
                  {},
                  range.name,
                  std::to_string(range.nonFinite) + " values are NaN or infinite",
                  "check the input data and the model's weights; 'burin import --check' finds the first op"});
    for (const CalibrationWarning& warning : out.table.warnings) out.warnings.push_back(warning.message());
    checkInputs(merged, out.warnings);
    return out;
  }

private:
  // Pictures that do not look like what the preprocessing says.
  void checkInputs(const std::vector<TensorStatistics>& statistics,
                   std::vector<std::string>& warnings) const {
    for (const InputSpec& input : data_.inputs()) {
      auto name = std::find(observed_.names.begin(), observed_.names.end(), input.name);
      if (!input.preprocess || name == observed_.names.end()) continue;
      std::vector<double> mean, scale;
      for (int c = 0; c < rt::channelCount(input.preprocess->pixel); ++c) {
        mean.push_back(input.preprocess->mean[c]);
        scale.push_back(input.preprocess->scale[c]);
      }
      const TensorStatistics& seen = statistics[static_cast<size_t>(name - observed_.names.begin())];
      if (auto warning = checkInput(input.name, seen, expectedInput(mean, scale)))
        warnings.push_back(warning->message());
    }
  }

  void consume(Worker& worker) {
    for (size_t i; !worker.error && (i = next_.fetch_add(1)) < samples_.size();) {
      worker.process(samples_[i]);
      std::lock_guard<std::mutex> lock(progressMutex_);
      if (options_.progress) options_.progress(++done_, samples_.size());
    }
  }

  const Dataset& data_;
  const CalibrationOptions& options_;
  Observed observed_;
  std::vector<size_t> samples_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<size_t> next_{0};
  std::mutex progressMutex_;
  size_t done_ = 0;
};
} // namespace

Result<Calibration> calibrate(mlir::ModuleOp module, const Dataset& data, const CalibrationOptions& options) {
  Clock::time_point begin = Clock::now();
  BURIN_ASSIGN(ProgramFile program, compile::compileModule(module, {}));
  BURIN_ASSIGN(Executable executable, Executable::fromProgram(program));
  CalibrationRun run(data, options, observedTensors(module));
  BURIN_CHECK(run.run(executable));
  BURIN_ASSIGN(Calibration result, run.finish(networkHash(module)));
  result.seconds = secondsSince(begin);
  return result;
}

} // namespace burin
