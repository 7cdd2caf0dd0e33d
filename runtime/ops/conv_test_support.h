// Random operands and the comparison of kernels against the reference, bit for bit.
#pragma once

#include "runtime/core/isa.h"
#include "runtime/core/op.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace burin::rt::test {

// Owns a node's tensors.
class NodeFixture {
public:
  explicit NodeFixture(const char* type) { node_.type = node_.name = type; }

  Node& node() { return node_; }

  // order: memory order of the axes (empty = row-major); innerStride: padded stride of the second innermost
  // axis.
  Tensor& addInput(DType dtype, const Shape& shape, const std::vector<uint8_t>& order = {},
                   int64_t innerStride = 0) {
    Tensor& tensor = addTensor(dtype, shape, order, innerStride);
    node_.inputs.push_back(&tensor);
    return tensor;
  }
  void addAbsent() { node_.inputs.push_back(nullptr); }

  // Runs the shape rule and adds the result. Returns its message, empty when it accepts.
  std::string infer(const std::vector<uint8_t>& order = {}, int64_t innerStride = 0) {
    Signature signature{node_.attrs, {}};
    for (const Tensor* input : node_.inputs) signature.inputs.push_back(input ? &input->type : nullptr);
    std::vector<TensorType> results;
    std::string error;
    if (!inferTypes(node_.type, signature, results, error))
      return error.empty() ? "refused without a message" : error;
    node_.outputs = {&addTensor(results[0].dtype, results[0].shape, order, innerStride)};
    return "";
  }

  // The result's memory after one run; empty when the kernel cannot be made.
  std::vector<uint8_t> run(Isa isa, int threads, std::string* kernelName = nullptr) {
    std::string error;
    auto kernel = findOp(node_.type)->make(node_, {isa, threads}, error);
    EXPECT_TRUE(kernel) << error;
    if (!kernel) return {};
    if (kernelName) *kernelName = kernel->name();
    Tensor& y = node_.out();
    std::memset(y.data, 0x5A, bytesOf(y));
    std::vector<uint8_t> scratch(kernel->scratchBytes() + 64, 0xA5);
    ThreadPool pool(threads);
    Context context{pool, scratch.data() + (64 - reinterpret_cast<uintptr_t>(scratch.data()) % 64)};
    kernel->run(context);
    EXPECT_EQ(context.failure, nullptr);
    const uint8_t* data = static_cast<const uint8_t*>(y.data);
    return {data, data + bytesOf(y)};
  }

private:
  Tensor& addTensor(DType dtype, const Shape& shape, const std::vector<uint8_t>& order, int64_t innerStride) {
    tensors_.push_back(std::make_unique<Tensor>());
    Tensor& tensor = *tensors_.back();
    tensor.type = {dtype, shape};
    tensor.name = "t" + std::to_string(tensors_.size());
    const int64_t span =
        computeStrides(shape, order.empty() ? nullptr : order.data(), innerStride, tensor.stride);
    // Exactly as large as the tensor: a sanitizer sees any byte read beyond it.
    memory_.push_back(std::make_unique<uint8_t[]>(static_cast<size_t>(span) * dtypeBytes(dtype)));
    sizes_.push_back(static_cast<size_t>(span) * dtypeBytes(dtype));
    tensor.data = memory_.back().get();
    return tensor;
  }
  size_t bytesOf(const Tensor& tensor) const {
    for (size_t i = 0; i < tensors_.size(); ++i)
      if (tensors_[i].get() == &tensor) return sizes_[i];
    return 0;
  }

  Node node_;
  std::vector<std::unique_ptr<Tensor>> tensors_;
  std::vector<std::unique_ptr<uint8_t[]>> memory_;
  std::vector<size_t> sizes_;

public:
  // Fills the whole memory of a tensor with values of its type. Floats are small multiples of an odd step and
  // now and then zero of either sign, so that rounding and signed zeros show.
  void fill(Tensor& tensor, std::mt19937& random) {
    const size_t count = bytesOf(tensor) / dtypeBytes(tensor.dtype());
    for (size_t i = 0; i < count; ++i) {
      if (tensor.dtype() == DType::F32) {
        const uint32_t draw = random();
        tensor.as<float>()[i] = draw % 17 == 0
                                    ? (draw & 64 ? -0.0f : 0.0f)
                                    : static_cast<float>(static_cast<int>(draw % 20001) - 10000) * 1.37e-4f;
      } else {
        for (size_t b = 0; b < dtypeBytes(tensor.dtype()); ++b)
          tensor.as<uint8_t>()[i * dtypeBytes(tensor.dtype()) + b] = static_cast<uint8_t>(random());
      }
    }
  }
};

// The instruction sets of this machine, all but the reference.
inline std::vector<Isa> machineIsas() {
  std::vector<Isa> list;
  for (int i = static_cast<int>(Isa::Portable); i <= static_cast<int>(machineIsa()); ++i)
    list.push_back(static_cast<Isa>(i));
  return list;
}

inline int64_t pick(std::mt19937& random, int64_t low, int64_t high) {
  return low + static_cast<int64_t>(random() % static_cast<uint64_t>(high - low + 1));
}

// Every instruction set and number of threads gives the reference's bits.
inline void expectSameAsReference(NodeFixture& fixture, const std::string& what) {
  const std::vector<uint8_t> expected = fixture.run(Isa::Reference, 1);
  for (Isa isa : machineIsas())
    for (int threads : {1, 3}) {
      std::string name;
      const std::vector<uint8_t> actual = fixture.run(isa, threads, &name);
      ASSERT_EQ(actual == expected, true)
          << what << " on " << isaName(isa) << " (" << name << "), " << threads << " threads";
    }
}

} // namespace burin::rt::test
