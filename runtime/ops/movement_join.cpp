// concat and pad: views of the result filled from several places.
#include "runtime/ops/movement_ops.h"
#include "runtime/ops/stored_value.h"
#include "runtime/ops/table_copy.h"

namespace burin::rt {

//===-- concat
//---------------------------------------------------------------------------------------------------===//

bool inferConcat(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (signature.count() == 0) return reject(error, "has no operands");
  if (!checkInputs(signature, signature.count(), signature.count(), error)) return false;
  const TensorType& first = *signature.input(0);
  if (!checkAxis(signature, "axis", first.shape.rank, error)) return false;
  const int axis = static_cast<int>(signature.attrs.integer("axis"));
  Shape shape = first.shape;
  for (int i = 1; i < signature.count(); ++i) {
    const TensorType& next = *signature.input(i);
    Shape other = next.shape;
    if (next.dtype != first.dtype)
      return reject(error, std::string("operand 0 is ") + dtypeName(first.dtype) + " but operand " +
                               std::to_string(i) + " is " + dtypeName(next.dtype));
    if (other.rank == shape.rank) other[axis] = shape[axis];
    if (other != shape)
      return reject(error, "operand " + std::to_string(i) + " of shape " + toString(next.shape) +
                               " does not join " + toString(first.shape) + " along axis " +
                               std::to_string(axis));
    shape[axis] += next.shape[axis];
    if (!checkShape(shape, error)) return false;
  }
  results = {{first.dtype, shape}};
  return true;
}

std::unique_ptr<Kernel> makeConcat(const Node& node, const KernelConfig& config, std::string&) {
  const Tensor& y = node.out();
  const int axis = static_cast<int>(node.attrs.integer("axis"));
  auto kernel = std::make_unique<CopyKernel>();
  int64_t position = 0;
  for (const Tensor* x : node.inputs) {
    StridedCopy copy(x->type.shape, x->stride, y.stride, dtypeBytes(y.dtype()), config.isa);
    kernel->add(*x, 0, y, position * y.stride[axis], copy);
    position += x->type.shape[axis];
  }
  return kernel;
}

//===-- pad
//------------------------------------------------------------------------------------------------------===//

namespace {
// One axis of a pad. What is cropped goes first; reflect, edge and wrap repeat what is left.
struct PadAxis {
  int64_t cropBegin, kept, padBegin, length;
};

PadAxis padAxis(int64_t length, int64_t begin, int64_t end) {
  const int64_t cropBegin = begin < 0 ? -begin : 0, cropEnd = end < 0 ? -end : 0;
  return {cropBegin, length - cropBegin - cropEnd, begin > 0 ? begin : 0, length + begin + end};
}

// Where position y of the padded axis comes from.
int64_t sourcePosition(const PadAxis& axis, int64_t y, const std::string& mode) {
  const int64_t n = axis.kept;
  int64_t p = y - axis.padBegin;
  if (mode == "edge") p = p < 0 ? 0 : p >= n ? n - 1 : p;
  if (mode == "wrap") p = (p % n + n) % n;
  if (mode == "reflect") {
    const int64_t period = n > 1 ? 2 * (n - 1) : 1; // there and back, the ends not repeated
    p = (p % period + period) % period;
    if (p >= n) p = period - p;
  }
  return p + axis.cropBegin;
}

class PadTableKernel final : public Kernel {
public:
  PadTableKernel(const Node& node, const TableCopy& copy) : node_(node), copy_(copy) {}
  void run(Context& context) override { copy_.run(node_.in(0).data, node_.out().data, context.pool); }
  const char* name() const override { return copy_.copiesRuns() ? "copy-runs" : "reference"; }

private:
  const Node& node_;
  TableCopy copy_;
};

TableCopy padTable(const Node& node, const std::vector<PadAxis>& axes, Isa isa) {
  const Tensor &x = node.in(0), &y = node.out();
  const std::string& mode = node.attrs.text("mode");
  std::vector<int64_t> places[kMaxRank];
  for (int axis = 0; axis < y.type.shape.rank; ++axis)
    for (int64_t i = 0; i < y.type.shape[axis]; ++i)
      places[axis].push_back(sourcePosition(axes[static_cast<size_t>(axis)], i, mode) * x.stride[axis]);
  return TableCopy(y.type.shape, y.stride, places, dtypeBytes(x.dtype()), isa);
}

// Fills the borders, one slab per side of each axis, and copies the middle.
class PadConstantKernel final : public Kernel {
public:
  PadConstantKernel(const Node& node, const std::vector<PadAxis>& axes, Isa isa) : node_(node) {
    const Tensor &x = node.in(0), &y = node.out();
    fill_ = storedValue(y, node.attrs.real("value"));
    const size_t bytes = dtypeBytes(y.dtype());
    Shape rest = y.type.shape; // of y, what no slab has covered yet
    int64_t origin = 0, source = 0, none[kMaxRank] = {};
    for (int axis = 0; axis < rest.rank; ++axis) {
      const PadAxis& a = axes[static_cast<size_t>(axis)];
      const int64_t length = rest[axis], before = std::min(a.padBegin, length);
      const int64_t kept = std::max<int64_t>(0, std::min(a.kept, length - before));
      rest[axis] = before;
      borders_.push_back({origin, StridedCopy(rest, none, y.stride, bytes, isa)});
      rest[axis] = length - before - kept;
      borders_.push_back(
          {origin + (before + kept) * y.stride[axis], StridedCopy(rest, none, y.stride, bytes, isa)});
      rest[axis] = kept;
      origin += before * y.stride[axis];
      source += kept ? a.cropBegin * x.stride[axis] : 0;
    }
    middle_ = {origin, StridedCopy(rest, x.stride, y.stride, bytes, isa)};
    source_ = source;
  }
  void run(Context& context) override {
    const Tensor& y = node_.out();
    dispatchBytes(dtypeBytes(y.dtype()), [&](auto tag) {
      using T = decltype(tag);
      const T value = static_cast<T>(fill_);
      for (const Slab& slab : borders_) slab.copy.run(&value, elementAt(y, slab.offset), context.pool);
    });
    middle_.copy.run(elementAt(node_.in(0), source_), elementAt(y, middle_.offset), context.pool);
  }
  const char* name() const override { return middle_.copy.name(); }

private:
  struct Slab {
    int64_t offset = 0;
    StridedCopy copy;
  };
  const Node& node_;
  uint64_t fill_ = 0;
  std::vector<Slab> borders_;
  Slab middle_;
  int64_t source_ = 0;
};
} // namespace

bool inferPad(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error)) return false;
  const TensorType& x = *signature.input(0);
  const int rank = x.shape.rank;
  if (!checkInts(signature, "pads", 2 * rank, -kMaxElements, kMaxElements, error) ||
      !checkChoice(signature, "mode", "constant reflect edge wrap", error))
    return false;
  Shape shape;
  for (int i = 0; i < rank; ++i) {
    const PadAxis axis = padAxis(x.shape[i], signature.attrs.ints("pads")[static_cast<size_t>(i)],
                                 signature.attrs.ints("pads")[static_cast<size_t>(i + rank)]);
    if (axis.length < 0 || (axis.kept < 1 && axis.length > 0 && signature.attrs.text("mode") != "constant"))
      return reject(error, "the pads of axis " + std::to_string(i) + " crop more than its length " +
                               std::to_string(x.shape[i]));
    shape.push(axis.length);
  }
  results = {{x.dtype, shape}};
  return checkShape(shape, error);
}

