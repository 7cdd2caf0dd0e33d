// Test support: Caffe networks written as text and blobs, imported, and looked at.
#pragma once

#include "lib/import/caffe/importer.h"
#include "lib/import/test_support.h"
#include "schema/caffe.pb.h"

namespace burin::caffe::test {

using namespace burin::test;

// A .prototxt and the .caffemodel beside it.
struct Files {
  std::string text;
  caffepb::NetParameter weights;

  // The next blob of a layer.
  Files& blob(const std::string& layer, const std::vector<int64_t>& dims, const std::vector<float>& values) {
    caffepb::LayerParameter* at = nullptr;
    for (caffepb::LayerParameter& known : *weights.mutable_layer())
      if (known.name() == layer) at = &known;
    if (!at) (at = weights.add_layer())->set_name(layer);
    caffepb::BlobProto* proto = at->add_blobs();
    for (int64_t dim : dims) proto->mutable_shape()->add_dim(dim);
    for (float value : values) proto->add_data(value);
    return *this;
  }

  Imported import(const ImportOptions& options = {}) const {
    auto context = std::make_unique<mlir::MLIRContext>();
    nn::loadDialects(*context);
    std::string bytes = weights.SerializeAsString();
    Result<std::span<const char>> stored = std::span<const char>(bytes);
    if (bytes.empty()) stored = fail(ErrorCode::Input, "its weights file was not found beside it");
    auto result = importCaffeBytes({text.data(), text.size()}, stored, options, *context);
    return {std::move(context), std::move(result)};
  }
};

inline std::string inputLayer(const std::string& top, const std::vector<int64_t>& dims) {
  std::string text =
      "layer { name: \"" + top + "\" type: \"Input\" top: \"" + top + "\" input_param { shape {";
  for (int64_t dim : dims) text += " dim: " + std::to_string(dim);
  return text + " } } }\n";
}

// One layer "node" of a type with these fields; x, then `others`, are its bottoms, y its top.
struct Case {
  std::string type, fields;
  Files files = {};
  std::vector<std::pair<std::vector<int64_t>, std::vector<float>>> others = {};
  std::vector<std::string> tops = {"y"};

  Case& blob(const std::vector<int64_t>& dims, const std::vector<float>& values) {
    files.blob("node", dims, values);
    return *this;
  }
  Case& other(const std::vector<int64_t>& dims, const std::vector<float>& values) {
    others.emplace_back(dims, values);
    return *this;
  }
  // With x = these values (0, 1, 2, ... without any), everything folded.
  Imported run(const std::vector<int64_t>& dims, std::vector<float> values = {}) {
    size_t n = 1;
    for (int64_t dim : dims) n *= static_cast<size_t>(dim);
    ImportOptions options;
    options.boundInputs["x"] = boundFloats(dims, values.empty() ? counting(n) : values);
    for (size_t i = 0; i < others.size(); ++i)
      options.boundInputs["x" + std::to_string(i)] = boundFloats(others[i].first, others[i].second);
    return write(dims).import(options);
  }
  // With x as a run-time input.
  Imported graph(const std::vector<int64_t>& dims) { return write(dims).import(); }

private:
  const Files& write(const std::vector<int64_t>& dims) {
    files.text = inputLayer("x", dims);
    for (size_t i = 0; i < others.size(); ++i)
      files.text += inputLayer("x" + std::to_string(i), others[i].first);
    files.text += "layer { name: \"node\" type: \"" + type + "\" bottom: \"x\"";
    for (size_t i = 0; i < others.size(); ++i) files.text += " bottom: \"x" + std::to_string(i) + "\"";
    for (const std::string& top : tops) files.text += " top: \"" + top + "\"";
    files.text += " " + fields + " }\n";
    return files;
  }
};

} // namespace burin::caffe::test
