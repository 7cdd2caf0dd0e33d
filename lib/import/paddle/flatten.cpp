#include "lib/import/paddle/flatten.h"

#include <fmt/format.h>
#include <map>

namespace burin::paddle {

using paddlepb::BlockDesc;
using paddlepb::OpDesc;

namespace {
const std::string* argument(const google::protobuf::RepeatedPtrField<OpDesc::Var>& slots, const char* name) {
  for (const OpDesc::Var& slot : slots)
    if (slot.parameter() == name && slot.arguments_size()) return &slot.arguments(0);
  return nullptr;
}

int column(const OpDesc& op) {
  for (const OpDesc::Attr& attribute : op.attrs())
    if (attribute.name() == "col") return attribute.i();
  return 0;
}

OpDesc& addSlot(OpDesc& op, bool isInput, const char* slot, const std::string& name) {
  OpDesc::Var* variable = isInput ? op.add_inputs() : op.add_outputs();
  variable->set_parameter(slot);
  variable->add_arguments(name);
  return op;
}

// The operators of block 0 with conditional blocks laid out in their places.
class Expander {
public:
  Expander(const Program& program, std::deque<OpDesc>& written, int64_t maxNodes)
      : program_(program), written_(written), left_(maxNodes),
        defined_(program.parameters.begin(), program.parameters.end()) {}

  Result<std::vector<const OpDesc*>> run() {
    BURIN_CHECK(addBlock(program_.desc.blocks(0), 0));
    return std::move(ops_);
  }

private:
  static constexpr int kMaxDepth = 32;

  Status addBlock(const BlockDesc& block, int depth) {
    for (const OpDesc& op : block.ops()) {
      if (--left_ < 0 || depth > kMaxDepth)
        return fail(ErrorCode::Unsupported, "laying out its conditional blocks gives too many operators",
                    "export the model without the branches");
      if (op.type() == "conditional_block") {
        BURIN_CHECK(addConditional(op, depth));
        continue;
      }
      add(op);
    }
    return {};
  }

  void add(const OpDesc& op) {
    ops_.push_back(&op);
    for (const OpDesc::Var& slot : op.outputs())
      defined_.insert(slot.arguments().begin(), slot.arguments().end());
  }

  OpDesc& write(const char* type) {
    written_.emplace_back().set_type(type);
    return written_.back();
  }

  // Variables that had a value keep it where the condition does not hold.
  Status addConditional(const OpDesc& op, int depth) {
    const std::string* condition = argument(op.inputs(), "Cond");
    int block = 0;
    for (const OpDesc::Attr& attribute : op.attrs())
      if (attribute.name() == "sub_block") block = attribute.block_idx();
    if (!condition || block < 1 || block >= program_.desc.blocks_size())
      return fail(ErrorCode::Input, "a conditional block has no condition or no body",
                  "the program is damaged");
    std::vector<std::string> kept;
    for (const OpDesc::Var& slot : op.outputs())
      for (const std::string& name : slot.arguments())
        if (slot.parameter() == "Out" && defined_.contains(name)) kept.push_back(name);
    auto before = [](const std::string& name) { return name + "/before"; };
    for (const std::string& name : kept)
      add(addSlot(addSlot(write("assign"), true, "X", name), false, "Out", before(name)));
    BURIN_CHECK(addBlock(program_.desc.blocks(block), depth + 1));
    for (const std::string& name : kept) {
      OpDesc& merge = addSlot(write("where"), true, "Condition", *condition);
      addSlot(addSlot(merge, true, "X", name), true, "Y", before(name));
      add(addSlot(merge, false, "Out", name));
    }
    return {};
  }

  const Program& program_;
  std::deque<OpDesc>& written_;
  int64_t left_;
  std::unordered_set<std::string> defined_;
  std::vector<const OpDesc*> ops_;
};

class Flattener {
public:
  explicit Flattener(const Program& program) : program_(program) {}

