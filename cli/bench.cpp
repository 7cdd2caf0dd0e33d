#include "cli/network_view.h"

#include "lib/data/shuffle.h"
#include "runtime/core/isa.h"

#include <chrono>
#include <cmath>
#include <fmt/format.h>

namespace burin::cli {

namespace {
using Clock = std::chrono::steady_clock;

struct Flags {
  std::string network, kernels = "auto";
  int runs = 50, warmup = 5;
  CommonFlags common;
  ModelFlags model;
};

constexpr int kTimedOpRuns = 20;
constexpr size_t kTopOps = 15;

//===-- inputs
//---------------------------------------------------------------------------------------------------===//

// Pictures are noise that went through the preprocessing, other floats lie in [-1, 1), quantized integers
// cover their type; anything else (indices, lengths, masks) alternates 0 and 1.
class InputFiller {
public:
  explicit InputFiller(const InputSpec& spec, bool quantized) : spec_(spec), quantized_(quantized) {}

  Array fill() {
    Array array(spec_.type, spec_.shape);
    switch (spec_.type) {
    case ElementType::F32:
      for (size_t i = 0; float& v : array.as<float>()) v = real(i++);
      break;
    case ElementType::F16:
      for (size_t i = 0; uint16_t& v : array.as<uint16_t>()) v = halfFromFloat(real(i++));
      break;
    case ElementType::F64:
      for (size_t i = 0; double& v : array.as<double>()) v = real(i++);
      break;
    default:
      if (quantized_)
        for (uint8_t& byte : array.bytes) byte = static_cast<uint8_t>(random_.next());
      else
        for (size_t i = 0, size = elementBytes(spec_.type); i < array.bytes.size(); i += size)
          array.bytes[i] = i / size % 2;
    }
    return array;
  }

private:
  float real(size_t index) {
    if (!spec_.preprocess) return static_cast<float>(random_.next() >> 40) * 0x1p-23f - 1; // 24 random bits
    const rt::Preprocess& p = *spec_.preprocess;
    auto shape = pictureShape(spec_.shape, p.layout);
    auto channels = static_cast<size_t>(rt::channelCount(p.pixel));
    size_t plane =
        shape && p.layout == rt::TensorLayout::Nchw ? static_cast<size_t>(shape->height * shape->width) : 1;
    size_t c = index / std::max<size_t>(plane, 1) % channels;
    return (static_cast<float>(random_.next() >> 56) - p.mean[c]) * p.scale[c];
  }

  const InputSpec& spec_;
  bool quantized_;
  SplitMix64 random_{1};
};

std::vector<Array> makeInputs(const Executable& executable) {
  std::vector<Array> inputs;
  for (size_t i = 0; i < executable.inputs().size(); ++i) {
    const rt::Graph& graph = executable.graph();
    inputs.push_back(InputFiller(executable.inputs()[i],
                                 !graph.tensors[static_cast<size_t>(graph.inputs[i])].quant.empty())
                         .fill());
  }
  return inputs;
}

//===-- timing
//---------------------------------------------------------------------------------------------------===//

// Of values in any order; the mean of the middle two for the median of an even number.
double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  size_t n = values.size();
  return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}
double percentile90(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(std::ceil(0.9 * static_cast<double>(values.size()))) - 1];
}

struct OpTime {
  std::string name, type, kernel;
  double ms = 0; // median
};

struct Timing {
  double medianMs = 0, p90Ms = 0, minMs = 0;
  std::vector<OpTime> ops;
};

// Feeding the inputs counts. Ops are timed afterwards, on runs of their own: the clock would disturb the
// total.
Result<Timing> measure(Runner& runner, std::span<const Array> inputs, const Flags& f) {
  for (int i = 0; i < f.warmup; ++i) BURIN_CHECK(runner.run(inputs));
  std::vector<double> totals;
  for (int i = 0; i < f.runs; ++i) {
    Clock::time_point begin = Clock::now();
    BURIN_CHECK(runner.run(inputs));
    totals.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
  }
  rt::Session& session = runner.session();
  session.enableTiming();
  std::vector<std::vector<double>> perOp(session.nodes().size());
  for (int i = 0; i < std::min(f.runs, kTimedOpRuns); ++i) {
    BURIN_CHECK(runner.run(inputs));
    for (size_t n = 0; n < perOp.size(); ++n)
      perOp[n].push_back(static_cast<double>(session.nodeNanoseconds()[n]) / 1e6);
  }
  Timing timing{median(totals), percentile90(totals), *std::min_element(totals.begin(), totals.end()), {}};
  for (size_t n = 0; n < perOp.size(); ++n)
    timing.ops.push_back(
        {session.nodes()[n].name, session.nodes()[n].type, session.kernel(n).name(), median(perOp[n])});
  return timing;
}

