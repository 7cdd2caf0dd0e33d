// nn.scatter_elements and nn.scatter_nd. Updates are folded in one after the other in row-major order of the
// updates, so that repeated indices give one result on any number of threads.
#include "runtime/ops/gather_ops.h"

namespace burin::rt {

Reduction parseReduction(const std::string& name) {
  if (name == "add") return Reduction::Add;
  if (name == "mul") return Reduction::Mul;
  if (name == "min") return Reduction::Min;
  if (name == "max") return Reduction::Max;
  return Reduction::None;
}

namespace {
bool checkScatter(const Signature& signature, std::string& error) {
  if (!checkInputs(signature, 3, 3, error)) return false;
  const TensorType &x = *signature.input(0), &index = *signature.input(1), &updates = *signature.input(2);
  if (!checkIndexType(index, "index", error) ||
      !checkChoice(signature, "reduction", "none add mul min max", error))
    return false;
  if (updates.dtype != x.dtype)
    return reject(error, std::string("updates are ") + dtypeName(updates.dtype) + ", the data " +
                             dtypeName(x.dtype));
  return true;
}

// Without a reduction only the size of an element matters, so any type can be scattered.
bool canReduce(const Node& node, std::string& error) {
  const DType dtype = node.in(0).dtype();
  if (node.attrs.text("reduction") == "none" || dtype == DType::F32 || !isFloat(dtype)) return true;
  return reject(error, "a reduction of 16-bit floats needs a cast to f32");
}

// Products and sums of integers wrap: they are formed in an unsigned type of at least int's width.
template <class T>
struct Wrapping {
  using type = T;
};
template <>
struct Wrapping<int32_t> {
  using type = uint32_t;
};
template <>
struct Wrapping<int64_t> {
  using type = uint64_t;
};
template <>
struct Wrapping<uint16_t> {
  using type = uint32_t; // the product of two would overflow int
};

template <class T>
T fold(Reduction reduction, T old, T update) {
  using W = typename Wrapping<T>::type;
  if (reduction == Reduction::Add || reduction == Reduction::Mul)
    return static_cast<T>(reduceElement<W>(reduction, static_cast<W>(old), static_cast<W>(update)));
  return reduceElement<T>(reduction, old, update);
}

template <class Body>
void dispatchScatter(DType dtype, Reduction reduction, const Body& body) {
  if (reduction == Reduction::None)
    dispatchBytes(dtypeBytes(dtype), body);
  else
    dispatchType(dtype, body);
}

void copyAll(const Tensor& x, const Tensor& y, Context& context) {
  if (x.data == y.data) return;
  StridedCopy(x.type.shape, x.stride, y.stride, dtypeBytes(x.dtype()), Isa::Portable)
      .run(x.data, y.data, context.pool);
}
} // namespace

//===-- scatter_elements
//-----------------------------------------------------------------------------------------===//

bool inferScatterElements(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkScatter(signature, error)) return false;
  const TensorType &x = *signature.input(0), &index = *signature.input(1), &updates = *signature.input(2);
  if (!checkAxis(signature, "axis", x.shape.rank, error)) return false;
  if (index.shape != updates.shape || index.shape.rank != x.shape.rank)
    return reject(error, "index " + toString(index.shape) + " and updates " + toString(updates.shape) +
                             " must have one shape of as many axes as the data " + toString(x.shape));
  for (int axis = 0; axis < x.shape.rank; ++axis)
    if (axis != signature.attrs.integer("axis") && index.shape[axis] > x.shape[axis])
      return reject(error, "index of shape " + toString(index.shape) + " is longer than the data " +
                               toString(x.shape) + " on axis " + std::to_string(axis));
  results = {x};
  return true;
}

namespace {
void runScatterElements(const Node& node, Context& context) {
  const Tensor &x = node.in(0), &index = node.in(1), &updates = node.in(2), &y = node.out();
  const int axis = static_cast<int>(node.attrs.integer("axis"));
  const int64_t length = y.type.shape[axis], step = y.stride[axis];
  if (!indicesFit(index, length)) return context.fail("scatter_elements: an index is out of range");
  copyAll(x, y, context);
  int64_t others[kMaxRank]; // y's strides, standing still along `axis`
  for (int i = 0; i < y.type.shape.rank; ++i) others[i] = i == axis ? 0 : y.stride[i];
  const StridedWalk<3> walk(index.type.shape, {index.stride, updates.stride, others});
  const IndexReader read(index);
  const Reduction reduction = parseReduction(node.attrs.text("reduction"));
  dispatchScatter(y.dtype(), reduction, [&](auto tag) {
    using T = decltype(tag);
    walk.forEach([&](const int64_t* offset) {
      T& element = y.as<T>()[offset[2] + wrapIndex(read(offset[0]), length) * step];
      element = fold<T>(reduction, element, updates.as<T>()[offset[1]]);
    });
  });
}
} // namespace

std::unique_ptr<Kernel> makeScatterElements(const Node& node, const KernelConfig&, std::string& error) {
  return canReduce(node, error) ? makeFunctionKernel(node, runScatterElements) : nullptr;
}

//===-- scatter_nd
//-----------------------------------------------------------------------------------------------===//

bool inferScatterND(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkScatter(signature, error)) return false;
  const TensorType &x = *signature.input(0), &index = *signature.input(1), &updates = *signature.input(2);
  if (x.shape.rank == 0 || index.shape.rank == 0)
    return reject(error, "data and index need at least one axis");
  const int64_t count = index.shape[index.shape.rank - 1];
  if (count > x.shape.rank)
    return reject(error, "index tuples of " + std::to_string(count) +
                             " numbers address more axes than the data " + toString(x.shape) + " have");
  std::vector<int64_t> dims(index.shape.dim, index.shape.dim + index.shape.rank - 1);
  dims.insert(dims.end(), x.shape.dim + count, x.shape.dim + x.shape.rank);
  Shape expected;
  if (!makeShape(dims, expected, error)) return false;
  if (updates.shape != expected)
    return reject(error,
                  "updates of shape " + toString(updates.shape) + " must have shape " + toString(expected));
  results = {x};
  return true;
}

namespace {
void runScatterND(const Node& node, Context& context) {
  const Tensor &x = node.in(0), &index = node.in(1), &updates = node.in(2), &y = node.out();
  const TupleReader tuple(index, y, 0);
  if (!tuple.allFit()) return context.fail("scatter_nd: an index is out of range");
  copyAll(x, y, context);
  Shape tuples = index.type.shape;
  --tuples.rank;
  const StridedWalk<2> walk(tuples, {index.stride, updates.stride});
  const StridedWalk<2> slab(y.type.shape.rank - tuple.count(), y.type.shape.dim + tuple.count(),
                            {updates.stride + tuples.rank, y.stride + tuple.count()});
  const Reduction reduction = parseReduction(node.attrs.text("reduction"));
  dispatchScatter(y.dtype(), reduction, [&](auto tag) {
    using T = decltype(tag);
    walk.forEach([&](const int64_t* offset) {
      const T* from = updates.as<T>() + offset[1];
      T* to = y.as<T>() + tuple.place(offset[0]);
      slab.forEach([&](const int64_t* at) { to[at[1]] = fold<T>(reduction, to[at[1]], from[at[0]]); });
    });
  });
}
} // namespace

std::unique_ptr<Kernel> makeScatterND(const Node& node, const KernelConfig&, std::string& error) {
  return canReduce(node, error) ? makeFunctionKernel(node, runScatterND) : nullptr;
}

} // namespace burin::rt
