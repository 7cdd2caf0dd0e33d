#include "lib/pipeline/verify.h"

#include "lib/compile/compile.h"
#include "lib/data/skipped.h"

#include <cmath>
#include <set>

namespace burin {

namespace {
constexpr size_t kWorstLayers = 5, kLargestLosses = 3;
constexpr const char* kTable = "qnn.lut";
constexpr double kExactDb = 200; // stands for "no noise at all"

// Sums over samples from which cosine and SQNR follow: memory does not grow with the number of samples.
struct Sums {
  double dot = 0, reference = 0, actual = 0, noise = 0;

  void add(std::span<const float> r, std::span<const float> a) {
    for (size_t i = 0; i < r.size(); ++i) {
      double x = r[i], y = a[i];
      dot += x * y;
      reference += x * x;
      actual += y * y;
      noise += (x - y) * (x - y);
    }
  }
  TensorSimilarity result(const std::string& name, const std::string& type) const {
    TensorSimilarity t{name, type, 1, kExactDb};
    if (reference == 0 || actual == 0)
      t.cosine = reference == actual ? 1 : 0;
    else
      t.cosine = dot / std::sqrt(reference * actual);
    if (noise > 0) t.sqnrDb = reference > 0 ? std::max(-200.0, 10 * std::log10(reference / noise)) : -200;
    return t;
  }
};

class Comparison {
public:
  Comparison(Runner& reference, Runner& actual) : reference_(reference), actual_(actual) {}

  Status add(std::span<const Array> inputs) {
    std::map<std::string, std::vector<float>> values;
    reference_.observe([&](const rt::Tensor& t) {
      if (t.type.dtype == rt::DType::F32 || !t.quant.empty()) values[t.name] = realValues(t);
    });
    BURIN_CHECK(reference_.run(inputs));
    actual_.observe([&](const rt::Tensor& t) {
      auto it = values.find(t.name);
      if (it != values.end() && it->second.size() == static_cast<size_t>(t.type.shape.elements()))
        sums_[t.name].add(it->second, realValues(t));
    });
    return actual_.run(inputs);
  }

  void report(Verification& out) {
    std::map<std::string, std::string> outputs;
    for (size_t i = 0; i < actual_.outputCount(); ++i) {
      const std::string& name = actual_.outputTensor(i).name;
      outputs[name] = "";
      if (sums_.count(name)) out.outputs.push_back(sums_[name].result(name, "output"));
    }
    const std::set<const rt::Tensor*> judged = judgedTensors();
    for (const rt::Node& node : actual_.session().nodes())
      for (const rt::Tensor* t : node.outputs)
        if (judged.count(t) && !outputs.count(t->name))
          out.worst.push_back(sums_[t->name].result(t->name, node.type));
    std::stable_sort(out.worst.begin(), out.worst.end(),
                     [](const auto& a, const auto& b) { return a.sqnrDb < b.sqnrDb; });
    if (out.worst.size() > kWorstLayers) out.worst.resize(kWorstLayers);
    reportLosses(out, judged);
  }

private:
  // Tensors that the float network has, but for those that only tables read: their range is cut where the
  // function is flat, and whether that hurts shows in the function's result.
  std::set<const rt::Tensor*> judgedTensors() {
    std::set<const rt::Tensor*> judged, forTables, forOthers;
    for (const rt::Node& node : actual_.session().nodes()) {
      for (const rt::Tensor* t : node.outputs)
        if (sums_.count(t->name)) judged.insert(t);
      for (size_t i = 0; i < node.inputs.size(); ++i)
        (node.type == kTable && i == 0 ? forTables : forOthers).insert(node.inputs[i]);
    }
    for (size_t i = 0; i < actual_.outputCount(); ++i) forOthers.insert(&actual_.outputTensor(i));
    for (const rt::Tensor* t : forTables)
      if (!forOthers.count(t)) judged.erase(t);
    return judged;
  }

  // Other tensors are as good as what they were made from.
  void reportLosses(Verification& out, const std::set<const rt::Tensor*>& judged) {
    std::map<const rt::Tensor*, double> sqnr;
    for (const rt::Node& node : actual_.session().nodes()) {
      double before = kExactDb;
      for (const rt::Tensor* operand : node.inputs)
        if (auto it = sqnr.find(operand); it != sqnr.end()) before = std::min(before, it->second);
      for (const rt::Tensor* result : node.outputs) {
        const double after = judged.count(result) ? sums_[result->name].result({}, {}).sqnrDb : before;
        sqnr[result] = after;
        if (after < before)
          out.losses.push_back({result->name, node.type,
                                node.type == kTable ? node.in(0).name : std::string(), before, after});
      }
    }
    std::stable_sort(out.losses.begin(), out.losses.end(),
                     [](const auto& a, const auto& b) { return a.addedNoise() > b.addedNoise(); });
    if (out.losses.size() > kLargestLosses) out.losses.resize(kLargestLosses);
  }

  Runner &reference_, &actual_;
  std::map<std::string, Sums> sums_;
};
} // namespace

double LayerLoss::addedNoise() const { return std::pow(10, -after / 10) - std::pow(10, -before / 10); }

Result<Verification> verify(mlir::ModuleOp module, const Executable& program, const Dataset& data,
                            const VerifyOptions& options) {
  BURIN_ASSIGN(ProgramFile floatProgram, compile::compileModule(module, {}));
  BURIN_ASSIGN(Executable floatExecutable, Executable::fromProgram(floatProgram));
  BURIN_ASSIGN(auto reference, Runner::create(floatExecutable, {options.threads}));
  BURIN_ASSIGN(auto actual, Runner::create(program, {options.threads}));
  Comparison comparison(*reference, *actual);
  Verification out;
  std::vector<std::string> problems;
  out.floatBytes = floatExecutable.fileBytes();
  for (size_t i = 0; i < options.samples.size(); ++i) {
    auto inputs = data.load(options.samples[i]);
    if (!inputs) {
      problems.push_back(inputs.error().text());
      continue;
    }
    BURIN_CHECK(comparison.add(*inputs));
    ++out.samples;
    if (options.progress) options.progress(i + 1, options.samples.size());
  }
  out.warnings = skippedWarnings(problems);
  comparison.report(out);
  return out;
}

} // namespace burin
