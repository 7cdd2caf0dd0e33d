// Test support: TensorFlow Lite files of one operator, written with the public schema.
#pragma once

#include "lib/import/test_support.h"
#include "lib/import/tflite/importer.h"
#include "lib/import/tflite/model.h"

#include <cstring>

namespace burin::tflite::test {

using namespace burin::test;
using Shape = std::vector<int32_t>;

// A tensor of a test's file; without data it is an input or a result.
struct Tensor {
  tfl::TensorType type = tfl::TensorType::FLOAT32;
  Shape shape;
  std::vector<uint8_t> data;
  std::vector<float> scale;
  std::vector<int64_t> zeroPoint;
  int32_t axis = 0;
  bool isVariable = false;
  std::string name;

  Tensor scaled(std::vector<float> scales, std::vector<int64_t> zeros, int32_t along = 0) const {
    Tensor copy = *this;
    copy.scale = std::move(scales), copy.zeroPoint = std::move(zeros), copy.axis = along;
    return copy;
  }
  Tensor named(const std::string& text) const {
    Tensor copy = *this;
    copy.name = text;
    return copy;
  }
  Tensor variable() const {
    Tensor copy = *this;
    copy.isVariable = true;
    return copy;
  }
};

template <class T>
Tensor stored(tfl::TensorType type, const Shape& shape, const std::vector<T>& values) {
  Tensor t;
  t.type = type, t.shape = shape;
  t.data.resize(values.size() * sizeof(T));
  if (!values.empty()) std::memcpy(t.data.data(), values.data(), t.data.size());
  return t;
}
inline Tensor f32(const Shape& shape, const std::vector<float>& values) {
  return stored(tfl::TensorType::FLOAT32, shape, values);
}
inline Tensor i32(const Shape& shape, const std::vector<int32_t>& values) {
  return stored(tfl::TensorType::INT32, shape, values);
}
inline Tensor ints(const std::vector<int32_t>& values) {
  return i32({static_cast<int32_t>(values.size())}, values);
}
inline Tensor u8(const Shape& shape, const std::vector<uint8_t>& values) {
  return stored(tfl::TensorType::UINT8, shape, values);
}
inline Tensor i8(const Shape& shape, const std::vector<int8_t>& values) {
  return stored(tfl::TensorType::INT8, shape, values);
}
inline Tensor bools(const Shape& shape, const std::vector<uint8_t>& values) {
  return stored(tfl::TensorType::BOOL, shape, values);
}
// Without data.
inline Tensor of(tfl::TensorType type, const Shape& shape = {}) {
  Tensor t;
  t.type = type, t.shape = shape;
  return t;
}
inline Tensor floats(const Shape& shape = {}) { return of(tfl::TensorType::FLOAT32, shape); }

// A file being written. Tensors are added as they are used.
class File {
public:
  File() {
    model_.version = 3;
    model_.subgraphs.push_back(std::make_unique<tfl::SubGraphT>());
    model_.buffers.push_back(std::make_unique<tfl::BufferT>());
  }

  int32_t add(const Tensor& t) {
    auto made = std::make_unique<tfl::TensorT>();
    made->type = t.type, made->shape = t.shape, made->is_variable = t.isVariable;
    const int32_t index = static_cast<int32_t>(graph().tensors.size());
    made->name = t.name.empty() ? "t" + std::to_string(index) : t.name;
    if (!t.scale.empty()) {
      made->quantization = std::make_unique<tfl::QuantizationT>();
      made->quantization->scale = t.scale, made->quantization->zero_point = t.zeroPoint;
      made->quantization->quantized_dimension = t.axis;
    }
    if (!t.data.empty()) {
      made->buffer = static_cast<uint32_t>(model_.buffers.size());
      model_.buffers.push_back(std::make_unique<tfl::BufferT>());
      model_.buffers.back()->data = t.data;
    }
    graph().tensors.push_back(std::move(made));
    return index;
  }

  template <class Options>
  void op(int32_t code, const std::vector<int32_t>& inputs, const std::vector<int32_t>& outputs,
          const Options& options) {
    op(code, inputs, outputs);
    graph().operators.back()->options.Set(Options(options));
  }
  void op(int32_t code, const std::vector<int32_t>& inputs, const std::vector<int32_t>& outputs) {
    auto opcode = std::make_unique<tfl::OperatorCodeT>();
    opcode->deprecated_builtin_code = static_cast<int8_t>(std::min(code, 127));
    opcode->builtin_code = code;
    auto made = std::make_unique<tfl::OperatorT>();
    made->opcode_index = static_cast<uint32_t>(model_.operator_codes.size());
    made->inputs = inputs, made->outputs = outputs;
    model_.operator_codes.push_back(std::move(opcode));
    graph().operators.push_back(std::move(made));
  }
  void custom(const std::string& name, const std::vector<uint8_t>& options,
              const std::vector<int32_t>& inputs, const std::vector<int32_t>& outputs) {
    op(32, inputs, outputs);
    model_.operator_codes.back()->custom_code = name;
    graph().operators.back()->custom_options = options;
  }

  tfl::SubGraphT& graph() { return *model_.subgraphs[0]; }
  tfl::ModelT& model() { return model_; }

  std::vector<char> bytes() const {
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(tfl::Model::Pack(builder, &model_), "TFL3");
    return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
  }

private:
  tfl::ModelT model_;
};

inline Imported importBytes(const std::vector<char>& bytes, const ImportOptions& options = {}) {
  Imported m{std::make_unique<mlir::MLIRContext>(), tl::unexpected(Error())};
  nn::loadDialects(*m.context);
  m.result = importTfliteBytes(bytes, nullptr, options, *m.context);
  return m;
}

// Everything is known, so that the results are constants.
inline ImportOptions folding() {
  ImportOptions options;
  options.keepQuantization = false;
  return options;
}

// One operator on stored tensors; `results` tell types and scales.
template <class... Options>
Imported evaluate(int32_t code, const std::vector<Tensor>& inputs, const std::vector<Tensor>& results,
                  const Options&... options) {
  File file;
  std::vector<int32_t> in, out;
  for (const Tensor& t : inputs) in.push_back(file.add(t));
  for (const Tensor& t : results) out.push_back(file.add(t));
  file.op(code, in, out, options...);
  file.graph().outputs = out;
  return importBytes(file.bytes(), folding());
}

// Integer and boolean results as numbers.
inline void expectInts(const Imported& m, const std::vector<int64_t>& expected, unsigned output = 0) {
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.ints(output), expected);
}

} // namespace burin::tflite::test
