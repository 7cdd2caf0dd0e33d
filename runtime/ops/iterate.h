// Walking k tensors of one logical shape through their strides. The walk visits elements in row-major order
// of the axes given to it; adjacent axes that every tensor steps through evenly are merged, so that a dense
// tensor is one run.
#pragma once

#include "runtime/core/types.h"

#include <algorithm>
#include <cstdint>

namespace burin::rt {

// Ops that split axes in two (tile, depth_to_space) walk more axes than a tensor may have.
constexpr int kMaxWalkRank = 2 * kMaxRank;

template <int K>
class StridedWalk {
public:
  // strides[k][axis] is the step of tensor k, in elements, along `axis`; 0 repeats an element (broadcasting).
  StridedWalk(const Shape& shape, const int64_t* const (&strides)[K])
      : StridedWalk(shape.rank, shape.dim, strides) {}
  StridedWalk(int rank, const int64_t* dim, const int64_t* const (&strides)[K]) {
    for (int axis = 0; axis < rank; ++axis) {
      elements_ *= dim[axis];
      if (dim[axis] == 1) continue;
      for (int k = 0; k < K; ++k) stride_[k][rank_] = strides[k][axis];
      dim_[rank_++] = dim[axis];
    }
    merge();
  }
  StridedWalk() = default;

  int64_t elements() const { return elements_; }
  int rank() const { return rank_; }
  int64_t dim(int axis) const { return dim_[axis]; }
  int64_t stride(int k, int axis) const { return stride_[k][axis]; }

  // The innermost run: `runLength()` elements, `step(k)` apart in tensor k.
  int64_t runLength() const { return rank_ ? dim_[rank_ - 1] : elements_; }
  int64_t step(int k) const { return rank_ ? stride_[k][rank_ - 1] : 1; }
  int64_t runs() const { return runLength() ? elements_ / runLength() : 0; }

  // Reorders the axes so that tensor k is walked in its memory order. Only for work whose result does not
  // depend on the order of the visits. Axes where tensor k repeats become the outermost.
  void orderBy(int k) {
    for (int i = 1; i < rank_; ++i)
      for (int j = i; j > 0 && before(k, j, j - 1); --j) swapAxes(j, j - 1);
    merge();
  }

  // Calls body(offset, count) for the elements [begin, end) of the walk in runs; offset[k] is the place of
  // the first element of the run in tensor k, the next ones follow at step(k).
  template <class Body>
  void forRuns(int64_t begin, int64_t end, const Body& body) const {
    if (begin >= end || elements_ == 0) return;
    int64_t index[kMaxWalkRank] = {}, offset[K] = {};
    int64_t rest = begin;
    for (int axis = rank_ - 1; axis >= 0; --axis) {
      index[axis] = rest % dim_[axis];
      rest /= dim_[axis];
      for (int k = 0; k < K; ++k) offset[k] += index[axis] * stride_[k][axis];
    }
    const int64_t length = runLength();
    const int inner = rank_ - 1;
    while (begin < end) {
      int64_t count = std::min(length - (rank_ ? index[inner] : 0), end - begin);
      body(static_cast<const int64_t*>(offset), count);
      begin += count;
      if (begin >= end) return;
      for (int k = 0; k < K; ++k) offset[k] -= index[inner] * stride_[k][inner];
      index[inner] = 0;
      for (int axis = inner - 1; axis >= 0; --axis) {
        ++index[axis];
        for (int k = 0; k < K; ++k) offset[k] += stride_[k][axis];
        if (index[axis] < dim_[axis]) break;
        for (int k = 0; k < K; ++k) offset[k] -= index[axis] * stride_[k][axis];
        index[axis] = 0;
      }
    }
  }

