// Movement that is one strided copy: y seen through other strides, or x seen through other strides.
#include "runtime/ops/movement_ops.h"

namespace burin::rt {

//===-- reshape
//--------------------------------------------------------------------------------------------------===//

bool inferReshape(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error)) return false;
  const TensorType& x = *signature.input(0);
  Shape shape;
  if (!makeShape(signature.attrs.ints("shape"), shape, error)) return false;
  if (shape.elements() != x.shape.elements())
    return reject(error, "cannot reshape " + toString(x.shape) + " to " + toString(shape) +
                             ": the numbers of elements differ");
  results = {{x.dtype, shape}};
  return true;
}

namespace {
// Splits the axes of both walks into common factors, innermost first, so that one set of axes describes both
// sides. Fails where an axis of one side straddles an axis boundary of the other that its strides do not
// cross evenly.
bool commonAxes(const StridedWalk<1>& x, const StridedWalk<1>& y, StridedCopy& copy, size_t bytes, Isa isa) {
  int64_t dim[kMaxWalkRank], strideX[kMaxWalkRank], strideY[kMaxWalkRank];
  int at = kMaxWalkRank, axisX = x.rank() - 1, axisY = y.rank() - 1;
  int64_t restX = axisX >= 0 ? x.dim(axisX) : 1, restY = axisY >= 0 ? y.dim(axisY) : 1;
  int64_t stepX = axisX >= 0 ? x.stride(0, axisX) : 0, stepY = axisY >= 0 ? y.stride(0, axisY) : 0;
  while (axisX >= 0 && axisY >= 0) {
    int64_t factor = std::min(restX, restY);
    if (at == 0 || restX % factor != 0 || restY % factor != 0) return false;
    dim[--at] = factor;
    strideX[at] = stepX;
    strideY[at] = stepY;
    restX /= factor;
    restY /= factor;
    stepX *= factor;
    stepY *= factor;
    if (restX == 1 && --axisX >= 0) restX = x.dim(axisX), stepX = x.stride(0, axisX);
    if (restY == 1 && --axisY >= 0) restY = y.dim(axisY), stepY = y.stride(0, axisY);
  }
  copy = StridedCopy(kMaxWalkRank - at, dim + at, strideX + at, strideY + at, bytes, isa);
  return true;
}

int64_t placeOf(const StridedWalk<1>& walk, int64_t index) {
  int64_t place = 0;
  for (int axis = walk.rank() - 1; axis >= 0; --axis) {
    place += index % walk.dim(axis) * walk.stride(0, axis);
    index /= walk.dim(axis);
  }
  return place;
}

void runReshape(const Node& node, Context& context) {
  const Tensor &x = node.in(0), &y = node.out();
  if (x.data == y.data) return; // the planner made them one
  const StridedWalk<1> walkX = walkOf(x), walkY = walkOf(y);
  dispatchBytes(dtypeBytes(x.dtype()), [&](auto tag) {
    using T = decltype(tag);
    context.pool.parallelFor(walkX.elements(), 4096, [&](int64_t begin, int64_t end, int) {
      int64_t index = begin;
      walkX.forEach(begin, end, [&](const int64_t* offset) {
        y.as<T>()[placeOf(walkY, index++)] = x.as<T>()[offset[0]];
      });
    });
  });
}

class ReshapeKernel final : public Kernel {
public:
  ReshapeKernel(const Node& node, const StridedCopy& copy) : node_(node), copy_(copy) {}
  void run(Context& context) override {
    if (node_.in(0).data != node_.out().data) copy_.run(node_.in(0).data, node_.out().data, context.pool);
  }
  const char* name() const override { return copy_.name(); }

private:
  const Node& node_;
  StridedCopy copy_;
};
} // namespace

std::unique_ptr<Kernel> makeReshape(const Node& node, const KernelConfig& config, std::string&) {
  const Tensor &x = node.in(0), &y = node.out();
  StridedCopy copy;
  if (config.isa != Isa::Reference && x.type.shape.elements() > 0 &&
      commonAxes(walkOf(x), walkOf(y), copy, dtypeBytes(x.dtype()), config.isa))
    return std::make_unique<ReshapeKernel>(node, copy);
  return makeFunctionKernel(node, runReshape);
}

//===-- transpose
//------------------------------------------------------------------------------------------------===//

bool inferTranspose(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error)) return false;
  const TensorType& x = *signature.input(0);
  if (!checkInts(signature, "perm", x.shape.rank, 0, x.shape.rank - 1, error)) return false;
  bool used[kMaxRank] = {};
  Shape shape;
  for (int64_t axis : signature.attrs.ints("perm")) {
    if (used[axis]) return reject(error, "attribute 'perm' names axis " + std::to_string(axis) + " twice");
    used[axis] = true;
    shape.push(x.shape[static_cast<int>(axis)]);
  }
  results = {{x.dtype, shape}};
  return true;
}

