#include "lib/compile/compile.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"

using namespace mlir;

namespace burin::compile {

namespace {
class Lowering {
public:
  Result<ProgramGraph> run(nn::GraphOp graph) {
    for (Operation& op : graph.getBody().front()) {
      if (isa<nn::ConstantOp, nn::NoneOp>(op)) continue; // made on first use
      if (auto input = dyn_cast<nn::InputOp>(op)) {
        BURIN_ASSIGN(int t, tensorFor(input.getY()));
        graph_.inputs.push_back(t);
        graph_.preprocess.push_back(preprocessJson(input));
      } else if (auto output = dyn_cast<nn::OutputOp>(op)) {
        BURIN_CHECK(lowerOutputs(output));
      } else {
        BURIN_CHECK(lowerOp(op));
      }
    }
    return std::move(graph_);
  }

private:
  static std::string preprocessJson(nn::InputOp input) {
    auto json = input->getAttrOfType<DictionaryAttr>("preprocess");
    auto text = json ? dyn_cast_or_null<StringAttr>(json.get("json")) : StringAttr();
    return text ? text.getValue().str() : std::string();
  }

  // A name for a tensor the compiler made: the op's source name with its kind.
  std::string nameFor(Value value) {
    if (std::string name = nn::valueName(value); !name.empty()) return name;
    Operation* op = value.getDefiningOp();
    if (isa<nn::ConstantOp>(op)) return {};
    std::string base = nn::nodeName(op) + "/" + op->getName().stripDialect().str();
    int& uses = madeNames_[base];
    return uses++ ? base + "_" + std::to_string(uses) : base;
  }

  Result<int> tensorFor(Value value) {
    if (isa<NoneType>(value.getType())) return -1;
    if (auto it = index_.find(value); it != index_.end()) return it->second;
    ProgramTensor t;
    t.name = nameFor(value);
    if (!nn::tensorType(value.getType(), t.type))
      return fail(Error{ErrorCode::Internal, {}, t.name, "tensor type cannot be stored in a program", {}});
    setQuant(cast<RankedTensorType>(value.getType()).getElementType(), t.quant);
    if (nn::isConstant(value)) {
      ArrayRef<char> bytes = nn::constantBytes(value);
      t.constant = true;
      t.data = std::make_shared<const std::vector<char>>(bytes.begin(), bytes.end());
    }
    int index = static_cast<int>(graph_.tensors.size());
    graph_.tensors.push_back(std::move(t));
    return index_[value] = index;
  }

  static void setQuant(Type element, rt::Quant& quant) {
    if (auto perAxis = dyn_cast<quant::UniformQuantizedPerAxisType>(element)) {
      quant.axis = perAxis.getQuantizedDimension();
      for (double s : perAxis.getScales()) quant.scale.push_back(static_cast<float>(s));
      for (int64_t z : perAxis.getZeroPoints()) quant.zeroPoint.push_back(static_cast<int32_t>(z));
      return;
    }
    auto uniform = dyn_cast<quant::UniformQuantizedType>(element);
    if (!uniform) return;
    quant.scale = {static_cast<float>(uniform.getScale())};
    quant.zeroPoint = {static_cast<int32_t>(uniform.getZeroPoint())};
  }

  // Weight scales are attributes of the op (per-axis types would print every scale in every type).
  void takeWeightQuant(rt::Attrs& attrs, const std::vector<int>& inputs) {
    const rt::Attr* scale = attrs.find("w_scale");
    if (!scale || inputs.size() < 2 || inputs[1] < 0) return;
    // Scales along no one axis (grouped transposed convolutions) cannot be a tensor's: the multiplier says
    // it.
    if (scale->floats.size() == 1 || attrs.find("w_axis")) {
      rt::Quant& quant = graph_.tensors[inputs[1]].quant;
      quant.scale = scale->floats;
      quant.axis = quant.scale.size() > 1 ? static_cast<int>(attrs.integer("w_axis")) : -1;
      quant.zeroPoint.assign(quant.scale.size(), 0);
      const auto& zeroPoints = attrs.ints("w_zero_point");
      for (size_t i = 0; i < zeroPoints.size() && i < quant.zeroPoint.size(); ++i)
        quant.zeroPoint[i] = static_cast<int32_t>(zeroPoints[i]);
    }
    std::erase_if(attrs.list, [](const rt::Attr& a) {
      return a.name == "w_scale" || a.name == "w_zero_point" || a.name == "w_axis";
    });
  }

