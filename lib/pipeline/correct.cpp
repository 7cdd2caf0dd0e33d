#include "lib/pipeline/correct.h"

#include "lib/compile/compile.h"
#include "lib/pipeline/mean_shift.h"
#include "lib/pipeline/verify.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <thread>

using namespace mlir;

namespace burin {

namespace {
// Channels of a convolution's result are axis 1, of a product's the last.
int channelAxis(const std::string& opType, const rt::Tensor& result) {
  return opType.ends_with("matmul") ? result.type.shape.rank - 1 : 1;
}

// What the stored integers of a channel can express; everything for a float tensor.
struct Span {
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
};
std::vector<Span> expressible(const rt::Tensor& t, size_t channels) {
  std::vector<Span> spans(channels);
  const bool isSigned = t.type.dtype == rt::DType::I8;
  if (t.quant.empty() || rt::dtypeBytes(t.type.dtype) != 1) return spans;
  for (size_t c = 0; c < channels; ++c) {
    const size_t q = t.quant.axis < 0 ? 0 : c;
    spans[c] = {static_cast<float>((isSigned ? -128 : 0) - t.quant.zeroPoint[q]) * t.quant.scale[q],
                static_cast<float>((isSigned ? 127 : 255) - t.quant.zeroPoint[q]) * t.quant.scale[q]};
  }
  return spans;
}

struct ChannelMeans {
  std::vector<double> sum;
  double count = 0;

  // `spans`: values are clipped to them first. A range chosen on purpose must not be corrected away.
  void add(const rt::Tensor& t, int axis, const std::vector<Span>& spans) {
    const rt::Shape& shape = t.type.shape;
    const size_t channels = static_cast<size_t>(shape[axis]);
    size_t inner = 1;
    for (int i = axis + 1; i < shape.rank; ++i) inner *= static_cast<size_t>(shape[i]);
    sum.resize(channels);
    std::vector<float> values = realValues(t);
    for (size_t i = 0; i < values.size(); ++i) {
      const size_t c = i / inner % channels;
      sum[c] += std::clamp(values[i], spans[c].low, spans[c].high);
    }
    count += static_cast<double>(values.size()) / static_cast<double>(channels);
  }
  double mean(size_t c) const { return sum[c] / count; }
};

// Calls body(i) for i in [0, count) on several threads; each i is one sample's own session.
template <class Body>
void forEachSample(size_t count, int threads, const Body& body) {
  std::vector<std::thread> workers;
  const size_t parts = std::min<size_t>(static_cast<size_t>(std::max(threads, 1)), count);
  for (size_t part = 1; part < parts; ++part)
    workers.emplace_back([&, part] {
      for (size_t i = part; i < count; i += parts) body(i);
    });
  for (size_t i = 0; i < count; i += parts) body(i);
  for (std::thread& w : workers) w.join();
}

// The table that alone reads the result of a layer, right behind it; null where there is none.
const rt::Node* functionBehind(const std::vector<rt::Node>& nodes, size_t layer) {
  const rt::Tensor* result = nodes[layer].outputs[0];
  if (layer + 1 == nodes.size() || nodes[layer + 1].type != "qnn.lut" ||
      nodes[layer + 1].inputs[0] != result || rt::dtypeBytes(result->type.dtype) != 1 ||
      result->quant.empty())
    return nullptr;
  for (size_t i = layer + 2; i < nodes.size(); ++i)
    if (std::count(nodes[i].inputs.begin(), nodes[i].inputs.end(), result)) return nullptr;
  return &nodes[layer + 1];
}

class Correction {
public:
  Correction(const Executable& program, quantize::QuantPlan& plan, int threads)
      : program_(program), plan_(plan), threads_(threads) {}

  // Samples that cannot be read were warned of before.
  void loadSamples(const Dataset& data, const std::vector<size_t>& samples) {
    for (size_t s : samples)
      if (auto inputs = data.load(s)) inputs_.push_back(std::move(*inputs));
  }