  Result<FlatProgram> run(int64_t maxNodes) {
    BURIN_ASSIGN(auto ops,
                 Expander(program_, flat_.written, maxNodes + program_.desc.blocks(0).ops_size()).run());
    for (const std::string& name : program_.parameters) current_[name] = name;
    for (const OpDesc* op : ops) {
      if (op->type() == "feed") BURIN_CHECK(addInput(*op));
      for (const OpDesc::Var& slot : op->outputs())
        for (const std::string& name : slot.arguments()) ++writesLeft_[name];
    }
    for (const OpDesc* op : ops)
      if (op->type() != "feed" && op->type() != "fetch") addNode(*op);
    // What is fetched is the value at the end.
    for (const OpDesc* op : ops)
      if (const std::string* name = argument(op->inputs(), "X"); name && op->type() == "fetch")
        outputs_.emplace(column(*op), valueOf(*name));
    for (auto& [position, input] : inputs_) flat_.graph.inputs.push_back(std::move(input));
    for (auto& [position, output] : outputs_) flat_.graph.outputs.push_back(output);
    return std::move(flat_);
  }

private:
  std::string valueOf(const std::string& name) const {
    auto it = current_.find(name);
    return it == current_.end() ? name : it->second;
  }

  Status addInput(const OpDesc& op) {
    const std::string* name = argument(op.outputs(), "Out");
    if (!name) return fail(ErrorCode::Input, "a feed operator feeds nothing", "the program is damaged");
    DeclaredInput input{*name, rt::DType::F32, {}};
    if (const auto* tensor = program_.tensor(*name)) {
      auto dtype = elementType(tensor->data_type());
      if (!dtype) return fail(atOp(dtype.error(), "input '" + *name + "'"));
      input.dtype = *dtype;
      input.dims.emplace();
      for (int64_t d : tensor->dims()) input.dims->push_back({d, {}});
    }
    if (!current_.emplace(*name, *name).second)
      return fail(
          Error{ErrorCode::Input, {}, "input '" + *name + "'", "is fed twice", "the program is damaged"});
    inputs_.emplace(column(op), std::move(input));
    return {};
  }

  // The last value of a variable has its name; an earlier one, and one that replaces an input or a parameter,
  // is numbered. A batch norm's running statistics, which it writes back, are left out.
  std::string newValue(const OpDesc& op, const std::string& name) {
    int left = --writesLeft_[name];
    if (program_.parameters.contains(name) && op.type().find("batch_norm") != std::string::npos) return {};
    bool taken = program_.parameters.contains(name) || isInput(name);
    return current_[name] = left == 0 && !taken ? name : fmt::format("{}@{}", name, ++versions_[name]);
  }
  bool isInput(const std::string& name) const {
    for (const auto& [position, input] : inputs_)
      if (input.name == name) return true;
    return false;
  }

  void addNode(const OpDesc& op) {
    FlatNode node;
    node.type = op.type();
    for (const OpDesc::Var& slot : op.inputs())
      for (const std::string& name : slot.arguments()) node.inputs.push_back(valueOf(name));
    for (const OpDesc::Var& slot : op.outputs())
      for (const std::string& name : slot.arguments()) node.outputs.push_back(newValue(op, name));
    for (const std::string& output : node.outputs)
      if (node.name.empty()) node.name = output;
    flat_.graph.nodes.push_back(std::move(node));
    flat_.descs.push_back(&op);
  }

  const Program& program_;
  FlatProgram flat_;
  std::multimap<int, DeclaredInput> inputs_;
  std::multimap<int, std::string> outputs_;
  std::unordered_map<std::string, std::string> current_; // variable -> the tensor it holds now
  std::unordered_map<std::string, int> writesLeft_, versions_;
};
} // namespace

Result<FlatProgram> flatten(const Program& program, int64_t maxNodes) {
  return Flattener(program).run(maxNodes);
}

} // namespace burin::paddle
