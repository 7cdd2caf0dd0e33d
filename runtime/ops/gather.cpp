// nn.gather, nn.gather_elements, nn.gather_nd and the table of this family.
#include "runtime/ops/gather_ops.h"

namespace burin::rt {

bool indicesFit(const Tensor& index, int64_t length) {
  const IndexReader read(index);
  bool fit = true;
  walkOf(index).forEach([&](const int64_t* offset) { fit = fit && wrapIndex(read(offset[0]), length) >= 0; });
  return fit;
}

bool TupleReader::allFit() const {
  Shape tuples = index_.type.shape;
  --tuples.rank;
  bool fit = true;
  StridedWalk<1>(tuples, {index_.stride}).forEach([&](const int64_t* offset) {
    fit = fit && place(offset[0]) >= 0;
  });
  return fit;
}

//===-- gather
//---------------------------------------------------------------------------------------------------===//

bool inferGather(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 2, 2, error)) return false;
  const TensorType &x = *signature.input(0), &index = *signature.input(1);
  if (!checkAxis(signature, "axis", x.shape.rank, error) || !checkIndexType(index, "index", error))
    return false;
  const int axis = static_cast<int>(signature.attrs.integer("axis"));
  std::vector<int64_t> dims(x.shape.dim, x.shape.dim + axis);
  dims.insert(dims.end(), index.shape.dim, index.shape.dim + index.shape.rank);
  dims.insert(dims.end(), x.shape.dim + axis + 1, x.shape.dim + x.shape.rank);
  Shape shape;
  if (!makeShape(dims, shape, error)) return false;
  results = {{x.dtype, shape}};
  return true;
}

namespace {
// Copies the slab of x at each index into its place in y.
class GatherKernel final : public Kernel {
public:
  GatherKernel(const Node& node, Isa isa) : node_(node), axis_(static_cast<int>(node.attrs.integer("axis"))) {
    const Tensor &x = node.in(0), &index = node.in(1), &y = node.out();
    Shape slab = x.type.shape;
    int64_t stepY[kMaxRank];
    for (int i = 0; i < slab.rank; ++i)
      stepY[i] = i == axis_ ? 0 : y.stride[i < axis_ ? i : i + index.type.shape.rank - 1];
    slab[axis_] = 1;
    slab_ = StridedCopy(slab, x.stride, stepY, dtypeBytes(x.dtype()), isa);
    slabElements_ = slab.elements();
    walk_ = StridedWalk<2>(index.type.shape, {index.stride, y.stride + axis_});
  }
  void run(Context& context) override {
    const Tensor &x = node_.in(0), &index = node_.in(1), &y = node_.out();
    const int64_t length = x.type.shape[axis_], step = x.stride[axis_];
    if (slabElements_ == 0) return;
    if (!indicesFit(index, length)) return context.fail("gather: an index is out of range");
    const IndexReader read(index);
    if (walk_.elements() == 1) {
      walk_.forEach([&](const int64_t* offset) {
        slab_.run(elementAt(x, wrapIndex(read(offset[0]), length) * step), y.data, context.pool);
      });
      return;
    }
    context.pool.parallelFor(walk_.elements(), std::max<int64_t>(1, 8192 / slabElements_),
                             [&](int64_t begin, int64_t end, int) {
                               walk_.forEach(begin, end, [&](const int64_t* offset) {
                                 const int64_t place = wrapIndex(read(offset[0]), length) * step;
                                 slab_.run(elementAt(x, place), elementAt(y, offset[1]));
                               });
                             });
  }
  const char* name() const override { return slab_.name(); }

private:
  const Node& node_;
  int axis_;
  StridedCopy slab_;
  int64_t slabElements_ = 0;
  StridedWalk<2> walk_; // index, y
};
} // namespace

std::unique_ptr<Kernel> makeGather(const Node& node, const KernelConfig& config, std::string&) {
  return std::make_unique<GatherKernel>(node, config.isa);
}

//===-- gather_elements
//------------------------------------------------------------------------------------------===//

bool inferGatherElements(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 2, 2, error)) return false;
  const TensorType &x = *signature.input(0), &index = *signature.input(1);
  if (!checkAxis(signature, "axis", x.shape.rank, error) || !checkIndexType(index, "index", error))
    return false;
  if (index.shape.rank != x.shape.rank)
    return reject(error, "index has " + std::to_string(index.shape.rank) + " axes, the data " +
                             std::to_string(x.shape.rank));
  for (int axis = 0; axis < x.shape.rank; ++axis)
    if (axis != signature.attrs.integer("axis") && index.shape[axis] > x.shape[axis])
      return reject(error, "index of shape " + toString(index.shape) + " is longer than the data " +
                               toString(x.shape) + " on axis " + std::to_string(axis));
  results = {{x.dtype, index.shape}};
  return true;
}