  // Means of the float network's tensors that the integer network also has.
  Status measureFloat(ModuleOp module) {
    BURIN_ASSIGN(ProgramFile file, compile::compileModule(module, {}));
    BURIN_ASSIGN(Executable executable, Executable::fromProgram(file));
    BURIN_ASSIGN(auto runner, Runner::create(executable, {threads_}));
    struct Measured {
      int axis;
      std::vector<Span> spans;
    };
    std::map<std::string, Measured> measured; // by its name in the integer network
    auto measure = [&](const rt::Tensor& t, int axis) {
      measured[t.name] = {axis, expressible(t, static_cast<size_t>(t.type.shape[axis]))};
    };
    const std::vector<rt::Node>& nodes = program_.graph().nodes;
    for (size_t i = 0; i < nodes.size(); ++i)
      if (isAccumulating(nodes[i])) {
        const int axis = channelAxis(nodes[i].type, *nodes[i].outputs[0]);
        measure(*nodes[i].outputs[0], axis);
        if (const rt::Node* function = functionBehind(nodes, i)) measure(*function->outputs[0], axis);
      }
    runner->observe([&](const rt::Tensor& t) {
      if (auto it = measured.find(t.name); it != measured.end())
        float_[t.name].add(t, it->second.axis, it->second.spans);
    });
    for (const auto& inputs : inputs_) BURIN_CHECK(runner->run(inputs));
    return {};
  }

  Status run() {
    if (inputs_.empty()) return {};
    for (const auto& inputs : inputs_) {
      BURIN_ASSIGN(auto runner, Runner::create(program_, {1}));
      BURIN_CHECK(runner->setInputs(inputs));
      runners_.push_back(std::move(runner));
    }
    const std::vector<rt::Node>& nodes = runners_[0]->session().nodes();
    for (size_t i = 0; i < nodes.size(); ++i) {
      BURIN_CHECK(step(i));
      if (isCorrectable(nodes[i])) {
        BURIN_CHECK(correct(i));
        BURIN_CHECK(step(i));
      }
    }
    return {};
  }

private:
  Status step(size_t node) {
    std::vector<std::string> errors(runners_.size());
    forEachSample(runners_.size(), threads_,
                  [&](size_t s) { runners_[s]->session().runNode(node, errors[s]); });
    for (const std::string& e : errors)
      if (!e.empty()) return fail(ErrorCode::Input, e, "check the input data");
    return {};
  }

  static bool isAccumulating(const rt::Node& node) {
    return node.type == "qnn.conv" || node.type == "qnn.conv_transpose" || node.type == "qnn.matmul";
  }
  bool isCorrectable(const rt::Node& node) const {
    // A grouped transposed convolution has no one axis of weight scales, so its program tensor carries none.
    if (!isAccumulating(node) || node.in(0).quant.empty() || node.in(1).quant.empty()) return false;
    return node.input(2) && node.input(2)->constant && node.input(1)->constant &&
           float_.count(node.outputs[0]->name);
  }

  // What each channel of a layer's result has to move by for its mean to be float's.
  std::vector<double> differences(size_t index, int axis) const {
    const rt::Tensor& result = *runners_[0]->session().nodes()[index].outputs[0];
    const size_t channels = static_cast<size_t>(result.type.shape[axis]);
    ChannelMeans actual;
    for (auto& runner : runners_)
      actual.add(*runner->session().nodes()[index].outputs[0], axis, std::vector<Span>(channels));
    std::vector<double> by(channels);
    for (size_t c = 0; c < channels; ++c) by[c] = float_.at(result.name).mean(c) - actual.mean(c);
    return by;
  }

  // The same for the mean of what the function behind the layer gives: where it is flat, errors do not count.
  std::vector<double> differencesBehind(const rt::Node& function, size_t index, int axis) const {
    const rt::Tensor& operand = *function.inputs[0];
    const size_t channels = static_cast<size_t>(operand.type.shape[axis]);
    std::vector<FunctionMeans> means = functionOf(function, channels);
    for (auto& runner : runners_) countIntegers(*runner->session().nodes()[index].outputs[0], axis, means);
    std::vector<double> by(channels);
    for (size_t c = 0; c < channels; ++c)
      by[c] = shiftForMean(means[c], float_.at(function.outputs[0]->name).mean(c)) *
              operand.quant.scale[operand.quant.scale.size() > 1 ? c : 0];
    return by;
  }

