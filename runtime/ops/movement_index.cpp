// Movement whose source depends on the position or on data: trilu, reverse_sequence, one_hot.
#include "runtime/ops/index_reader.h"
#include "runtime/ops/movement_ops.h"

namespace burin::rt {

//===-- trilu
//----------------------------------------------------------------------------------------------------===//

bool inferTrilu(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 1, 1, error) ||
      !checkInts(signature, "k", 1, -kMaxElements, kMaxElements, error) ||
      !checkInts(signature, "upper", 1, 0, 1, error))
    return false;
  const TensorType& x = *signature.input(0);
  if (x.shape.rank < 2)
    return reject(error, "the operand must have at least 2 axes, it has " + std::to_string(x.shape.rank));
  results = {x};
  return true;
}

namespace {
void runTrilu(const Node& node, Context& context) {
  const Tensor &x = node.in(0), &y = node.out();
  const Shape& shape = x.type.shape;
  const int64_t rows = shape[shape.rank - 2], columns = shape[shape.rank - 1];
  if (shape.elements() == 0) return;
  const int64_t k = node.attrs.integer("k"), stepX = x.stride[shape.rank - 1],
                stepY = y.stride[shape.rank - 1];
  const bool upper = node.attrs.integer("upper") != 0;
  Shape lines = shape;
  lines[shape.rank - 1] = 1;
  const StridedWalk<2> walk(lines, {x.stride, y.stride});
  dispatchBytes(dtypeBytes(x.dtype()), [&](auto tag) {
    using T = decltype(tag);
    context.pool.parallelFor(
        lines.elements(), std::max<int64_t>(1, 4096 / columns), [&](int64_t begin, int64_t end, int) {
          int64_t line = begin;
          walk.forEach(begin, end, [&](const int64_t* offset) {
            const int64_t row = line++ % rows;
            for (int64_t column = 0; column < columns; ++column) {
              const bool kept = upper ? column >= row + k : column <= row + k;
              y.as<T>()[offset[1] + column * stepY] = kept ? x.as<T>()[offset[0] + column * stepX] : T{0};
            }
          });
        });
  });
}
} // namespace

std::unique_ptr<Kernel> makeTrilu(const Node& node, const KernelConfig&, std::string&) {
  return makeFunctionKernel(node, runTrilu);
}

//===-- reverse_sequence
//-----------------------------------------------------------------------------------------===//

bool inferReverseSequence(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 2, 2, error)) return false;
  const TensorType &x = *signature.input(0), &lengths = *signature.input(1);
  if (!checkAxis(signature, "batch_axis", x.shape.rank, error) ||
      !checkAxis(signature, "time_axis", x.shape.rank, error) || !checkIndexType(lengths, "lengths", error))
    return false;
  const int batch = static_cast<int>(signature.attrs.integer("batch_axis"));
  if (batch == signature.attrs.integer("time_axis"))
    return reject(error, "batch_axis and time_axis are the same axis");
  if (lengths.shape != Shape{x.shape[batch]})
    return reject(error, "lengths of shape " + toString(lengths.shape) +
                             " must hold one number for each of the " + std::to_string(x.shape[batch]) +
                             " sequences");
  results = {x};
  return true;
}

namespace {
void runReverseSequence(const Node& node, Context& context) {
  const Tensor &x = node.in(0), &y = node.out(), &lengths = node.in(1);
  const int batchAxis = static_cast<int>(node.attrs.integer("batch_axis"));
  const int timeAxis = static_cast<int>(node.attrs.integer("time_axis"));
  const int64_t batches = x.type.shape[batchAxis], steps = x.type.shape[timeAxis];
  const IndexReader read(lengths);
  for (int64_t b = 0; b < batches; ++b) {
    const int64_t length = read(b * lengths.stride[0]);
    if (length < 0 || length > steps)
      return context.fail("a sequence length is negative or longer than the time axis");
  }
  Shape step = x.type.shape;
  step[batchAxis] = step[timeAxis] = 1;
  const StridedCopy copy(step, x.stride, y.stride, dtypeBytes(x.dtype()), Isa::Portable);
  context.pool.parallelFor(batches * steps, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t b = i / steps, t = i % steps, length = read(b * lengths.stride[0]);
      const int64_t source = t < length ? length - 1 - t : t;
      copy.run(elementAt(x, b * x.stride[batchAxis] + source * x.stride[timeAxis]),
               elementAt(y, b * y.stride[batchAxis] + t * y.stride[timeAxis]));
    }
  });
}
} // namespace

std::unique_ptr<Kernel> makeReverseSequence(const Node& node, const KernelConfig&, std::string&) {
  return makeFunctionKernel(node, runReverseSequence);
}

//===-- one_hot
//--------------------------------------------------------------------------------------------------===//

bool inferOneHot(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 2, 2, error)) return false;
  const TensorType &index = *signature.input(0), &values = *signature.input(1);
  if (!checkInts(signature, "depth", 1, 0, kMaxElements, error) ||
      !checkInts(signature, "axis", 1, 0, index.shape.rank, error))
    return false;
  if (!isInteger(index.dtype) && index.dtype != DType::F32)
    return reject(error, std::string("index has element type ") + dtypeName(index.dtype) +
                             "; an integer or f32 is needed");
  if (values.shape != Shape{2})
    return reject(error, "values has shape " + toString(values.shape) + "; it must be [off, on]");
  if (index.shape.rank == kMaxRank) return reject(error, "the result has too many axes");
  Shape shape;
  const int axis = static_cast<int>(signature.attrs.integer("axis"));
  for (int i = 0; i <= index.shape.rank; ++i)
    shape.push(i < axis ? index.shape[i] : i == axis ? signature.attrs.integer("depth") : index.shape[i - 1]);
  results = {{values.dtype, shape}};
  return checkShape(shape, error);
}

namespace {
void runOneHot(const Node& node, Context& context) {
  const Tensor &index = node.in(0), &values = node.in(1), &y = node.out();
  const int axis = static_cast<int>(node.attrs.integer("axis"));
  const int64_t depth = node.attrs.integer("depth");
  int64_t outer[kMaxRank] = {}; // y's strides without `axis`
  for (int i = 0, n = 0; i < y.type.shape.rank; ++i)
    if (i != axis) outer[n++] = y.stride[i];
  const StridedWalk<2> walk(index.type.shape, {index.stride, outer});
  const IndexReader read(index);
  dispatchBytes(dtypeBytes(y.dtype()), [&](auto tag) {
    using T = decltype(tag);
    const T off = values.as<T>()[0], on = values.as<T>()[values.stride[0]];
    context.pool.parallelFor(walk.elements(), std::max<int64_t>(1, 4096 / (depth + 1)),
                             [&](int64_t begin, int64_t end, int) {
                               walk.forEach(begin, end, [&](const int64_t* offset) {
                                 int64_t hot = read(offset[0]);
                                 if (hot < 0) hot += depth;
                                 for (int64_t d = 0; d < depth; ++d)
                                   y.as<T>()[offset[1] + d * y.stride[axis]] = d == hot ? on : off;
                               });
                             });
  });
}
} // namespace

std::unique_ptr<Kernel> makeOneHot(const Node& node, const KernelConfig&, std::string&) {
  return makeFunctionKernel(node, runOneHot);
}

} // namespace burin::rt
