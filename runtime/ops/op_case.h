// For tests: an op with operands given as row-major lists, run with every kernel over several memory layouts
// and thread counts. All runs must agree bit for bit; the caller compares the values with its own reference.
#pragma once

#include "runtime/core/op.h"
#include "runtime/ops/iterate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <random>

namespace burin::rt::test {

enum class Layout { RowMajor, ChannelsLast, PaddedChannelsLast, Reversed };
// Layouts of the operands and of the results.
struct LayoutPair {
  Layout in, out;
  bool threaded;
};
constexpr LayoutPair kLayoutPairs[] = {{Layout::RowMajor, Layout::RowMajor, true},
                                       {Layout::ChannelsLast, Layout::ChannelsLast, true},
                                       {Layout::PaddedChannelsLast, Layout::PaddedChannelsLast, true},
                                       {Layout::Reversed, Layout::Reversed, false},
                                       {Layout::RowMajor, Layout::PaddedChannelsLast, false},
                                       {Layout::ChannelsLast, Layout::Reversed, false}};

// A tensor with memory of its own, filled with a pattern around its elements.
struct OwnedTensor {
  Tensor tensor;
  std::vector<uint8_t> memory;

  OwnedTensor(const TensorType& type, Layout layout) {
    tensor.type = type;
    const int rank = type.shape.rank;
    uint8_t order[kMaxRank];
    for (int i = 0; i < rank; ++i) order[i] = static_cast<uint8_t>(i);
    if (layout == Layout::Reversed) std::reverse(order, order + rank);
    const bool channelsLast = layout == Layout::ChannelsLast || layout == Layout::PaddedChannelsLast;
    if (channelsLast && rank >= 3) std::rotate(order + 1, order + 2, order + rank);
    const int64_t inner = rank ? type.shape[order[rank - 1]] + 3 : 0;
    const int64_t span =
        computeStrides(type.shape, order, layout == Layout::PaddedChannelsLast ? inner : 0, tensor.stride);
    memory.assign(static_cast<size_t>(span) * dtypeBytes(type.dtype) + 64, 0xC3);
    tensor.data = memory.data();
  }

  void write(const std::vector<uint8_t>& rowMajor) {
    const size_t bytes = dtypeBytes(tensor.dtype());
    const uint8_t* from = rowMajor.data();
    walkOf(tensor).forEach([&](const int64_t* offset) {
      std::memcpy(memory.data() + static_cast<size_t>(offset[0]) * bytes, from, bytes);
      from += bytes;
    });
  }
  std::vector<uint8_t> read() const {
    const size_t bytes = dtypeBytes(tensor.dtype());
    std::vector<uint8_t> rowMajor;
    walkOf(tensor).forEach([&](const int64_t* offset) {
      const uint8_t* from = memory.data() + static_cast<size_t>(offset[0]) * bytes;
      rowMajor.insert(rowMajor.end(), from, from + bytes);
    });
    return rowMajor;
  }
};

class OpCase {
public:
  OpCase(const OpTable& table, const char* type) {
    for (size_t i = 0; i < table.count; ++i)
      if (std::strcmp(table.ops[i].type, type) == 0) op_ = &table.ops[i];
    EXPECT_TRUE(op_) << type;
  }

  Attrs attrs;
  bool constants = false; // operands are marked constant

  template <class T>
  OpCase& in(DType dtype, const Shape& shape, const std::vector<T>& values) {
    EXPECT_EQ(static_cast<size_t>(shape.elements()), values.size());
    EXPECT_EQ(dtypeBytes(dtype), sizeof(T));
    Operand operand{{dtype, shape}, std::vector<uint8_t>(values.size() * sizeof(T)), true};
    if (!values.empty()) std::memcpy(operand.bytes.data(), values.data(), operand.bytes.size());
    operands_.push_back(std::move(operand));
    return *this;
  }
  OpCase& in(const Shape& shape, const std::vector<float>& values) { return in(DType::F32, shape, values); }
  OpCase& absent() {
    operands_.push_back({{}, {}, false});
    return *this;
  }

  // The shape rule's message, empty when it accepts.
  std::string infer() {
    Signature signature{attrs, {}};
    for (const Operand& operand : operands_)
      signature.inputs.push_back(operand.present ? &operand.type : nullptr);
    std::string error;
    results_.clear();
    if (op_->infer(signature, results_, error)) return "";
    return error.empty() ? "refused without a message" : error;
  }

