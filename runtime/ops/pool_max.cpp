// nn.max_pool, nn.max_pool_index, nn.max_unpool. A maximum starts with the window's first element and changes
// only for a greater one, in row-major order: ties keep the first, and NaN stays where it comes first.
#include "runtime/kernels/data_kernels.h"
#include "runtime/ops/index_reader.h"
#include "runtime/ops/iterate.h"
#include "runtime/ops/movement_ops.h"
#include "runtime/ops/pool_ops.h"
#include "runtime/ops/pool_rows.h"

#include <limits>

namespace burin::rt {

bool inferMaxPool(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  Shape shape;
  if (!inferPoolShape(signature, shape, error)) return false;
  results = {{signature.input(0)->dtype, shape}};
  return true;
}

bool inferMaxPoolIndex(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!inferMaxPool(signature, results, error)) return false;
  results.push_back({DType::I64, results[0].shape});
  return true;
}

namespace {
template <class T>
T lowest() {
  return std::numeric_limits<T>::has_infinity ? static_cast<T>(-std::numeric_limits<T>::infinity())
                                              : std::numeric_limits<T>::lowest();
}

bool checkComputable(const Node& node, std::string& error) {
  const DType dtype = node.in(0).dtype();
  if (dtype == DType::F32 || !isFloat(dtype)) return true;
  return reject(error, "16-bit floats need a cast to f32");
}

void runMaxPool(const Node& node, Context& context) {
  const Tensor &x = node.in(0), &y = node.out();
  const PoolGeometry g = poolGeometry(node.attrs, x, y);
  dispatchType(x.dtype(), [&](auto tag) {
    using T = decltype(tag);
    context.pool.parallelFor(y.type.shape.elements(), 256, [&](int64_t begin, int64_t end, int) {
      forPoolOutputs(g, begin, end, [&](int64_t placeX, int64_t placeY, const int64_t* position) {
        T best = lowest<T>();
        forWindow(g, position, [&](int64_t offset) {
          const T value = x.as<T>()[placeX + offset];
          if (value > best) best = value;
        });
        y.as<T>()[placeY] = best;
      });
    });
  });
}

// The number of an element in a plane whose axes have these steps.
struct PlaneIndex {
  int64_t step[3];
  explicit PlaneIndex(const PoolGeometry& g, bool columnMajor) {
    int64_t span = 1;
    for (int i = 0; i < 3; ++i) {
      const int axis = columnMajor ? i : 2 - i;
      step[axis] = span;
      span *= g.axis[axis].input;
    }
  }
};

// The geometry of a tensor of numbers: element (n, c, position) is at its own flat index.
PoolGeometry indexGeometry(const PoolGeometry& g, bool columnMajor) {
  PoolGeometry flat = g;
  const PlaneIndex plane(g, columnMajor);
  const int64_t span = g.axis[0].input * g.axis[1].input * g.axis[2].input;
  for (int axis = 0; axis < 3; ++axis) flat.axis[axis].stepX = plane.step[axis];
  flat.channelX = span;
  flat.batchX = span * g.channels;
  return flat;
}

void runMaxPoolIndex(const Node& node, Context& context) {
  const Tensor &x = node.in(0), &y = node.out(0), &index = node.out(1);
  const PoolGeometry g = poolGeometry(node.attrs, x, y), places = poolGeometry(node.attrs, x, index);
  const PoolGeometry flat = indexGeometry(g, node.attrs.integer("column_major") != 0);
  dispatchType(x.dtype(), [&](auto tag) {
    using T = decltype(tag);
    context.pool.parallelFor(y.type.shape.elements(), 256, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        int64_t bestTap = -1, tap = 0, placeIndex = 0, flatPlane = 0, flatBest = 0;
        T best = lowest<T>();
        forPoolOutputs(g, i, i + 1, [&](int64_t placeX, int64_t placeY, const int64_t* position) {
          forWindow(g, position, [&](int64_t offset) {
            const T value = x.as<T>()[placeX + offset];
            if (bestTap < 0) bestTap = tap; // an index even where no element is greater than -infinity
            if (value > best) best = value, bestTap = tap;
            ++tap;
          });
          y.as<T>()[placeY] = best;
          tap = 0;
          forWindow(flat, position, [&](int64_t offset) { flatBest = tap++ == bestTap ? offset : flatBest; });
        });
        forPoolOutputs(places, i, i + 1, [&](int64_t, int64_t place, const int64_t*) { placeIndex = place; });
        forPoolOutputs(flat, i, i + 1, [&](int64_t plane, int64_t, const int64_t*) { flatPlane = plane; });
        index.as<int64_t>()[placeIndex] = flatPlane + flatBest;
      }
    });
  });
}
} // namespace

