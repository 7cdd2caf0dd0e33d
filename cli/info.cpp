#include "cli/network_view.h"

#include "lib/compile/compile.h"
#include "lib/data/preprocess_json.h"
#include "lib/data/preprocess_text.h"
#include "lib/prepare/prepare.h"

#include <fmt/format.h>

namespace burin::cli {

namespace {
struct Flags {
  std::string file;
  CommonFlags common;
  ModelFlags model;
};

struct Memory {
  uint64_t arenaBytes = 0, peakLiveBytes = 0;        // as planned, and the least that any plan needs
  std::optional<uint64_t> scratchBytes, packedBytes; // of this machine's kernels, if it can run them
};

// Of a module: what its f32 program will take.
Result<Memory> memoryOf(const NetworkView& view, const Flags& f) {
  Memory memory;
  if (!view.executable) {
    BURIN_ASSIGN(nn::Module module, loadWithWarnings(f.file, f.model, {.quiet = true}));
    BURIN_CHECK(prepare(*module.op));
    BURIN_ASSIGN(ProgramFile program, compile::compileModule(*module.op, {}));
    memory.arenaBytes = program.nets[0].arenaBytes;
    memory.peakLiveBytes = peakLiveBytes(program.nets[0]);
    return memory;
  }
  memory.arenaBytes = view.graph.arenaBytes;
  memory.peakLiveBytes = peakLiveBytes(view.graph);
  if (auto runner = Runner::create(*view.executable, {})) {
    memory.scratchBytes = (*runner)->session().scratchBytes();
    memory.packedBytes = (*runner)->session().packedBytes();
  }
  return memory;
}

Json tensorJson(const ProgramTensor& t) {
  Json json = {{"name", t.name},
               {"shape", std::vector<int64_t>(t.type.shape.dim, t.type.shape.dim + t.type.shape.rank)},
               {"dtype", rt::dtypeName(t.type.dtype)}};
  if (t.quant.scale.size() == 1) json["scale"] = t.quant.scale[0], json["zero_point"] = t.quant.zeroPoint[0];
  return json;
}

// The preprocessing of the only input, or by input name.
Json preprocessJson(const NetworkView& view) {
  Json all = Json::object();
  for (const InputSpec& input : view.inputs)
    if (input.preprocess) all[input.name] = preprocessToJson(*input.preprocess);
  return view.inputs.size() == 1 && !all.empty() ? Json(all.front()) : all;
}

std::vector<std::pair<std::string, size_t>> countOps(const ProgramGraph& graph) {
  std::map<std::string, size_t> counts;
  for (const ProgramOp& op : graph.ops) ++counts[opKind(graph, op)];
  std::vector<std::pair<std::string, size_t>> list(counts.begin(), counts.end());
  std::stable_sort(list.begin(), list.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return list;
}

Json toJson(const NetworkView& view, const Memory& memory) {
  Json inputs = Json::array(), outputs = Json::array(), ops = Json::object();
  for (int t : view.graph.inputs) inputs.push_back(tensorJson(view.graph.tensors[static_cast<size_t>(t)]));
  for (int t : view.graph.outputs) outputs.push_back(tensorJson(view.graph.tensors[static_cast<size_t>(t)]));
  for (const auto& [kind, count] : countOps(view.graph)) ops[kind] = count;
  Json json = {{"kind", view.kind},
               {"target", view.target.empty() ? Json() : Json(view.target)},
               {"precision", view.precision},
               {"inputs", inputs},
               {"outputs", outputs},
               {"preprocess", preprocessJson(view)},
               {"arena_bytes", memory.arenaBytes},
               {"peak_live_bytes", memory.peakLiveBytes},
               {"weights_bytes", view.weightsBytes},
               {"file_bytes", view.fileBytes}};
  if (memory.scratchBytes)
    json["scratch_bytes"] = *memory.scratchBytes, json["packed_bytes"] = *memory.packedBytes;
  json["ops"] = ops;
  return json;
}

void printTensors(const char* title, const NetworkView& view, const std::vector<int>& list) {
  for (int index : list) {
    const ProgramTensor& t = view.graph.tensors[static_cast<size_t>(index)];
    std::string quant = t.quant.scale.size() == 1
                            ? fmt::format(", scale {} zero point {}", t.quant.scale[0], t.quant.zeroPoint[0])
                            : "";
    fmt::print("{:<11}{} {} {}{}\n", title, t.name, rt::dtypeName(t.type.dtype), rt::toString(t.type.shape),
               quant);
  }
}

void print(const NetworkView& view, const Memory& memory, const Flags& f) {
  auto kilobytes = [](uint64_t bytes) { return fmt::format("{:.1f} KB", static_cast<double>(bytes) / 1e3); };
  fmt::print("{}: {}, {}{}\n", f.file, view.kind, view.target.empty() ? "" : "target " + view.target + ", ",
             view.precision);
  printTensors("input", view, view.graph.inputs);
  printTensors("output", view, view.graph.outputs);
  for (const InputSpec& input : view.inputs)
    if (input.preprocess) fmt::print("pictures   {}: {}\n", input.name, describe(*input.preprocess));
  fmt::print("weights    {}\n", kilobytes(view.weightsBytes));
  fmt::print("arena      {} (largest sum of live tensors {})\n", kilobytes(memory.arenaBytes),
             kilobytes(memory.peakLiveBytes));
  if (memory.scratchBytes)
    fmt::print("kernels    {} scratch, {} packed weights on this machine\n", kilobytes(*memory.scratchBytes),
               kilobytes(*memory.packedBytes));
  std::string ops;
  for (const auto& [kind, count] : countOps(view.graph))
    ops += fmt::format("{}{} {}", ops.empty() ? "" : ", ", count, kind);
  fmt::print("ops        {}: {}\n", view.graph.ops.size(), ops);
}

Status run(const Flags& f) {
  BURIN_ASSIGN(NetworkView view, viewNetwork(f.file, f.model, f.common));
  auto memory = memoryOf(view, f);
  if (!memory) return tl::unexpected(inFile(memory.error(), f.file));
  if (f.common.json)
    printJson(toJson(view, *memory));
  else
    print(view, *memory, f);
  return {};
}
} // namespace

void addInfo(App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.cli.add_subcommand(
      "info", "inputs, outputs, preprocessing, memory and ops of a program, module or model file");
  command->add_option("file", flags->file, "program, module or model file")->required();
  flags->model.add(*command);
  flags->common.add(*command, false);
  command->callback([flags, &app] { finish(app, run(*flags)); });
}

} // namespace burin::cli