std::unique_ptr<Kernel> makeTranspose(const Node& node, const KernelConfig& config, std::string&) {
  const Tensor &x = node.in(0), &y = node.out();
  const std::vector<int64_t>& perm = node.attrs.ints("perm");
  int64_t stride[kMaxRank];
  for (int axis = 0; axis < y.type.shape.rank; ++axis)
    stride[axis] = x.stride[perm[static_cast<size_t>(axis)]];
  auto kernel = std::make_unique<CopyKernel>();
  kernel->add(x, 0, y, 0, StridedCopy(y.type.shape, stride, y.stride, dtypeBytes(x.dtype()), config.isa));
  return kernel;
}

//===-- slice
//----------------------------------------------------------------------------------------------------===//

bool inferSlice(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error)) return false;
  const TensorType& x = *signature.input(0);
  const int rank = x.shape.rank;
  if (!checkInts(signature, "starts", rank, 0, kMaxElements, error) ||
      !checkInts(signature, "sizes", rank, 0, kMaxElements, error) ||
      !checkInts(signature, "steps", rank, -kMaxElements, kMaxElements, error))
    return false;
  Shape shape;
  for (int axis = 0; axis < rank; ++axis) {
    const size_t a = static_cast<size_t>(axis);
    const int64_t start = signature.attrs.ints("starts")[a], size = signature.attrs.ints("sizes")[a];
    const int64_t step = signature.attrs.ints("steps")[a];
    if (step == 0) return reject(error, "the step of axis " + std::to_string(axis) + " is 0");
    // Room for further elements behind the first one, in the direction of the step.
    const int64_t room = step > 0 ? x.shape[axis] - 1 - start : start;
    if (size > 0 && (start >= x.shape[axis] || size - 1 > room / (step > 0 ? step : -step)))
      return reject(error, "the slice of axis " + std::to_string(axis) + " (start " + std::to_string(start) +
                               ", size " + std::to_string(size) + ", step " + std::to_string(step) +
                               ") leaves the length " + std::to_string(x.shape[axis]));
    shape.push(size);
  }
  results = {{x.dtype, shape}};
  return checkShape(shape, error);
}

std::unique_ptr<Kernel> makeSlice(const Node& node, const KernelConfig& config, std::string&) {
  const Tensor &x = node.in(0), &y = node.out();
  int64_t stride[kMaxRank], offset = 0;
  for (int axis = 0; axis < y.type.shape.rank; ++axis) {
    const size_t a = static_cast<size_t>(axis);
    stride[axis] = y.type.shape[axis] > 1 ? x.stride[axis] * node.attrs.ints("steps")[a] : 0;
    if (y.type.shape[axis] > 0) offset += x.stride[axis] * node.attrs.ints("starts")[a];
  }
  auto kernel = std::make_unique<CopyKernel>();
  kernel->add(x, offset, y, 0,
              StridedCopy(y.type.shape, stride, y.stride, dtypeBytes(x.dtype()), config.isa));
  return kernel;
}

//===-- expand, tile
//---------------------------------------------------------------------------------------------===//

bool inferExpand(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error)) return false;
  const TensorType& x = *signature.input(0);
  Shape target;
  if (!makeShape(signature.attrs.ints("shape"), target, error)) return false;
  // Both sides broadcast, as in ONNX: a 1 in `shape` keeps x's length.
  Shape shape;
  const int rank = std::max(target.rank, x.shape.rank);
  for (int axis = 0; axis < rank; ++axis) {
    const int axisX = axis - (rank - x.shape.rank), axisTarget = axis - (rank - target.rank);
    const int64_t a = axisX < 0 ? 1 : x.shape[axisX], b = axisTarget < 0 ? 1 : target[axisTarget];
    if (a != b && a != 1 && b != 1)
      return reject(error, "cannot expand " + toString(x.shape) + " to " + toString(target));
    shape.push(a == 1 ? b : a);
  }
  results = {{x.dtype, shape}};
  return checkShape(shape, error);
}

std::unique_ptr<Kernel> makeExpand(const Node& node, const KernelConfig& config, std::string&) {
  const Tensor &x = node.in(0), &y = node.out();
  int64_t stride[kMaxRank];
  broadcastStrides(x, y.type.shape, stride);
  auto kernel = std::make_unique<CopyKernel>();
  kernel->add(x, 0, y, 0, StridedCopy(y.type.shape, stride, y.stride, dtypeBytes(x.dtype()), config.isa));
  return kernel;
}

bool inferTile(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error)) return false;
  const TensorType& x = *signature.input(0);
  if (!checkInts(signature, "repeats", x.shape.rank, 0, kMaxElements, error)) return false;
  Shape shape;
  for (int axis = 0; axis < x.shape.rank; ++axis)
    shape.push(boundedProduct(x.shape[axis], signature.attrs.ints("repeats")[static_cast<size_t>(axis)]));
  results = {{x.dtype, shape}};
  return checkShape(shape, error);
}