namespace {
using MaxTaps = void (*)(const void* const* taps, int64_t count, void* y, int64_t width);

MaxTaps maxTapsOf(const DataKernels& kernels, DType dtype) {
  switch (dtype) {
  case DType::F32:
    return kernels.maxF32;
  case DType::I8:
    return kernels.maxI8;
  case DType::U8:
  case DType::Bool:
    return kernels.maxU8;
  default:
    return nullptr;
  }
}

class MaxPoolRows final : public Kernel {
public:
  MaxPoolRows(const Node& node, const PoolGeometry& geometry, MaxTaps maximum)
      : node_(node), geometry_(geometry), maximum_(maximum) {}
  void run(Context& context) override {
    const Tensor &x = node_.in(0), &y = node_.out();
    dispatchBytes(dtypeBytes(x.dtype()), [&](auto tag) {
      using T = decltype(tag);
      forPoolRows(geometry_, x.as<T>(), y.as<T>(), context.pool,
                  [&](const T* const* taps, int64_t count, T* to, const int64_t*) {
                    maximum_(reinterpret_cast<const void* const*>(taps), count, to, geometry_.channels);
                  });
    });
  }
  const char* name() const override { return "max-rows"; }

private:
  const Node& node_;
  PoolGeometry geometry_;
  MaxTaps maximum_;
};
} // namespace

std::unique_ptr<Kernel> makeMaxPool(const Node& node, const KernelConfig& config, std::string& error) {
  if (!checkComputable(node, error)) return nullptr;
  const DataKernels* kernels = dataKernels(config.isa);
  const PoolGeometry geometry = poolGeometry(node.attrs, node.in(0), node.out());
  const MaxTaps maximum = kernels ? maxTapsOf(*kernels, node.in(0).dtype()) : nullptr;
  if (maximum && poolsRows(geometry)) return std::make_unique<MaxPoolRows>(node, geometry, maximum);
  return makeFunctionKernel(node, runMaxPool);
}

std::unique_ptr<Kernel> makeMaxPoolIndex(const Node& node, const KernelConfig&, std::string& error) {
  return checkComputable(node, error) ? makeFunctionKernel(node, runMaxPoolIndex) : nullptr;
}

//===-- max_unpool
//-----------------------------------------------------------------------------------------------===//

bool inferMaxUnpool(const Signature& signature, std::vector<TensorType>& results, std::string& error) {
  if (!checkInputs(signature, 2, 2, error)) return false;
  const TensorType &x = *signature.input(0), &index = *signature.input(1);
  if (!checkIndexType(index, "index", error)) return false;
  if (index.shape != x.shape)
    return reject(error, "index of shape " + toString(index.shape) + " must have the shape " +
                             toString(x.shape) + " of the data");
  Shape shape;
  if (!checkInts(signature, "sizes", x.shape.rank, 0, kMaxElements, error) ||
      !makeShape(signature.attrs.ints("sizes"), shape, error))
    return false;
  results = {{x.dtype, shape}};
  return true;
}

namespace {
void runMaxUnpool(const Node& node, Context& context) {
  const Tensor &x = node.in(0), &index = node.in(1), &y = node.out();
  const int64_t elements = y.type.shape.elements();
  const IndexReader read(index);
  bool fit = true;
  walkOf(index).forEach([&](const int64_t* offset) {
    const int64_t i = read(offset[0]);
    fit = fit && i >= 0 && i < elements;
  });
  if (!fit) return context.fail("max_unpool: an index is out of range");
  const StridedWalk<1> target = walkOf(y);
  const StridedWalk<2> walk(x.type.shape, {x.stride, index.stride});
  dispatchBytes(dtypeBytes(x.dtype()), [&](auto tag) {
    using T = decltype(tag);
    target.forEach([&](const int64_t* offset) { y.as<T>()[offset[0]] = 0; });
    walk.forEach([&](const int64_t* offset) {
      const T value = x.as<T>()[offset[0]];
      const int64_t i = read(offset[1]);
      target.forEach(i, i + 1, [&](const int64_t* place) { y.as<T>()[place[0]] = value; });
    });
  });
}
} // namespace

std::unique_ptr<Kernel> makeMaxUnpool(const Node& node, const KernelConfig&, std::string&) {
  return makeFunctionKernel(node, runMaxUnpool);
}

} // namespace burin::rt
