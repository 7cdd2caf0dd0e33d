// nn.nonzero, nn.compress and the table of this family. Results have their greatest length; `count` says how
// much of it is valid, the rest is zero.
#include "runtime/ops/detection_ops.h"

namespace burin::rt {

//===-- nonzero
//--------------------------------------------------------------------------------------------------===//

bool inferNonZero(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error)) return false;
  const Shape& x = signature.input(0)->shape;
  const Shape shape{x.rank, x.elements()};
  results = {{DType::I64, shape}, {DType::I64, Shape{1}}};
  return checkShape(shape, error);
}

namespace {
void runNonZero(const Node& node, Context&) {
  const Tensor &x = node.in(0), &y = node.out(0), &count = node.out(1);
  const Shape& shape = x.type.shape;
  int64_t* result = y.as<int64_t>();
  int64_t found = 0, index = 0;
  const uint32_t signBit = 0x80000000u;
  dispatchBytes(dtypeBytes(x.dtype()), [&](auto tag) {
    using T = decltype(tag);
    walkOf(x).forEach([&](const int64_t* offset) {
      T bits = x.as<T>()[offset[0]];
      if (x.dtype() == DType::F32) bits = static_cast<T>(bits & ~static_cast<T>(signBit)); // -0 is zero
      if (isFloat(x.dtype()) && sizeof(T) == 2) bits = static_cast<T>(bits & 0x7FFF);
      int64_t rest = index++;
      if (bits == 0) return;
      for (int axis = shape.rank - 1; axis >= 0; --axis) {
        result[axis * y.stride[0] + found * y.stride[1]] = rest % shape[axis];
        rest /= shape[axis];
      }
      ++found;
    });
  });
  for (int axis = 0; axis < shape.rank; ++axis)
    for (int64_t i = found; i < shape.elements(); ++i) result[axis * y.stride[0] + i * y.stride[1]] = 0;
  count.as<int64_t>()[0] = found;
}
} // namespace

std::unique_ptr<Kernel> makeNonZero(const Node& node, const KernelConfig&, std::string&) {
  return makeFunctionKernel(node, runNonZero);
}

//===-- compress
//-------------------------------------------------------------------------------------------------===//

bool inferCompress(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 2, 2, error)) return false;
  const TensorType &x = *signature.input(0), &condition = *signature.input(1);
  if (!checkInts(signature, "axis", 1, -1, x.shape.rank - 1, error)) return false;
  const int axis = static_cast<int>(signature.attrs.integer("axis"));
  const int64_t length = axis < 0 ? x.shape.elements() : x.shape[axis];
  if (condition.dtype != DType::Bool || condition.shape.rank != 1 || condition.shape[0] > length)
    return reject(error, std::string("the condition must be a bool vector of at most ") +
                             std::to_string(length) + " elements, it is " + dtypeName(condition.dtype) + " " +
                             toString(condition.shape));
  Shape shape = axis < 0 ? Shape{0} : x.shape;
  shape[axis < 0 ? 0 : axis] = condition.shape[0];
  results = {{x.dtype, shape}, {DType::I64, Shape{1}}};
  return true;
}

namespace {
void zeroRest(const Tensor& y, int axis, int64_t from) {
  Shape rest = y.type.shape;
  rest[axis] -= from;
  dispatchBytes(dtypeBytes(y.dtype()), [&](auto tag) {
    using T = decltype(tag);
    T* to = y.as<T>() + from * y.stride[axis];
    StridedWalk<1>(rest, {y.stride}).forEach([&](const int64_t* offset) { to[offset[0]] = 0; });
  });
}

void runCompress(const Node& node, Context& context) {
  const Tensor &x = node.in(0), &condition = node.in(1), &y = node.out(0), &count = node.out(1);
  const int axis = static_cast<int>(node.attrs.integer("axis"));
  Shape slab = x.type.shape;
  if (axis >= 0) slab[axis] = 1;
  const size_t bytes = dtypeBytes(x.dtype());
  const StridedCopy copy(slab, x.stride, axis >= 0 ? y.stride : x.stride, bytes, Isa::Portable);
  const StridedWalk<1> flat = walkOf(x);
  int64_t found = 0;
  for (int64_t i = 0; i < condition.type.shape[0]; ++i) {
    if (!condition.as<uint8_t>()[i * condition.stride[0]]) continue;
    if (axis >= 0)
      copy.run(elementAt(x, i * x.stride[axis]), elementAt(y, found * y.stride[axis]), context.pool);
    else
      flat.forEach(i, i + 1, [&](const int64_t* offset) {
        std::copy_n(elementAt(x, offset[0]), bytes, elementAt(y, found * y.stride[0]));
      });
    ++found;
  }
  zeroRest(y, axis < 0 ? 0 : axis, found);
  count.as<int64_t>()[0] = found;
}
} // namespace

std::unique_ptr<Kernel> makeCompress(const Node& node, const KernelConfig&, std::string&) {
  return makeFunctionKernel(node, runCompress);
}

static const OpDef kOps[] = {
    {"nn.nms", inferNms, makeNms},
    {"nn.roi_align", inferRoiAlign, makeRoiAlign},
    {"nn.nonzero", inferNonZero, makeNonZero},
    {"nn.compress", inferCompress, makeCompress},
};
extern const OpTable kDetectionOps;
const OpTable kDetectionOps = {kOps, sizeof kOps / sizeof *kOps};

} // namespace burin::rt