namespace {
void runGatherElements(const Node& node, Context& context) {
  const Tensor &x = node.in(0), &index = node.in(1), &y = node.out();
  const int axis = static_cast<int>(node.attrs.integer("axis"));
  const int64_t length = x.type.shape[axis], step = x.stride[axis];
  if (!indicesFit(index, length)) return context.fail("gather_elements: an index is out of range");
  int64_t others[kMaxRank]; // x's strides, standing still along `axis`
  for (int i = 0; i < x.type.shape.rank; ++i) others[i] = i == axis ? 0 : x.stride[i];
  const StridedWalk<3> walk(index.type.shape, {index.stride, others, y.stride});
  const IndexReader read(index);
  dispatchBytes(dtypeBytes(x.dtype()), [&](auto tag) {
    using T = decltype(tag);
    context.pool.parallelFor(walk.elements(), 4096, [&](int64_t begin, int64_t end, int) {
      walk.forEach(begin, end, [&](const int64_t* offset) {
        y.as<T>()[offset[2]] = x.as<T>()[offset[1] + wrapIndex(read(offset[0]), length) * step];
      });
    });
  });
}
} // namespace

std::unique_ptr<Kernel> makeGatherElements(const Node& node, const KernelConfig&, std::string&) {
  return makeFunctionKernel(node, runGatherElements);
}

//===-- gather_nd
//------------------------------------------------------------------------------------------------===//

bool inferGatherND(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 2, 2, error)) return false;
  const TensorType &x = *signature.input(0), &index = *signature.input(1);
  if (!checkIndexType(index, "index", error)) return false;
  if (x.shape.rank == 0 || index.shape.rank == 0)
    return reject(error, "both operands need at least one axis");
  if (!checkInts(signature, "batch_dims", 1, 0, std::min(x.shape.rank, index.shape.rank) - 1, error))
    return false;
  const int batch = static_cast<int>(signature.attrs.integer("batch_dims"));
  const int64_t count = index.shape[index.shape.rank - 1];
  if (count > x.shape.rank - batch)
    return reject(error, "index tuples of " + std::to_string(count) +
                             " numbers address more axes than the data " + toString(x.shape) +
                             " have after " + std::to_string(batch) + " batch axes");
  for (int axis = 0; axis < batch; ++axis)
    if (x.shape[axis] != index.shape[axis])
      return reject(error, "batch axis " + std::to_string(axis) + " differs: data " + toString(x.shape) +
                               ", index " + toString(index.shape));
  std::vector<int64_t> dims(index.shape.dim, index.shape.dim + index.shape.rank - 1);
  dims.insert(dims.end(), x.shape.dim + batch + count, x.shape.dim + x.shape.rank);
  Shape shape;
  if (!makeShape(dims, shape, error)) return false;
  results = {{x.dtype, shape}};
  return true;
}

namespace {
class GatherNDKernel final : public Kernel {
public:
  GatherNDKernel(const Node& node, Isa isa)
      : node_(node), batch_(static_cast<int>(node.attrs.integer("batch_dims"))) {
    const Tensor &x = node.in(0), &index = node.in(1), &y = node.out();
    Shape tuples = index.type.shape;
    const int64_t count = tuples[--tuples.rank];
    int64_t batchStride[kMaxRank] = {}; // of x, along the tuples' axes
    for (int i = 0; i < batch_; ++i) batchStride[i] = x.stride[i];
    walk_ = StridedWalk<3>(tuples, {index.stride, batchStride, y.stride});
    const int first = batch_ + static_cast<int>(count);
    slab_ = StridedCopy(x.type.shape.rank - first, x.type.shape.dim + first, x.stride + first,
                        y.stride + tuples.rank, dtypeBytes(x.dtype()), isa);
  }
  void run(Context& context) override {
    const Tensor &x = node_.in(0), &index = node_.in(1), &y = node_.out();
    const TupleReader tuple(index, x, batch_);
    if (!tuple.allFit()) return context.fail("gather_nd: an index is out of range");
    context.pool.parallelFor(walk_.elements(), 256, [&](int64_t begin, int64_t end, int) {
      walk_.forEach(begin, end, [&](const int64_t* offset) {
        slab_.run(elementAt(x, offset[1] + tuple.place(offset[0])), elementAt(y, offset[2]));
      });
    });
  }
  const char* name() const override { return slab_.name(); }

private:
  const Node& node_;
  int batch_;
  StridedWalk<3> walk_; // index, x, y
  StridedCopy slab_;
};
} // namespace

std::unique_ptr<Kernel> makeGatherND(const Node& node, const KernelConfig& config, std::string&) {
  return std::make_unique<GatherNDKernel>(node, config.isa);
}

static const OpDef kOps[] = {
    {"nn.gather", inferGather, makeGather},
    {"nn.gather_elements", inferGatherElements, makeGatherElements},
    {"nn.gather_nd", inferGatherND, makeGatherND},
    {"nn.scatter_elements", inferScatterElements, makeScatterElements},
    {"nn.scatter_nd", inferScatterND, makeScatterND},
};
extern const OpTable kGatherOps;
const OpTable kGatherOps = {kOps, sizeof kOps / sizeof *kOps};

} // namespace burin::rt
