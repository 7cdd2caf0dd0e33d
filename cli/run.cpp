#include "cli/command.h"

#include "lib/data/feed.h"

#include <fmt/format.h>
#include <sstream>

namespace burin::cli {

namespace {
struct Flags {
  std::string program, input, output, kernels = "auto";
  int64_t sample = 0;
  bool allTensors = false, raw = false;
  CommonFlags common;
};

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

// One file per input (comma-separated, in input order), one .npz for all, or a data set of which one sample
// is taken.
Result<std::vector<Array>> loadInputs(const Flags& f, const std::vector<InputSpec>& specs) {
  std::vector<std::string> files = split(f.input);
  if (files.size() > 1) {
    if (files.size() != specs.size())
      return fail(ErrorCode::Usage, fmt::format("{} input files for {} inputs", files.size(), specs.size()),
                  "give one file per input, in the order of 'burin info'");
    std::vector<Array> inputs;
    for (size_t i = 0; i < files.size(); ++i) {
      BURIN_ASSIGN(Array array, loadInput(files[i], specs[i]));
      inputs.push_back(std::move(array));
    }
    return inputs;
  }
  BURIN_ASSIGN(Dataset data, Dataset::open(f.input, specs));
  if (f.sample < 0 || static_cast<size_t>(f.sample) >= data.size())
    return fail(ErrorCode::Usage, fmt::format("--sample {} is out of range", f.sample),
                fmt::format("the data has {} samples", data.size()));
  return data.load(static_cast<size_t>(f.sample));
}

// A tensor under its name; raw integers bring their scale and zero point.
void append(const rt::Tensor& t, bool raw, std::vector<NamedArray>& out) {
  out.push_back({t.name, raw ? storedArray(t) : realArray(t)});
  if (!raw || t.quant.empty()) return;
  Dims shape = {static_cast<int64_t>(t.quant.scale.size())};
  out.push_back({t.name + ":scale", Array::of<float>(ElementType::F32, shape, t.quant.scale)});
  out.push_back({t.name + ":zero_point", Array::of<int32_t>(ElementType::I32, shape, t.quant.zeroPoint)});
}

Status run(const Flags& f) {
  if (f.kernels != "auto" && f.kernels != "reference")
    return fail(ErrorCode::Usage, "unknown --kernels '" + f.kernels + "'", "use auto or reference");
  BURIN_ASSIGN(Executable executable, Executable::open(f.program));
  BURIN_ASSIGN(auto inputs, loadInputs(f, executable.inputs()));
  BURIN_ASSIGN(auto runner, Runner::create(executable, {f.common.threadCount(), f.kernels == "reference"}));
  std::vector<NamedArray> tensors;
  if (f.allTensors) runner->observe([&](const rt::Tensor& t) { append(t, f.raw, tensors); });
  if (Status status = runner->run(inputs); !status) return tl::unexpected(inFile(status.error(), f.program));
  if (!f.allTensors)
    for (size_t i = 0; i < runner->outputCount(); ++i) append(runner->outputTensor(i), f.raw, tensors);
  if (!f.output.empty()) return saveNpz(f.output, tensors);
  for (size_t i = 0; i < runner->outputCount(); ++i) {
    const rt::Tensor& t = runner->outputTensor(i);
    std::vector<float> values = realValues(t);
    auto [low, high] = std::minmax_element(values.begin(), values.end());
    if (!values.empty())
      fmt::print("{}: {} min {} max {} argmax {}\n", t.name, rt::toString(t.type.shape), *low, *high,
                 high - values.begin());
  }
  return {};
}
} // namespace

void addRun(App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.cli.add_subcommand("run", "run a program on one sample");
  command->add_option("program", flags->program, "program (.burin)")->required();
  command
      ->add_option("--input,--data", flags->input,
                   "picture, .npz, .npy, .bin; one file per input separated by commas; or a data set")
      ->required();
  command->add_option("--sample", flags->sample, "which sample of a data set (default 0)");
  command->add_option("-o,--output", flags->output,
                      "npz of the outputs, float32 in the source model's order (default: print a summary)");
  command->add_flag("--all-tensors", flags->allTensors, "every tensor, not only the outputs");
  command->add_flag("--raw", flags->raw, "stored integers with NAME:scale and NAME:zero_point");
  command->add_option("--kernels", flags->kernels, "auto or reference; the results are the same bits");
  flags->common.add(*command);
  command->callback([flags, &app] { finish(app, run(*flags)); });
}

} // namespace burin::cli
