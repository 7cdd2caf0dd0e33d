// What gather and scatter share: index checks before any element moves, so that wrong data end a run cleanly.
#pragma once

#include "runtime/ops/index_reader.h"
#include "runtime/ops/infer_check.h"
#include "runtime/ops/movement_ops.h"

namespace burin::rt {

bool inferGather(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferGatherElements(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferGatherND(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferScatterElements(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferScatterND(const Signature& signature, std::vector<TensorType>& results, std::string& error);

std::unique_ptr<Kernel> makeGather(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeGatherElements(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeGatherND(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeScatterElements(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeScatterND(const Node& node, const KernelConfig& config, std::string& error);

// An index into an axis of `length`, negative ones counting from the end; -1 when it is out of range.
inline int64_t wrapIndex(int64_t index, int64_t length) {
  if (index < 0) index += length;
  return index < 0 || index >= length ? -1 : index;
}

// Every element of `index` is valid for an axis of `length`.
bool indicesFit(const Tensor& index, int64_t length);

// The index tuples [..., k] of gather_nd and scatter_nd: tuple i addresses axes [firstAxis, firstAxis + k) of
// x.
class TupleReader {
public:
  TupleReader(const Tensor& index, const Tensor& x, int firstAxis)
      : index_(index), x_(x), read_(index), firstAxis_(firstAxis),
        count_(static_cast<int>(index.type.shape[index.type.shape.rank - 1])),
        step_(index.stride[index.type.shape.rank - 1]) {}

  int count() const { return count_; }
  // The offset in x that the tuple at `offset` addresses, or -1.
  int64_t place(int64_t offset) const {
    int64_t result = 0;
    for (int i = 0; i < count_; ++i) {
      const int64_t index = wrapIndex(read_(offset + i * step_), x_.type.shape[firstAxis_ + i]);
      if (index < 0) return -1;
      result += index * x_.stride[firstAxis_ + i];
    }
    return result;
  }
  bool allFit() const;

private:
  const Tensor& index_;
  const Tensor& x_;
  IndexReader read_;
  int firstAxis_, count_;
  int64_t step_;
};

// Folds `update` into an element: reduction is none, add, mul, min or max.
enum class Reduction : uint8_t { None, Add, Mul, Min, Max };
Reduction parseReduction(const std::string& name); // of a checked name

template <class T>
T reduceElement(Reduction reduction, T old, T update) {
  switch (reduction) {
  case Reduction::None:
    return update;
  case Reduction::Add:
    return static_cast<T>(old + update);
  case Reduction::Mul:
    return static_cast<T>(old * update);
  case Reduction::Min:
    return update < old ? update : old;
  case Reduction::Max:
    return update > old ? update : old;
  }
  return update;
}

} // namespace burin::rt