namespace {
// One stored value stands for the fill everywhere.
bool canFill(const Node& node, std::string& error) {
  const Tensor& y = node.out();
  const bool zero = node.attrs.real("value") == 0;
  if (isFloat(y.dtype()) && y.dtype() != DType::F32 && !zero)
    return reject(error, "padding 16-bit floats with a value other than 0 needs a cast to f32");
  bool onePoint = true;
  for (int32_t z : y.quant.zeroPoint) onePoint = onePoint && z == y.quant.zeroPoint[0];
  if (y.quant.axis >= 0 && !(zero && onePoint))
    return reject(error, "a tensor with a scale per axis can only be padded with 0 and with one zero point");
  return true;
}
} // namespace

std::unique_ptr<Kernel> makePad(const Node& node, const KernelConfig& config, std::string& error) {
  const Tensor& x = node.in(0);
  const int rank = x.type.shape.rank;
  if (node.attrs.text("mode") == "constant" && !canFill(node, error)) return nullptr;
  std::vector<PadAxis> axes;
  for (int i = 0; i < rank; ++i)
    axes.push_back(padAxis(x.type.shape[i], node.attrs.ints("pads")[static_cast<size_t>(i)],
                           node.attrs.ints("pads")[static_cast<size_t>(i + rank)]));
  if (node.attrs.text("mode") == "constant")
    return std::make_unique<PadConstantKernel>(node, axes, config.isa);
  return std::make_unique<PadTableKernel>(node, padTable(node, axes, config.isa));
}

} // namespace burin::rt