//===-- report
//---------------------------------------------------------------------------------------------------===//

Json toJson(const Timing& t, const Executable& executable, Runner& runner, const std::string& kernels,
            const Flags& f) {
  Json ops = Json::array();
  for (const OpTime& op : t.ops)
    ops.push_back({{"name", op.name}, {"type", op.type}, {"ms", op.ms}, {"kernel", op.kernel}});
  return {{"threads", f.common.threads},
          {"runs", f.runs},
          {"median_ms", t.medianMs},
          {"p90_ms", t.p90Ms},
          {"min_ms", t.minMs},
          {"kernels", kernels},
          {"arena_bytes", runner.session().arenaBytes()},
          {"scratch_bytes", runner.session().scratchBytes()},
          {"packed_bytes", runner.session().packedBytes()},
          {"weights_bytes", executable.program().weightsBytes()},
          {"ops", std::move(ops)}};
}

void print(const Timing& t, Runner& runner, const std::string& kernels, const Flags& f) {
  fmt::print("{}: median {:.3f} ms, p90 {:.3f} ms, min {:.3f} ms of {} runs; {} thread{}, {} kernels\n",
             f.network, t.medianMs, t.p90Ms, t.minMs, f.runs, f.common.threads,
             f.common.threads == 1 ? "" : "s", kernels);
  fmt::print("arena {} bytes, scratch {} bytes, packed weights {} bytes\n", runner.session().arenaBytes(),
             runner.session().scratchBytes(), runner.session().packedBytes());
  double sum = 0;
  std::map<std::string, double> byType;
  for (const OpTime& op : t.ops) sum += op.ms, byType[op.type] += op.ms;
  auto share = [sum](double ms) { return sum > 0 ? 100 * ms / sum : 0; };
  std::vector<std::pair<std::string, double>> types(byType.begin(), byType.end());
  std::stable_sort(types.begin(), types.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  for (const auto& [type, ms] : types) fmt::print("{:>9.3f} ms {:>5.1f} %  {}\n", ms, share(ms), type);
  std::vector<OpTime> ops = t.ops;
  std::stable_sort(ops.begin(), ops.end(), [](const OpTime& a, const OpTime& b) { return a.ms > b.ms; });
  size_t shown = f.common.verbose ? ops.size() : std::min(ops.size(), kTopOps);
  fmt::print("{} of {} ops, longest first:\n", shown, ops.size());
  for (size_t i = 0; i < shown; ++i)
    fmt::print("{:>9.3f} ms {:>5.1f} %  {:<18} {:<20} {}\n", ops[i].ms, share(ops[i].ms), ops[i].type,
               ops[i].kernel, ops[i].name);
}

Status run(const Flags& f) {
  if (f.kernels != "auto" && f.kernels != "reference")
    return fail(ErrorCode::Usage, "unknown --kernels '" + f.kernels + "'", "use auto or reference");
  if (anyModelFlag(f.model) && Executable::isProgramFile(f.network))
    return fail(Error{ErrorCode::Usage,
                      f.network,
                      {},
                      "a program's shapes and preprocessing are fixed",
                      "leave the model and preprocessing flags out"});
  BURIN_ASSIGN(Executable executable, openExecutable(f.network, f.model, f.common, nullptr, false));
  bool reference = f.kernels == "reference";
  BURIN_ASSIGN(auto runner, Runner::create(executable, {f.common.threads, reference}));
  std::vector<Array> inputs = makeInputs(executable);
  auto timing = measure(*runner, inputs, f);
  if (!timing) return tl::unexpected(inFile(timing.error(), f.network));
  std::string kernels = reference ? "reference" : rt::isaName(rt::detectIsa());
  if (f.common.json)
    printJson(toJson(*timing, executable, *runner, kernels, f));
  else
    print(*timing, *runner, kernels, f);
  return {};
}
} // namespace

void addBench(App& app) {
  auto flags = std::make_shared<Flags>();
  flags->common.threads = 1;
  CLI::App* command = app.cli.add_subcommand("bench", "time of a network and of its ops");
  command
      ->add_option("network", flags->network, "program (.burin); a module or model file is compiled to f32")
      ->required();
  command->add_option("--runs", flags->runs, "timed runs (default 50)")->check(CLI::Range(1, 1000000));
  command->add_option("--warmup", flags->warmup, "runs before the clock starts (default 5)")
      ->check(CLI::Range(0, 1000000));
  command->add_option("--kernels", flags->kernels, "auto or reference");
  flags->model.add(*command);
  flags->common.add(*command, false);
  command->add_option("--threads", flags->common.threads, "threads (default 1)")->check(CLI::Range(1, 256));
  command->callback([flags, &app] { finish(app, run(*flags)); });
}

} // namespace burin::cli