  // Calls body(offset) for every element of [begin, end).
  template <class Body>
  void forEach(int64_t begin, int64_t end, const Body& body) const {
    forRuns(begin, end, [&](const int64_t* start, int64_t count) {
      int64_t offset[K];
      for (int k = 0; k < K; ++k) offset[k] = start[k];
      for (int64_t i = 0; i < count; ++i) {
        body(static_cast<const int64_t*>(offset));
        for (int k = 0; k < K; ++k) offset[k] += step(k);
      }
    });
  }
  template <class Body>
  void forEach(const Body& body) const {
    forEach(0, elements_, body);
  }

private:
  bool before(int k, int a, int b) const {
    int64_t strideA = stride_[k][a] < 0 ? -stride_[k][a] : stride_[k][a];
    int64_t strideB = stride_[k][b] < 0 ? -stride_[k][b] : stride_[k][b];
    if (strideB == 0) return false;
    return strideA == 0 || strideA > strideB;
  }
  void swapAxes(int a, int b) {
    std::swap(dim_[a], dim_[b]);
    for (int k = 0; k < K; ++k) std::swap(stride_[k][a], stride_[k][b]);
  }
  // Axis i and its inner neighbour are one axis when a step along i equals a full pass of the neighbour.
  void merge() {
    int last = 0;
    for (int axis = 1; axis < rank_; ++axis) {
      bool even = true;
      for (int k = 0; k < K; ++k) even = even && stride_[k][last] == stride_[k][axis] * dim_[axis];
      if (!even) ++last;
      dim_[last] = even ? dim_[last] * dim_[axis] : dim_[axis];
      for (int k = 0; k < K; ++k) stride_[k][last] = stride_[k][axis];
    }
    if (rank_) rank_ = last + 1;
  }

  int rank_ = 0;
  int64_t elements_ = 1;
  int64_t dim_[kMaxWalkRank] = {};
  int64_t stride_[K][kMaxWalkRank] = {};
};

// The steps of `t` when it is broadcast to `shape` (numpy: axes align at the end, length 1 repeats).
inline void broadcastStrides(const Tensor& t, const Shape& shape, int64_t* stride) {
  int lead = shape.rank - t.type.shape.rank;
  for (int axis = 0; axis < shape.rank; ++axis)
    stride[axis] = axis < lead || t.type.shape[axis - lead] == 1 ? 0 : t.stride[axis - lead];
}

// Walks one tensor in logical row-major order.
inline StridedWalk<1> walkOf(const Tensor& t) { return StridedWalk<1>(t.type.shape, {t.stride}); }

// The unsigned integer of a size in bytes.
template <size_t kBytes>
struct UnsignedOf;
template <>
struct UnsignedOf<1> {
  using type = uint8_t;
};
template <>
struct UnsignedOf<2> {
  using type = uint16_t;
};
template <>
struct UnsignedOf<4> {
  using type = uint32_t;
};
template <>
struct UnsignedOf<8> {
  using type = uint64_t;
};

// Calls body with a value of the unsigned integer type of `bytes` bytes: movement ops care for size alone.
template <class Body>
void dispatchBytes(size_t bytes, const Body& body) {
  switch (bytes) {
  case 1:
    body(uint8_t{});
    break;
  case 2:
    body(uint16_t{});
    break;
  case 4:
    body(uint32_t{});
    break;
  default:
    body(uint64_t{});
    break;
  }
}

// Calls body with a value of the C++ type of `dtype`; F16 and BF16 are not computed with here (returns
// false).
template <class Body>
bool dispatchType(DType dtype, const Body& body) {
  switch (dtype) {
  case DType::F32:
    body(float{});
    return true;
  case DType::I8:
    body(int8_t{});
    return true;
  case DType::U8:
  case DType::Bool:
    body(uint8_t{});
    return true;
  case DType::I16:
    body(int16_t{});
    return true;
  case DType::U16:
    body(uint16_t{});
    return true;
  case DType::I32:
    body(int32_t{});
    return true;
  case DType::U32:
    body(uint32_t{});
    return true;
  case DType::I64:
    body(int64_t{});
    return true;
  case DType::U64:
    body(uint64_t{});
    return true;
  default:
    return false;
  }
}

} // namespace burin::rt