  // Result `result` of the reference kernel on row-major tensors, after checking that every other kernel,
  // layout and thread count gives the same.
  template <class T>
  std::vector<T> run(int result = 0) {
    const std::string error = infer();
    EXPECT_EQ(error, "");
    if (!error.empty()) return {};
    reference_ = runOnce(Isa::Reference, Layout::RowMajor, Layout::RowMajor, 1);
    for (Isa isa : {Isa::Reference, Isa::Portable, Isa::Avx2, Isa::Avx512})
      if (supported(isa))
        for (const LayoutPair& layouts : kLayoutPairs)
          for (int threads : {1, 3})
            if (threads == 1 || layouts.threaded)
              expectSame(runOnce(isa, layouts.in, layouts.out, threads), isa, layouts.in, layouts.out,
                         threads);
    return get<T>(result);
  }

  // Another result of the last run.
  template <class T>
  std::vector<T> get(int result) const {
    const std::vector<uint8_t>& bytes = reference_[static_cast<size_t>(result)];
    std::vector<T> values(bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }
  const TensorType& type(int result = 0) const { return results_[static_cast<size_t>(result)]; }
  const char* failure() const { return failure_; }

private:
  struct Operand {
    TensorType type;
    std::vector<uint8_t> bytes;
    bool present;
  };
  using Results = std::vector<std::vector<uint8_t>>;

  static bool supported(Isa isa) {
#if defined(__x86_64__)
    if (isa == Isa::Avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (isa == Isa::Avx512)
      return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl");
    return true;
#else
    return isa <= Isa::Portable;
#endif
  }

  Results runOnce(Isa isa, Layout layoutIn, Layout layoutOut, int threads) {
    std::vector<std::unique_ptr<OwnedTensor>> tensors;
    Node node;
    node.type = op_->type;
    node.attrs = attrs;
    for (const Operand& operand : operands_) {
      if (!operand.present) {
        node.inputs.push_back(nullptr);
        continue;
      }
      tensors.push_back(std::make_unique<OwnedTensor>(operand.type, layoutIn));
      tensors.back()->write(operand.bytes);
      tensors.back()->tensor.constant = constants;
      node.inputs.push_back(&tensors.back()->tensor);
    }
    const size_t firstResult = tensors.size();
    for (const TensorType& type : results_) {
      tensors.push_back(std::make_unique<OwnedTensor>(type, layoutOut));
      node.outputs.push_back(&tensors.back()->tensor);
    }
    std::string error;
    auto kernel = op_->make(node, {isa, threads}, error);
    EXPECT_TRUE(kernel) << error;
    if (!kernel) return {};
    execute(*kernel, threads);
    Results results;
    for (size_t i = firstResult; i < tensors.size(); ++i) results.push_back(tensors[i]->read());
    return results;
  }

  void execute(Kernel& kernel, int threads) {
    static ThreadPool single(1), several(3);
    ThreadPool& pool = threads == 1 ? single : several;
    std::vector<uint8_t> scratch(kernel.scratchBytes() + 64, 0xA5);
    Context context{pool, scratch.data() + (64 - reinterpret_cast<uintptr_t>(scratch.data()) % 64)};
    kernel.run(context);
    failure_ = context.failure;
  }

  void expectSame(const Results& got, Isa isa, Layout layoutIn, Layout layoutOut, int threads) const {
    ASSERT_EQ(got.size(), reference_.size());
    for (size_t r = 0; r < got.size(); ++r)
      EXPECT_TRUE(same(results_[r].dtype, got[r], reference_[r]))
          << op_->type << " result " << r << " differs with isa " << static_cast<int>(isa) << ", layouts "
          << static_cast<int>(layoutIn) << " and " << static_cast<int>(layoutOut) << ", " << threads
          << " threads";
  }
  // Bits, except that one NaN is as good as another.
  static bool same(DType dtype, const std::vector<uint8_t>& a, const std::vector<uint8_t>& b) {
    if (a.size() != b.size() || dtype != DType::F32) return a == b;
    for (size_t i = 0; i + 4 <= a.size(); i += 4) {
      float x, y;
      std::memcpy(&x, &a[i], 4);
      std::memcpy(&y, &b[i], 4);
      if (std::memcmp(&x, &y, 4) != 0 && !(std::isnan(x) && std::isnan(y))) return false;
    }
    return true;
  }

  const OpDef* op_ = nullptr;
  std::vector<Operand> operands_;
  std::vector<TensorType> results_;
  Results reference_;
  const char* failure_ = nullptr;
};

inline std::vector<float> randomFloats(const Shape& shape, uint32_t seed, float low = -3.0f,
                                       float high = 3.0f) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(low, high);
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (float& value : values) value = uniform(generator);
  return values;
}

inline void expectNear(const std::vector<float>& got, const std::vector<double>& want, double relative,
                       double absolute = 1e-7) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(want[i]))
      EXPECT_TRUE(std::isnan(got[i])) << i;
    else
      EXPECT_NEAR(got[i], want[i], relative * std::fabs(want[i]) + absolute) << "element " << i;
  }
}

} // namespace burin::rt::test
