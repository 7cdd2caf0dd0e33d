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

class Flattener {
public:
  explicit Flattener(const Program& program) : program_(program) {}

  Result<FlatProgram> run() {
    const BlockDesc& block = program_.desc.blocks(0);
    for (const std::string& name : program_.parameters) current_[name] = name;
    for (const OpDesc& op : block.ops()) {
      if (op.type() == "feed") BURIN_CHECK(addInput(op));
      for (const OpDesc::Var& slot : op.outputs())
        for (const std::string& name : slot.arguments()) ++writesLeft_[name];
    }
    for (const OpDesc& op : block.ops())
      if (op.type() != "feed" && op.type() != "fetch") addNode(op);
    // What is fetched is the value at the end.
    for (const OpDesc& op : block.ops())
      if (const std::string* name = argument(op.inputs(), "X"); name && op.type() == "fetch")
        outputs_.emplace(column(op), valueOf(*name));
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

Result<FlatProgram> flatten(const Program& program) { return Flattener(program).run(); }

} // namespace burin::paddle