std::unique_ptr<Kernel> makeTile(const Node& node, const KernelConfig& config, std::string&) {
  const Tensor &x = node.in(0), &y = node.out();
  // Each axis of y is (repeat, position); x stands still along repeat.
  int64_t dim[kMaxWalkRank], strideX[kMaxWalkRank], strideY[kMaxWalkRank];
  int rank = 0;
  for (int axis = 0; axis < x.type.shape.rank; ++axis) {
    dim[rank] = node.attrs.ints("repeats")[static_cast<size_t>(axis)];
    strideX[rank] = 0;
    strideY[rank++] = y.stride[axis] * x.type.shape[axis];
    dim[rank] = x.type.shape[axis];
    strideX[rank] = x.stride[axis];
    strideY[rank++] = y.stride[axis];
  }
  auto kernel = std::make_unique<CopyKernel>();
  kernel->add(x, 0, y, 0, StridedCopy(rank, dim, strideX, strideY, dtypeBytes(x.dtype()), config.isa));
  return kernel;
}

//===-- depth_to_space, space_to_depth
//---------------------------------------------------------------------------===//

namespace {
// Both ops move between a deep tensor [N, C*b*b, H, W] and a wide one [N, C, H*b, W*b]. Axes of the copy:
// n, c, h, row in block, w, column in block.
StridedCopy blockCopy(const Tensor& deep, const Tensor& wide, int64_t block, bool channelFirst, bool toWide,
                      size_t bytes, Isa isa) {
  const Shape& shape = deep.type.shape;
  const int64_t channels = wide.type.shape[1];
  const int64_t dim[6] = {shape[0], channels, shape[2], block, shape[3], block};
  // DCR: deep channel = (row * b + column) * C + c. CRD: deep channel = (c * b + row) * b + column.
  const int64_t stepC = channelFirst ? block * block : 1, stepColumn = channelFirst ? 1 : channels;
  const int64_t d = deep.stride[1];
  const int64_t deepStride[6] = {deep.stride[0],         d * stepC,      deep.stride[2],
                                 d * stepColumn * block, deep.stride[3], d * stepColumn};
  const int64_t wideStride[6] = {wide.stride[0], wide.stride[1],         wide.stride[2] * block,
                                 wide.stride[2], wide.stride[3] * block, wide.stride[3]};
  return toWide ? StridedCopy(6, dim, deepStride, wideStride, bytes, isa)
                : StridedCopy(6, dim, wideStride, deepStride, bytes, isa);
}
} // namespace

bool inferDepthToSpace(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error) || !checkInts(signature, "block", 1, 1, 1 << 15, error) ||
      !checkChoice(signature, "mode", "dcr crd", error))
    return false;
  const TensorType& x = *signature.input(0);
  const int64_t block = signature.attrs.integer("block");
  if (x.shape.rank != 4)
    return reject(error, "the operand must have 4 axes, it has " + std::to_string(x.shape.rank));
  if (x.shape[1] % (block * block) != 0)
    return reject(error, std::to_string(x.shape[1]) + " channels cannot be split into blocks of " +
                             std::to_string(block) + "x" + std::to_string(block));
  Shape shape{x.shape[0], x.shape[1] / (block * block), boundedProduct(x.shape[2], block),
              boundedProduct(x.shape[3], block)};
  results = {{x.dtype, shape}};
  return checkShape(shape, error);
}

std::unique_ptr<Kernel> makeDepthToSpace(const Node& node, const KernelConfig& config, std::string&) {
  const Tensor &x = node.in(0), &y = node.out();
  auto kernel = std::make_unique<CopyKernel>();
  kernel->add(x, 0, y, 0,
              blockCopy(x, y, node.attrs.integer("block"), node.attrs.text("mode") == "crd", true,
                        dtypeBytes(x.dtype()), config.isa));
  return kernel;
}

bool inferSpaceToDepth(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error) || !checkInts(signature, "block", 1, 1, 1 << 15, error))
    return false;
  const TensorType& x = *signature.input(0);
  const int64_t block = signature.attrs.integer("block");
  if (x.shape.rank != 4)
    return reject(error, "the operand must have 4 axes, it has " + std::to_string(x.shape.rank));
  if (x.shape[2] % block != 0 || x.shape[3] % block != 0)
    return reject(error, "the plane " + std::to_string(x.shape[2]) + "x" + std::to_string(x.shape[3]) +
                             " cannot be split into blocks of " + std::to_string(block));
  Shape shape{x.shape[0], boundedProduct(x.shape[1], block * block), x.shape[2] / block, x.shape[3] / block};
  results = {{x.dtype, shape}};
  return checkShape(shape, error);
}

std::unique_ptr<Kernel> makeSpaceToDepth(const Node& node, const KernelConfig& config, std::string&) {
  const Tensor &x = node.in(0), &y = node.out();
  auto kernel = std::make_unique<CopyKernel>();
  kernel->add(x, 0, y, 0,
              blockCopy(y, x, node.attrs.integer("block"), false, false, dtypeBytes(x.dtype()), config.isa));
  return kernel;
}

} // namespace burin::rt
