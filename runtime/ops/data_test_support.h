// Runs one op on every instruction set, in many memory layouts and with several thread counts, and asserts
// that all give the same bits. Tests then compare the one result with a naive computation of their own.
#pragma once

#include "runtime/core/isa.h"
#include "runtime/core/op.h"
#include "runtime/ops/test_array.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace burin::rt::data_test {

enum class Layout { RowMajor, ChannelsLast, PaddedChannelsLast, Any };

// Element i of an array of integers.
inline void store(Array& array, int64_t i, int64_t value) {
  std::memcpy(&array.bytes[static_cast<size_t>(i) * dtypeBytes(array.type.dtype)], &value,
              dtypeBytes(array.type.dtype));
}

struct OpCase {
  std::string type;
  Attrs attrs;
  std::vector<Array> inputs;
  std::vector<Quant> resultQuant; // of the results, where they are quantized
  DType resultType = DType::F32;  // of a quantized result
  bool hasResultType = false;

  explicit OpCase(std::string name) : type(std::move(name)) {}
  OpCase& input(Array array) {
    inputs.push_back(std::move(array));
    return *this;
  }
  OpCase& ints(const char* name, std::vector<int64_t> values) {
    attrs.setInts(name, std::move(values));
    return *this;
  }
  OpCase& integer(const char* name, int64_t value) { return ints(name, {value}); }
  OpCase& real(const char* name, float value) { return reals(name, {value}); }
  OpCase& reals(const char* name, std::vector<float> values) {
    attrs.setFloats(name, std::move(values));
    return *this;
  }
  OpCase& text(const char* name, const std::string& value) {
    attrs.setText(name, value);
    return *this;
  }
  OpCase& result(DType dtype, float scale, int32_t zeroPoint) {
    resultType = dtype;
    hasResultType = true;
    Quant quant;
    quant.scale = {scale};
    quant.zeroPoint = {zeroPoint};
    resultQuant = {quant};
    return *this;
  }
};

// A tensor in memory of exactly its size: a sanitizer sees any access beyond it.
class Placed {
public:
  Placed(const Array& array, Layout layout, Random& random) {
    tensor.type = array.type;
    tensor.quant = array.quant;
    const Shape& shape = array.type.shape;
    uint8_t order[kMaxRank];
    for (int i = 0; i < shape.rank; ++i) order[i] = static_cast<uint8_t>(i);
    int64_t innerStride = 0;
    if (shape.rank >= 3 && (layout == Layout::ChannelsLast || layout == Layout::PaddedChannelsLast)) {
      for (int i = 1; i + 1 < shape.rank; ++i) order[i] = static_cast<uint8_t>(i + 1);
      order[shape.rank - 1] = 1;
      if (layout == Layout::PaddedChannelsLast) innerStride = shape[1] + pick(random, 1, 5);
    }
    if (layout == Layout::Any) {
      std::shuffle(order, order + shape.rank, random);
      if (shape.rank) innerStride = shape[order[shape.rank - 1]] + pick(random, 0, 3);
    }
    const int64_t span = computeStrides(shape, order, innerStride, tensor.stride);
    bytes_ = static_cast<size_t>(span) * dtypeBytes(array.type.dtype);
    memory_ = std::make_unique<uint8_t[]>(bytes_);
    std::memset(memory_.get(), 0xA7, bytes_);
    tensor.data = memory_.get();
    exchange(const_cast<Array&>(array), true);
  }
  Array read() {
    Array array(tensor.type.dtype, tensor.type.shape);
    exchange(array, false);
    return array;
  }
  // The bytes between the elements still have their first value.
  bool paddingIntact() {
    Array keep = read();
    Array blank(tensor.type.dtype, tensor.type.shape);
    std::fill(blank.bytes.begin(), blank.bytes.end(), uint8_t{0xA7});
    exchange(blank, true);
    bool intact = true;
    for (size_t i = 0; i < bytes_; ++i) intact = intact && memory_[i] == 0xA7;
    exchange(keep, true);
    return intact;
  }

  Tensor tensor;

private:
  void exchange(Array& array, bool store) {
    const size_t bytes = dtypeBytes(tensor.type.dtype);
    for (int64_t i = 0; i < array.size(); ++i) {
      const std::vector<int64_t> position = unravel(tensor.type.shape, i);
      int64_t offset = 0;
      for (size_t axis = 0; axis < position.size(); ++axis) offset += position[axis] * tensor.stride[axis];
      uint8_t* logical = &array.bytes[static_cast<size_t>(i) * bytes];
      uint8_t* stored = memory_.get() + static_cast<size_t>(offset) * bytes;
      std::memcpy(store ? stored : logical, store ? logical : stored, bytes);
    }
  }

  std::unique_ptr<uint8_t[]> memory_;
  size_t bytes_ = 0;
};

struct Outcome {
  std::vector<Array> results;
  std::string failure, kernel;
};

inline bool inferCase(const OpCase& c, std::vector<TensorType>& types, std::string& error) {
  Signature signature{c.attrs, {}};
  for (const Array& array : c.inputs) signature.inputs.push_back(&array.type);
  return inferTypes(c.type, signature, types, error);
}

