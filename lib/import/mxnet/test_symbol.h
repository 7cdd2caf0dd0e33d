// MXNet symbols and parameter files built in tests from the public definition of the formats.
#pragma once

#include "lib/import/mxnet/importer.h"
#include "lib/import/test_support.h"

#include <map>
#include <nlohmann/json.hpp>

namespace burin::mxnet::test {

using burin::test::append;
using burin::test::expectValues;
using burin::test::Imported;
using burin::test::tested;
using Json = nlohmann::json;
using Attributes = std::map<std::string, std::string>;

struct Tensor {
  std::vector<int64_t> dims;
  std::vector<double> values;
};
inline Tensor counting(const std::vector<int64_t>& dims) {
  Tensor tensor{dims, {}};
  size_t n = 1;
  for (int64_t d : dims) n *= static_cast<size_t>(d);
  for (size_t i = 0; i < n; ++i) tensor.values.push_back(static_cast<double>(i));
  return tensor;
}

// The layouts that arrays have had: their number of dimensions first; then with magic numbers.
enum class Layout { Legacy, V1, V2, V3 };

inline std::string parameterFile(const std::map<std::string, Tensor>& tensors, Layout layout = Layout::V2,
                                 const std::string& prefix = "arg:") {
  std::string bytes;
  append<uint64_t>(bytes, 0x112), append<uint64_t>(bytes, 0), append<uint64_t>(bytes, tensors.size());
  for (const auto& [name, tensor] : tensors) {
    if (layout != Layout::Legacy) append<uint32_t>(bytes, 0xF993FAC7 + static_cast<uint32_t>(layout));
    if (layout == Layout::V2 || layout == Layout::V3) append<int32_t>(bytes, 0); // dense
    append<uint32_t>(bytes, static_cast<uint32_t>(tensor.dims.size()));
    for (int64_t d : tensor.dims)
      if (layout == Layout::Legacy)
        append(bytes, static_cast<uint32_t>(d));
      else
        append(bytes, d);
    append<int32_t>(bytes, 1), append<int32_t>(bytes, 0); // device
    append<int32_t>(bytes, 0);                            // float32
    for (double v : tensor.values) append(bytes, static_cast<float>(v));
  }
  append<uint64_t>(bytes, tensors.size());
  for (const auto& [name, tensor] : tensors) {
    append<uint64_t>(bytes, prefix.size() + name.size());
    bytes += prefix + name;
  }
  return bytes;
}

// A symbol under construction. `key` is where attributes stand, which changed over the releases.
class Model {
public:
  std::string key = "attrs";
  std::map<std::string, Tensor> tensors;
  Json nodes = Json::array(), heads = Json::array();

  int variable(const std::string& name) { return add("null", name, {}, {}); }
  int constant(const std::string& name, const Tensor& tensor) {
    tensors[name] = tensor;
    return variable(name);
  }
  int op(const std::string& type, const std::string& name, const std::vector<int>& inputs,
         const Attributes& attributes = {}) {
    tested().insert(type);
    return add(type, name, inputs, attributes);
  }
  Model& head(int node, int output = 0) {
    heads.push_back({node, output, 0});
    return *this;
  }
  std::string json() const {
    return Json{{"nodes", nodes}, {"arg_nodes", Json::array()}, {"heads", heads}}.dump();
  }
  Imported import(const ImportOptions& options = {}) const {
    auto context = std::make_unique<mlir::MLIRContext>();
    nn::loadDialects(*context);
    auto result = importMxnetBytes(json(), parameterFile(tensors), options, *context);
    return {std::move(context), std::move(result)};
  }

private:
  int add(const std::string& type, const std::string& name, const std::vector<int>& inputs,
          const Attributes& attributes) {
    Json list = Json::array();
    for (int input : inputs) list.push_back({input, 0, 0});
    nodes.push_back({{"op", type}, {"name", name}, {key, attributes}, {"inputs", list}});
    return static_cast<int>(nodes.size()) - 1;
  }
};

// One operator on constants, folded; its first `outputs` results.
inline Imported run(const std::string& type, const std::vector<Tensor>& inputs,
                    const Attributes& attributes = {}, int outputs = 1) {
  Model model;
  std::vector<int> reads;
  for (size_t i = 0; i < inputs.size(); ++i)
    reads.push_back(model.constant("in" + std::to_string(i), inputs[i]));
  int node = model.op(type, "node", reads, attributes);
  for (int i = 0; i < outputs; ++i) model.head(node, i);
  return model.import();
}

} // namespace burin::mxnet::test
