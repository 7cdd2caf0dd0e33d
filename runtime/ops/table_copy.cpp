#include "runtime/ops/table_copy.h"

#include "runtime/ops/iterate.h"

#include <algorithm>
#include <cstring>

namespace burin::rt {

TableCopy::TableCopy(const Shape& shape, const int64_t* targetStride, const std::vector<int64_t>* places,
                     size_t bytes, Isa isa)
    : bytes_(bytes) {
  int order[kMaxRank] = {};
  for (int axis = 0; axis < shape.rank; ++axis)
    if (shape[axis] != 1 || places[axis][0] != 0) order[rank_++] = axis;
  if (isa != Isa::Reference) // in the target's memory order; axes of length 1 first, as they are never runs
    std::sort(order, order + rank_, [&](int a, int b) {
      const int64_t strideA = shape[a] == 1 ? INT64_MAX : targetStride[a];
      const int64_t strideB = shape[b] == 1 ? INT64_MAX : targetStride[b];
      return strideA != strideB ? strideA > strideB : a < b;
    });
  for (int i = 0; i < rank_; ++i) {
    dim_[i] = shape[order[i]];
    stride_[i] = targetStride[order[i]];
    place_[i] = places[order[i]];
  }
  if (rank_ == 0) { // one element
    rank_ = 1;
    dim_[0] = shape.elements() == 0 ? 0 : 1;
    place_[0] = {0};
  }
  for (int i = 0; i + 1 < rank_; ++i) rows_ *= dim_[i];
  const int inner = rank_ - 1;
  contiguous_ = isa != Isa::Reference && stride_[inner] == 1;
  for (int64_t i = 1; i < dim_[inner] && contiguous_; ++i)
    contiguous_ = place_[inner][static_cast<size_t>(i)] == place_[inner][0] + i;
}

template <class T>
void TableCopy::copyRows(const T* source, T* target, int64_t begin, int64_t end) const {
  const int inner = rank_ - 1;
  const int64_t length = dim_[inner], step = stride_[inner];
  const int64_t* places = place_[inner].data();
  for (int64_t row = begin; row < end; ++row) {
    int64_t rest = row;
    const T* from = source;
    T* to = target;
    for (int axis = inner - 1; axis >= 0; --axis) {
      const int64_t position = rest % dim_[axis];
      rest /= dim_[axis];
      from += place_[axis][static_cast<size_t>(position)];
      to += position * stride_[axis];
    }
    if (contiguous_) {
      std::memcpy(to, from + places[0], static_cast<size_t>(length) * sizeof(T));
      continue;
    }
    for (int64_t i = 0; i < length; ++i) to[i * step] = from[places[i]];
  }
}

void TableCopy::run(const void* source, void* target, ThreadPool& pool) const {
  const int64_t length = dim_[rank_ - 1];
  if (rows_ == 0 || length == 0) return;
  const int64_t grain = std::max<int64_t>(1, 32768 / (length * static_cast<int64_t>(bytes_)));
  dispatchBytes(bytes_, [&](auto tag) {
    using T = decltype(tag);
    pool.parallelFor(rows_, grain, [&](int64_t begin, int64_t end, int) {
      copyRows(static_cast<const T*>(source), static_cast<T*>(target), begin, end);
    });
  });
}

} // namespace burin::rt