inline Outcome runCase(const OpCase& c, Isa isa, int threads, Layout inputs, Layout outputs, Random& random) {
  Outcome outcome;
  std::vector<TensorType> types;
  if (!inferCase(c, types, outcome.failure)) return outcome;
  std::vector<std::unique_ptr<Placed>> placed;
  Node node;
  node.type = c.type;
  node.attrs = c.attrs;
  for (const Array& array : c.inputs) {
    placed.push_back(std::make_unique<Placed>(array, inputs, random));
    placed.back()->tensor.constant = true;
    node.inputs.push_back(&placed.back()->tensor);
  }
  for (size_t i = 0; i < types.size(); ++i) {
    Array blank(c.hasResultType ? c.resultType : types[i].dtype, types[i].shape);
    std::fill(blank.bytes.begin(), blank.bytes.end(), uint8_t{0x5C});
    placed.push_back(std::make_unique<Placed>(blank, outputs, random));
    if (i < c.resultQuant.size()) placed.back()->tensor.quant = c.resultQuant[i];
    node.outputs.push_back(&placed.back()->tensor);
  }
  KernelConfig config;
  config.isa = isa;
  config.threads = threads;
  std::unique_ptr<Kernel> kernel = findOp(c.type)->make(node, config, outcome.failure);
  if (!kernel) return outcome;
  outcome.kernel = kernel->name();
  std::vector<uint8_t> scratch(kernel->scratchBytes() + 64, uint8_t{0xEE});
  static ThreadPool pools[] = {ThreadPool(1), ThreadPool(2), ThreadPool(3)};
  Context context{pools[threads - 1],
                  scratch.data() + (64 - reinterpret_cast<uintptr_t>(scratch.data()) % 64) % 64};
  kernel->run(context);
  if (context.failure) outcome.failure = context.failure;
  for (size_t i = c.inputs.size(); i < placed.size(); ++i) {
    EXPECT_TRUE(placed[i]->paddingIntact())
        << c.type << ' ' << outcome.kernel << " wrote between the elements";
    outcome.results.push_back(placed[i]->read());
  }
  return outcome;
}

// The reference's results, after every other way of running the op gave the same bits.
inline std::vector<Array> runEverywhere(const OpCase& c, std::vector<std::string>* kernels = nullptr) {
  Random random(12345);
  const Outcome reference = runCase(c, Isa::Reference, 1, Layout::RowMajor, Layout::RowMajor, random);
  EXPECT_EQ(reference.failure, "") << c.type;
  const Layout layouts[][2] = {{Layout::RowMajor, Layout::RowMajor},
                               {Layout::ChannelsLast, Layout::ChannelsLast},
                               {Layout::PaddedChannelsLast, Layout::PaddedChannelsLast},
                               {Layout::RowMajor, Layout::ChannelsLast},
                               {Layout::ChannelsLast, Layout::RowMajor},
                               {Layout::Any, Layout::Any}};
  for (int isa = 0; isa <= static_cast<int>(std::min(machineIsa(), Isa::Avx512)); ++isa)
    for (const Layout* layout : layouts) {
      const int threads = 1 + static_cast<int>(random() % 3);
      const Outcome other = runCase(c, static_cast<Isa>(isa), threads, layout[0], layout[1], random);
      EXPECT_EQ(other.failure, "") << c.type;
      if (kernels) kernels->push_back(other.kernel);
      for (size_t i = 0; i < reference.results.size() && i < other.results.size(); ++i)
        EXPECT_TRUE(other.results[i].bytes == reference.results[i].bytes)
            << c.type << " result " << i << ": " << isaName(static_cast<Isa>(isa)) << " kernel '"
            << other.kernel << "' with " << threads << " threads, layouts " << static_cast<int>(layout[0])
            << " -> " << static_cast<int>(layout[1]) << " differs from the reference";
    }
  return reference.results;
}

inline void expectSame(const Array& actual, const Array& expected) {
  EXPECT_EQ(toString(actual.type.shape), toString(expected.type.shape));
  ASSERT_EQ(actual.bytes.size(), expected.bytes.size());
  for (int64_t i = 0; i < actual.size(); ++i) {
    const size_t bytes = dtypeBytes(actual.type.dtype), at = static_cast<size_t>(i) * bytes;
    ASSERT_TRUE(std::memcmp(&actual.bytes[at], &expected.bytes[at], bytes) == 0)
        << "element " << i << " is " << actual.at(i) << ", expected " << expected.at(i);
  }
}

inline void expectNear(const Array& actual, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(static_cast<size_t>(actual.size()), expected.size());
  for (int64_t i = 0; i < actual.size(); ++i)
    ASSERT_NEAR(actual.at(i), expected[static_cast<size_t>(i)], tolerance) << "element " << i;
}

// The shape rule refuses the case with a message that contains `part`.
inline void expectRefused(const OpCase& c, const char* part) {
  std::vector<TensorType> types;
  std::string error;
  EXPECT_FALSE(inferCase(c, types, error)) << c.type;
  EXPECT_NE(error.find(part), std::string::npos) << error;
}

// The run stops with a message that contains `part`.
inline void expectFails(const OpCase& c, const char* part) {
  Random random(1);
  const Outcome outcome = runCase(c, machineIsa(), 2, Layout::RowMajor, Layout::RowMajor, random);
  EXPECT_NE(outcome.failure.find(part), std::string::npos) << outcome.failure;
}

} // namespace burin::rt::data_test
