// Paddle programs built in tests from the public definition of the format.
#pragma once

#include "lib/import/paddle/importer.h"
#include "lib/import/test_support.h"
#include "schema/paddle.pb.h"

#include <map>
#include <variant>

namespace burin::paddle::test {

using burin::test::append;
using burin::test::expectValues;
using burin::test::Imported;
using burin::test::tested;

using paddlepb::VarType;
using Attribute = std::variant<int, float, bool, std::string, std::vector<int>, std::vector<float>>;
using Attributes = std::map<std::string, Attribute>;

struct Tensor {
  std::vector<int64_t> dims;
  std::vector<double> values;
  int type = VarType::FP32;
};
using Slots = std::vector<std::pair<std::string, std::vector<Tensor>>>;

inline Tensor ints(const std::vector<int64_t>& dims, const std::vector<double>& values,
                   int type = VarType::INT64) {
  return {dims, values, type};
}
inline Tensor counting(const std::vector<int64_t>& dims) {
  Tensor tensor{dims, {}};
  size_t n = 1;
  for (int64_t d : dims) n *= static_cast<size_t>(d);
  for (size_t i = 0; i < n; ++i) tensor.values.push_back(static_cast<double>(i));
  return tensor;
}

inline std::string stored(const Tensor& tensor) {
  std::string bytes;
  VarType::TensorDesc desc;
  desc.set_data_type(tensor.type);
  for (int64_t d : tensor.dims) desc.add_dims(d);
  append<uint32_t>(bytes, 0), append<uint64_t>(bytes, 0), append<uint32_t>(bytes, 0);
  append<int32_t>(bytes, static_cast<int32_t>(desc.ByteSizeLong()));
  bytes += desc.SerializeAsString();
  for (double v : tensor.values) switch (tensor.type) {
    case VarType::INT64:
      append(bytes, static_cast<int64_t>(v));
      break;
    case VarType::INT32:
      append(bytes, static_cast<int32_t>(v));
      break;
    case VarType::INT8:
    case VarType::BOOL:
      append(bytes, static_cast<int8_t>(v));
      break;
    case VarType::FP64:
      append(bytes, v);
      break;
    default:
      append(bytes, static_cast<float>(v));
    }
  return bytes;
}

// A program under construction: one block (further ones with `block`), parameters, feeds and fetches.
class Model {
public:
  Model() { addBlock(-1); }

  int addBlock(int parent) {
    auto* block = proto.add_blocks();
    block->set_idx(proto.blocks_size() - 1);
    block->set_parent_idx(parent);
    return block->idx();
  }
  Model& variable(const std::string& name, const std::vector<int64_t>& dims, int type,
                  bool persistable = false) {
    auto* v = proto.mutable_blocks(0)->add_vars();
    v->set_name(name), v->set_persistable(persistable);
    v->mutable_type()->set_type(VarType::LOD_TENSOR);
    auto* tensor = v->mutable_type()->mutable_lod_tensor()->mutable_tensor();
    tensor->set_data_type(type);
    for (int64_t d : dims) tensor->add_dims(d);
    return *this;
  }
  Model& parameter(const std::string& name, const Tensor& tensor) {
    parameters[name] = tensor;
    return variable(name, tensor.dims, tensor.type, true);
  }
  Model& feed(const std::string& name, const std::vector<int64_t>& dims, int type = VarType::FP32) {
    variable(name, dims, type);
    return op("feed", {{"X", {"feed"}}}, {{"Out", {name}}}, {{"col", feeds++}});
  }
  Model& fetch(const std::string& name) {
    return op("fetch", {{"X", {name}}}, {{"Out", {"fetch"}}}, {{"col", fetches++}});
  }
  using Names = std::vector<std::pair<std::string, std::vector<std::string>>>;
  Model& op(const std::string& type, const Names& inputs, const Names& outputs,
            const Attributes& attributes = {}, int block = 0) {
    auto* desc = proto.mutable_blocks(block)->add_ops();
    desc->set_type(type);
    tested().insert(type);
    auto fill = [](const Names& from, auto add) {
      for (const auto& [slot, names] : from) {
        auto* to = add();
        to->set_parameter(slot);
        for (const std::string& name : names) to->add_arguments(name);
      }
    };
    fill(inputs, [&] { return desc->add_inputs(); });
    fill(outputs, [&] { return desc->add_outputs(); });
    for (const auto& [name, value] : attributes) set(*desc->add_attrs(), name, value);
    return *this;
  }

  std::string stream() const {
    std::string bytes;
    for (const auto& [name, tensor] : parameters) bytes += stored(tensor);
    return bytes;
  }
  Imported import(const ImportOptions& options = {}) const {
    auto context = std::make_unique<mlir::MLIRContext>();
    nn::loadDialects(*context);
    auto result = importPaddleBytes(proto.SerializeAsString(), stream(), options, *context);
    return {std::move(context), std::move(result)};
  }

  paddlepb::ProgramDesc proto;
  std::map<std::string, Tensor> parameters;
  int feeds = 0, fetches = 0;

private:
  static void set(paddlepb::OpDesc::Attr& a, const std::string& name, const Attribute& value) {
    a.set_name(name);
    if (auto* i = std::get_if<int>(&value)) a.set_i(*i);
    if (auto* f = std::get_if<float>(&value)) a.set_f(*f);
    if (auto* b = std::get_if<bool>(&value)) a.set_b(*b);
    if (auto* s = std::get_if<std::string>(&value)) a.set_s(*s);
    if (auto* list = std::get_if<std::vector<int>>(&value)) a.mutable_ints()->Add(list->begin(), list->end());
    if (auto* list = std::get_if<std::vector<float>>(&value))
      a.mutable_floats()->Add(list->begin(), list->end());
    if (name == "sub_block") a.set_block_idx(std::get<int>(value));
  }
};

// One operator on constants, folded: the results of the slots named.
inline Imported run(const std::string& type, const Slots& inputs, const Attributes& attributes = {},
                    const std::vector<std::string>& outputs = {"Out"}) {
  Model model;
  Model::Names reads, writes;
  int count = 0;
  for (const auto& [slot, tensors] : inputs) {
    reads.push_back({slot, {}});
    for (const Tensor& tensor : tensors) {
      std::string name = "in" + std::to_string(count++);
      model.parameter(name, tensor);
      reads.back().second.push_back(name);
    }
  }
  std::map<std::string, int> seen; // a slot named twice has two results
  for (const std::string& slot : outputs) {
    std::string name = slot + std::to_string(seen[slot]);
    if (!seen[slot]++) writes.push_back({slot, {}});
    for (auto& [written, names] : writes)
      if (written == slot) names.push_back(name);
  }
  model.op(type, reads, writes, attributes);
  for (const auto& [slot, names] : writes)
    for (const std::string& name : names) model.fetch(name);
  ImportOptions options;
  options.keepQuantization = false;
  return model.import(options);
}

} // namespace burin::paddle::test