  Status correct(size_t index) {
    const std::vector<rt::Node>& nodes = runners_[0]->session().nodes();
    const rt::Node& node = nodes[index];
    const rt::Tensor& result = *node.outputs[0];
    const int axis = channelAxis(node.type, result);
    const rt::Node* function = functionBehind(nodes, index);
    if (function && !float_.count(function->outputs[0]->name)) function = nullptr;
    const std::vector<double> by =
        function ? differencesBehind(*function, index, axis) : differences(index, axis);
    std::vector<int32_t> bias(static_cast<size_t>(node.input(2)->type.shape.elements()));
    rt::readRowMajor(*node.input(2), bias.data());
    if (bias.size() != by.size()) return {};
    std::vector<double> correction(bias.size());
    const rt::Quant& w = node.input(1)->quant;
    for (size_t c = 0; c < bias.size(); ++c) {
      const double scale = static_cast<double>(node.input(0)->quant.scale[0]) *
                           w.scale[w.scale.size() > 1 ? c : 0] / firstFactor(*node.input(0));
      const double steps = std::nearbyint(by[c] / scale);
      if (!(std::fabs(steps) < (1 << 30)) || std::fabs(steps + bias[c]) > 2147483000.0) continue;
      bias[c] += static_cast<int32_t>(steps);
      correction[c] = steps * scale;
    }
    auto shared = std::make_shared<std::vector<int32_t>>(std::move(bias));
    biases_.push_back(shared);
    std::string error;
    for (auto& runner : runners_)
      if (!runner->session().replaceConstant(index, 2, shared->data(), error))
        return fail(ErrorCode::Internal, error);
    plan_.setBiasCorrection(result.name, std::move(correction));
    return {};
  }

  // A tensor with scales per channel keeps its common scale in the plan; the stored one is that times a
  // factor.
  double firstFactor(const rt::Tensor& x) const {
    const quantize::TensorPlan* t = x.quant.axis < 0 ? nullptr : plan_.tensor(x.name);
    return t && !t->channels.empty() ? t->channels[0] : 1.0;
  }

  const Executable& program_;
  quantize::QuantPlan& plan_;
  int threads_;
  std::vector<std::vector<Array>> inputs_;
  std::map<std::string, ChannelMeans> float_;
  std::vector<std::unique_ptr<Runner>> runners_;
  std::vector<std::shared_ptr<std::vector<int32_t>>> biases_; // kernels may read them later
};
// How close the outputs are to the float network's: the mean of their signal to noise ratios.
Result<double> closeness(ModuleOp module, const Executable& program, const Dataset& data,
                         const VerifyOptions& options) {
  BURIN_ASSIGN(Verification verification, verify(module, program, data, options));
  double sum = 0;
  for (const TensorSimilarity& output : verification.outputs) sum += output.sqnrDb;
  return sum / static_cast<double>(std::max<size_t>(verification.outputs.size(), 1));
}

// Samples that correct, and others that judge; the same where there are too few.
std::pair<std::vector<size_t>, std::vector<size_t>> split(std::vector<size_t> samples) {
  if (samples.size() > 2 * kCorrectionSamples) samples.resize(2 * kCorrectionSamples);
  if (samples.size() < 2 * kCorrectionSamples) {
    samples.resize(std::min(samples.size(), kCorrectionSamples));
    return {samples, samples};
  }
  const auto middle = samples.begin() + kCorrectionSamples;
  return {{samples.begin(), middle}, {middle, samples.end()}};
}
} // namespace

Result<Compiled> correctBiases(ModuleOp module, const CompileOptions& options, Compiled compiled,
                               const Dataset& data, std::vector<size_t> samples, int threads) {
  quantize::QuantPlan plan = *compiled.plan;
  BURIN_ASSIGN(Executable before, Executable::fromProgram(compiled.program));
  Correction correction(before, plan, threads);
  const auto [correcting, judging] = split(std::move(samples));
  correction.loadSamples(data, correcting);
  BURIN_CHECK(correction.measureFloat(module));
  BURIN_CHECK(correction.run());
  CompileOptions withPlan = options;
  withPlan.plan = &plan;
  BURIN_ASSIGN(Compiled corrected, compileNetwork(module, withPlan));
  BURIN_ASSIGN(Executable after, Executable::fromProgram(corrected.program));
  VerifyOptions verifyOptions;
  verifyOptions.samples = judging;
  verifyOptions.threads = threads;
  BURIN_ASSIGN(const double closenessBefore, closeness(module, before, data, verifyOptions));
  BURIN_ASSIGN(const double closenessAfter, closeness(module, after, data, verifyOptions));
  if (closenessAfter >= closenessBefore) return corrected;
  compiled.notes.push_back(
      fmt::format("biases stay uncorrected: the outputs' mean SQNR would fall from {:.1f} to {:.1f} dB",
                  closenessBefore, closenessAfter));
  return compiled;
}

} // namespace burin
