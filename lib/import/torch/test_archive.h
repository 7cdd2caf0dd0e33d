// Test support: small TorchScript archives written in code, imported, and looked at.
#pragma once

#include "lib/data/zip.h"
#include "lib/import/test_support.h"
#include "lib/import/torch/importer.h"

#include <map>

namespace burin::torch::test {

// Writes the opcodes of a pickle.
struct Pickler {
  std::string bytes = "\x80\x02";

  Pickler& raw(const std::string& code) { return bytes += code, *this; }
  Pickler& text(const std::string& s) { return raw("X").number(s.size(), 4).raw(s); }
  Pickler& integer(int64_t v) { return raw("J").number(static_cast<uint64_t>(v), 4); }
  Pickler& global(const std::string& module, const std::string& name) {
    return raw("c" + module + "\n" + name + "\n");
  }
  Pickler& number(uint64_t v, size_t count) {
    for (size_t i = 0; i < count; ++i) bytes += static_cast<char>(v >> (8 * i));
    return *this;
  }
  Pickler& tuple(const std::vector<int64_t>& values) {
    raw("(");
    for (int64_t v : values) integer(v);
    return raw("t");
  }
  // A tensor over the record data/<key>.
  Pickler& tensor(const std::string& key, const std::vector<int64_t>& dims,
                  const std::vector<int64_t>& strides, int64_t offset = 0,
                  const std::string& storage = "FloatStorage") {
    global("torch._utils", "_rebuild_tensor_v2").raw("((").text("storage").global("torch", storage);
    text(key).text("cpu").integer(1).raw("tQ").integer(offset);
    tuple(dims).tuple(strides);
    return raw("\x89").global("collections", "OrderedDict").raw(")RtR");
  }
};

inline std::vector<int64_t> rowMajor(const std::vector<int64_t>& dims) {
  std::vector<int64_t> strides(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return strides;
}

// An archive under construction: a class Net whose attributes are tensors, and source text.
class Model {
public:
  Model& code(const std::string& text) { return sources_["__torch__.py"] += text, *this; }
  Model& source(const std::string& file, const std::string& text) { return sources_[file] = text, *this; }
  // forward(self, x: Tensor) with these lines.
  Model& forward(const std::vector<std::string>& lines, const std::string& parameters = "x: Tensor") {
    std::string text =
        "class Net(Module):\n  def forward(self: __torch__.Net,\n    " + parameters + ") -> Tensor:\n";
    for (const std::string& line : lines) text += "    " + line + "\n";
    return code(text);
  }
  Model& weight(const std::string& name, const std::vector<int64_t>& dims, const std::vector<float>& values) {
    attributes_.text(name).tensor(std::to_string(records_), dims, rowMajor(dims));
    return record("data/" + std::to_string(records_),
                  std::string(reinterpret_cast<const char*>(values.data()), values.size() * 4));
  }
  Model& attribute(const std::string& name, const Pickler& value) {
    attributes_.text(name).raw(value.bytes.substr(2));
    return *this;
  }
  Model& record(const std::string& name, const std::string& bytes) {
    others_[name] = bytes, ++records_;
    return *this;
  }
  Model& pickle(const std::string& bytes) { return pickle_ = bytes, *this; }

  std::string bytes(bool compress = false) const {
    ZipWriter zip(compress);
    auto add = [&](const std::string& name, const std::string& content) {
      zip.add("net/" + name, {reinterpret_cast<const uint8_t*>(content.data()), content.size()});
    };
    Pickler root;
    root.global("__torch__", "Net").raw(")\x81}(").raw(attributes_.bytes.substr(2)).raw("ub.");
    add("data.pkl", pickle_.empty() ? root.bytes : pickle_);
    for (const auto& [name, content] : sources_) add("code/" + name, content);
    for (const auto& [name, content] : others_) add(name, content);
    auto archive = zip.finish();
    return std::string(archive->begin(), archive->end());
  }

private:
  std::map<std::string, std::string> sources_, others_;
  Pickler attributes_;
  std::string pickle_;
  int records_ = 0;
};

using burin::test::Imported;

inline std::vector<std::string> outputNames(const Imported& model) {
  std::vector<std::string> names;
  for (mlir::Attribute name : model.outputOp()->getAttrOfType<mlir::ArrayAttr>("names"))
    names.push_back(mlir::cast<mlir::StringAttr>(name).str());
  return names;
}
// "mnemonic name" of every op in order, constants and structure left out.
inline std::vector<std::string> namedOps(const Imported& model) {
  std::vector<std::string> list;
  model.module().walk([&](mlir::Operation* op) {
    if (mlir::isa<mlir::ModuleOp, nn::GraphOp, nn::OutputOp, nn::InputOp, nn::ConstantOp, nn::NoneOp>(op))
      return;
    list.push_back(op->getName().stripDialect().str() + " " + nn::valueName(op->getResult(0)));
  });
  return list;
}

inline Imported import(const std::string& bytes, const ImportOptions& options = {}) {
  auto context = std::make_unique<mlir::MLIRContext>();
  nn::loadDialects(*context);
  auto result = importTorchBytes({bytes.data(), bytes.size()}, options, *context);
  return {std::move(context), std::move(result)};
}

// forward with x = 0, 1, 2, ... (or these values) in this shape, everything folded.
inline Imported fold(const std::vector<std::string>& lines, const std::vector<int64_t>& dims,
                     const std::vector<float>& values = {}) {
  ImportOptions options;
  options.keepQuantization = false;
  size_t count = 1;
  for (int64_t d : dims) count *= static_cast<size_t>(d);
  options.boundInputs["x"] =
      burin::test::boundFloats(dims, values.empty() ? burin::test::counting(count) : values);
  return import(Model().forward(lines).bytes(), options);
}

// The same with x as a run-time input.
inline Imported graph(const Model& model, const std::vector<int64_t>& dims, ImportOptions options = {}) {
  options.inputShapes["x"] = dims;
  return import(model.bytes(), options);
}

} // namespace burin::torch::test
