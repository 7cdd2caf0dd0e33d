// qnn.lut [LUT]: y = table[raw bits of x]. The table has 256 entries for 8-bit operands and 65536 for 16-bit
// ones, of any element type; with `axis` there is one row of entries per index of that axis.
#include "runtime/kernels/data_kernels.h"
#include "runtime/ops/integer_rows.h"
#include "runtime/ops/iterate.h"
#include "runtime/ops/qelementwise_ops.h"

namespace burin::rt {

bool inferLut(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 2, 2, error)) return false;
  const TensorType &x = *signature.input(0), &table = *signature.input(1);
  if (!isSmallInteger(x.dtype) && x.dtype != DType::Bool)
    return reject(error,
                  std::string("the operand is ") + dtypeName(x.dtype) + "; 8 or 16 bit integers are needed");
  const int64_t entries = dtypeBytes(x.dtype) == 1 ? 256 : 65536;
  Shape expected{entries};
  if (table.shape.rank == 2) {
    if (!checkAxis(signature, "axis", x.shape.rank, error)) return false;
    expected = Shape{x.shape[static_cast<int>(signature.attrs.integer("axis"))], entries};
  }
  if (table.shape != expected)
    return reject(error,
                  "a table of shape " + toString(table.shape) + " must have shape " + toString(expected));
  results = {{table.dtype, x.shape}};
  return true;
}

namespace {
class LutKernel : public Kernel {
public:
  explicit LutKernel(const Node& node) : node_(node) {
    const Tensor &x = node.in(0), &table = node.in(1), &y = node.out();
    int64_t tableStride[kMaxRank] = {};
    if (table.type.shape.rank == 2) tableStride[node.attrs.integer("axis")] = table.stride[0];
    walk_ = StridedWalk<3>(x.type.shape, {x.stride, tableStride, y.stride});
    walk_.orderBy(2);
  }
  void run(Context& context) override {
    dispatchBytes(dtypeBytes(node_.out().dtype()), [&](auto tag) {
      if (dtypeBytes(node_.in(0).dtype()) == 1)
        lookUp<uint8_t, decltype(tag)>(context);
      else
        lookUp<uint16_t, decltype(tag)>(context);
    });
  }

protected:
  template <class X, class Y>
  void lookUp(Context& context) const {
    const X* x = node_.in(0).as<X>();
    const Y* table = node_.in(1).as<Y>();
    Y* y = node_.out().as<Y>();
    const Tensor& t = node_.in(1);
    const int64_t entry = t.stride[t.type.shape.rank - 1];
    context.pool.parallelFor(walk_.elements(), 4096, [&](int64_t begin, int64_t end, int) {
      walk_.forEach(begin, end, [&](const int64_t* at) { y[at[2]] = table[at[1] + x[at[0]] * entry]; });
    });
  }

  const Node& node_;
  StridedWalk<3> walk_; // x, table, y
};

// One contiguous table of bytes.
class LutBytes final : public LutKernel {
public:
  LutBytes(const Node& node, const DataKernels& kernels) : LutKernel(node), kernels_(kernels) {}

  bool fits() const {
    const Tensor& table = node_.in(1);
    return dtypeBytes(node_.in(0).dtype()) == 1 && dtypeBytes(table.dtype()) == 1 && walk_.step(0) == 1 &&
           walk_.step(1) == 0 && walk_.step(2) == 1 && table.stride[table.type.shape.rank - 1] == 1;
  }

  void run(Context& context) override {
    const uint8_t *x = node_.in(0).as<uint8_t>(), *table = node_.in(1).as<uint8_t>();
    uint8_t* y = node_.out().as<uint8_t>();
    context.pool.parallelFor(walk_.elements(), 16384, [&](int64_t begin, int64_t end, int) {
      walk_.forRuns(begin, end, [&](const int64_t* at, int64_t count) {
        kernels_.lookUp8(x + at[0], table + at[1], y + at[2], count);
      });
    });
  }
  const char* name() const override { return "bytes"; }

private:
  const DataKernels& kernels_;
};
} // namespace

std::unique_ptr<Kernel> makeLut(const Node& node, const KernelConfig& config, std::string& error) {
  if (node.out().dtype() != node.in(1).dtype())
    return reject(error, std::string("the result is ") + dtypeName(node.out().dtype()) + ", the table " +
                             dtypeName(node.in(1).dtype())),
           nullptr;
  if (const DataKernels* kernels = dataKernels(config.isa)) {
    auto bytes = std::make_unique<LutBytes>(node, *kernels);
    if (bytes->fits()) return bytes;
  }
  return std::make_unique<LutKernel>(node);
}

} // namespace burin::rt
