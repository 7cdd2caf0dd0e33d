#include "cli/network_view.h"

#include "lib/compile/compile.h"

#include <filesystem>
#include <fmt/format.h>
#include <numeric>

namespace burin::cli {

namespace fs = std::filesystem;

namespace {
// The memory order that gives these strides, and the padded distance along the second innermost axis.
void readLayout(const rt::Tensor& t, ProgramTensor& out) {
  if (rt::isRowMajor(t)) return;
  const int rank = t.type.shape.rank;
  out.order.resize(static_cast<size_t>(rank));
  std::iota(out.order.begin(), out.order.end(), uint8_t(0));
  std::stable_sort(out.order.begin(), out.order.end(),
                   [&](uint8_t a, uint8_t b) { return t.stride[a] > t.stride[b]; });
  if (rank < 2) return;
  int64_t distance = t.stride[out.order[static_cast<size_t>(rank) - 2]];
  if (distance > t.type.shape[out.order.back()]) out.innerStride = distance;
}

ProgramGraph describeGraph(const rt::Graph& graph) {
  ProgramGraph out;
  out.name = graph.name;
  for (size_t i = 0; i < graph.tensors.size(); ++i) {
    const rt::Tensor& t = graph.tensors[i];
    ProgramTensor tensor;
    tensor.name = t.name;
    tensor.type = t.type;
    tensor.quant = t.quant;
    tensor.constant = t.constant;
    tensor.offset = graph.arenaOffset[i];
    readLayout(t, tensor);
    out.tensors.push_back(std::move(tensor));
  }
  auto index = [&](const rt::Tensor* t) { return t ? static_cast<int>(t - graph.tensors.data()) : -1; };
  for (const rt::Node& node : graph.nodes) {
    ProgramOp op{node.type, node.name, {}, {}, node.attrs};
    for (const rt::Tensor* t : node.inputs) op.inputs.push_back(index(t));
    for (const rt::Tensor* t : node.outputs) op.outputs.push_back(index(t));
    out.ops.push_back(std::move(op));
  }
  out.inputs = graph.inputs;
  out.outputs = graph.outputs;
  out.preprocess = graph.preprocess;
  out.arenaBytes = graph.arenaBytes;
  return out;
}

Result<NetworkView> viewProgram(const std::string& path) {
  NetworkView view;
  BURIN_ASSIGN(view.executable, Executable::open(path));
  const rt::Program& program = view.executable->program();
  view.kind = "program";
  view.tool = program.tool, view.target = program.target, view.precision = program.precision,
  view.source = program.source;
  view.graph = describeGraph(view.executable->graph());
  view.inputs = view.executable->inputs();
  view.weightsBytes = program.weightsBytes();
  view.fileBytes = view.executable->fileBytes();
  return view;
}

// Of a model that is a folder, all its files.
uint64_t sizeOf(const std::string& path) {
  std::error_code ignored; // what cannot be asked counts nothing
  if (!fs::is_directory(path, ignored)) return fs::file_size(path, ignored);
  uint64_t bytes = 0;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path, ignored))
    if (entry.is_regular_file(ignored)) bytes += entry.file_size(ignored);
  return bytes;
}
} // namespace

Result<NetworkView> viewNetwork(const std::string& path, const ModelFlags& flags, const CommonFlags& common) {
  if (Executable::isProgramFile(path)) {
    if (anyModelFlag(flags))
      return fail(Error{ErrorCode::Usage,
                        path,
                        {},
                        "a program's shapes and preprocessing are fixed",
                        "leave the model and preprocessing flags out"});
    return viewProgram(path);
  }
  BURIN_ASSIGN(nn::Module module, loadWithWarnings(path, flags, common));
  NetworkView view;
  view.kind = "module";
  view.precision = "f32";
  auto graph = compile::lower(*module.op);
  if (!graph) return tl::unexpected(inFile(graph.error(), path));
  view.graph = std::move(*graph);
  BURIN_ASSIGN(view.inputs, inputSpecs(module.graph()));
  for (const ProgramTensor& t : view.graph.tensors)
    if (t.constant) view.weightsBytes += static_cast<uint64_t>(t.bytes());
  view.fileBytes = sizeOf(path);
  return view;
}

std::string opKind(const ProgramGraph& graph, const ProgramOp& op) {
  std::string kind = op.type.substr(op.type.find('.') + 1);
  const std::string& function = op.attrs.text("fn");
  if (kind == "conv" || kind == "conv_transpose") {
    int rank = op.inputs.empty() || op.inputs[0] < 0
                   ? 0
                   : graph.tensors[static_cast<size_t>(op.inputs[0])].type.shape.rank;
    return rank > 2 ? fmt::format("{}{}d", kind, rank - 2) : kind;
  }
  if (function.empty()) return kind;
  if (kind == "unary" || kind == "binary") return function;
  if (kind == "reduce") return "reduce_" + function;
  if (kind == "arg_reduce") return "arg_" + function;
  return kind;
}

std::string layoutText(const ProgramTensor& t) {
  static const std::map<std::vector<uint8_t>, const char*> known = {
      {{0, 2, 1}, "nlc"}, {{0, 2, 3, 1}, "nhwc"}, {{0, 2, 3, 4, 1}, "ndhwc"}};
  if (t.order.empty() && !t.innerStride) return {};
  std::string text;
  if (auto it = known.find(t.order); it != known.end())
    text = it->second;
  else
    text = fmt::format("order {}", fmt::join(t.order, " "));
  return t.innerStride ? fmt::format("{} every {}", text, t.innerStride) : text;
}

namespace {
Array arrayOf(const NetworkView& view, size_t index) {
  if (view.executable) return storedArray(view.executable->graph().tensors[index]);
  const ProgramTensor& t = view.graph.tensors[index];
  rt::Tensor stored;
  stored.type = t.type;
  rt::computeStrides(t.type.shape, t.order.empty() ? nullptr : t.order.data(), t.innerStride, stored.stride);
  stored.data = const_cast<char*>(t.data->data());
  return storedArray(stored);
}
} // namespace

Result<std::vector<NamedArray>> constantArrays(const NetworkView& view) {
  std::vector<NamedArray> arrays;
  std::set<std::string> names;
  for (size_t i = 0; i < view.graph.tensors.size(); ++i) {
    const ProgramTensor& t = view.graph.tensors[i];
    if (!t.constant) continue;
    std::string name = t.name.empty() ? fmt::format("constant_{}", i) : t.name;
    if (!names.insert(name).second) names.insert(name = fmt::format("{}_{}", name, i));
    arrays.push_back({name, arrayOf(view, i)});
    if (t.quant.empty()) continue;
    Dims shape = {static_cast<int64_t>(t.quant.scale.size())};
    arrays.push_back({name + ":scale", Array::of<float>(ElementType::F32, shape, t.quant.scale)});
    arrays.push_back({name + ":zero_point", Array::of<int32_t>(ElementType::I32, shape, t.quant.zeroPoint)});
  }
  return arrays;
}

} // namespace burin::cli