  // Integers that a source model makes itself: whoever reads them as an output learns what they stand for.
  void takeOwnQuant(Operation& op, int result) {
    if (!isa<nn::QuantizeOp>(op)) return;
    std::vector<float> scale = nn::constantFloats(op.getOperand(1));
    std::vector<int64_t> zeroPoint = nn::constantInts(op.getOperand(2));
    if (scale.size() == 1 && zeroPoint.size() == 1 && scale[0] > 0)
      graph_.tensors[result].quant = {scale, {static_cast<int32_t>(zeroPoint[0])}};
  }

  Status lowerOp(Operation& op) {
    ProgramOp record;
    record.type = op.getName().getStringRef().str();
    record.name = nn::nodeName(&op);
    record.attrs = nn::programAttrs(op.getAttrDictionary());
    for (Value operand : op.getOperands()) {
      BURIN_ASSIGN(int t, tensorFor(operand));
      record.inputs.push_back(t);
    }
    for (Value result : op.getResults()) {
      BURIN_ASSIGN(int t, tensorFor(result));
      record.outputs.push_back(t);
    }
    takeWeightQuant(record.attrs, record.inputs);
    if (!record.outputs.empty()) takeOwnQuant(op, record.outputs[0]);
    graph_.ops.push_back(std::move(record));
    return {};
  }

  // Each graph output is a tensor of its own under the output's name: an input, a constant or a value that is
  // output twice is copied.
  Status lowerOutputs(nn::OutputOp output) {
    auto names = output->getAttrOfType<ArrayAttr>("names");
    for (auto [i, value] : llvm::enumerate(output.getValues())) {
      BURIN_ASSIGN(int t, tensorFor(value));
      std::string name =
          names && i < names.size() ? cast<StringAttr>(names[i]).getValue().str() : graph_.tensors[t].name;
      bool taken = llvm::is_contained(graph_.outputs, t) || llvm::is_contained(graph_.inputs, t) ||
                   graph_.tensors[t].constant;
      if (taken || graph_.tensors[t].name != name) t = copyOf(t, name);
      graph_.outputs.push_back(t);
    }
    return {};
  }

  int copyOf(int source, const std::string& name) {
    ProgramTensor t = graph_.tensors[source];
    t.name = name;
    t.constant = false;
    t.data.reset();
    ProgramOp copy;
    copy.type = "nn.reshape";
    copy.name = name;
    copy.inputs = {source};
    copy.outputs = {static_cast<int>(graph_.tensors.size())};
    copy.attrs.setInts("shape", {t.type.shape.dim, t.type.shape.dim + t.type.shape.rank});
    graph_.tensors.push_back(std::move(t));
    graph_.ops.push_back(std::move(copy));
    return static_cast<int>(graph_.tensors.size()) - 1;
  }

  ProgramGraph graph_;
  DenseMap<Value, int> index_;
  std::map<std::string, int> madeNames_;
};
} // namespace

Result<ProgramGraph> lower(ModuleOp module) {
  for (nn::GraphOp graph : module.getOps<nn::GraphOp>()) {
    BURIN_ASSIGN(ProgramGraph lowered, Lowering().run(graph));
    lowered.name = graph.getSymName().str();
    return lowered;
  }
  return fail(ErrorCode::Input, "module holds no nn.graph");
}

Result<ProgramFile> compileModule(ModuleOp module, const Options& options) {
  BURIN_ASSIGN(ProgramGraph graph, lower(module));
  if (options.precision == "f16") narrowFloats(graph, rt::DType::F16);
  if (options.precision == "bf16") narrowFloats(graph, rt::DType::BF16);
  assignLayouts(graph);
  planMemory(graph, options.keepAllTensors);
  ProgramFile file;
  file.tool = options.tool;
  file.target = options.target;
  file.precision = options.precision;
  file.source = options.source;
  file.nets.push_back(std::move(graph));
  return file;
}

} // namespace burin::compile
