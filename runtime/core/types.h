// Value types shared by shape rules, kernels, the loader and (through lib/program) the compiler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace burin::rt {

enum class DType : uint8_t { F32, F16, BF16, I8, U8, I16, U16, I32, U32, I64, U64, Bool };
constexpr int kDTypeCount = 12;

size_t dtypeBytes(DType dtype);
const char* dtypeName(DType dtype); // "f32", "i8", "bool", ...
bool parseDType(const std::string& name, DType& dtype);
inline bool isFloat(DType t) { return t <= DType::BF16; }
inline bool isInteger(DType t) { return t >= DType::I8 && t <= DType::U64; }

constexpr int kMaxRank = 8;

// A logical shape. Every dimension is >= 0; loaders bound the number of elements.
struct Shape {
  int rank = 0;
  int64_t dim[kMaxRank] = {};

  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) {
    for (int64_t d : dims) dim[rank++] = d;
  }
  int64_t operator[](int axis) const { return dim[axis]; }
  int64_t& operator[](int axis) { return dim[axis]; }
  int64_t elements() const {
    int64_t n = 1;
    for (int i = 0; i < rank; ++i) n *= dim[i];
    return n;
  }
  void push(int64_t d) { dim[rank++] = d; }
  bool operator==(const Shape& o) const {
    if (rank != o.rank) return false;
    for (int i = 0; i < rank; ++i)
      if (dim[i] != o.dim[i]) return false;
    return true;
  }
  bool operator!=(const Shape& o) const { return !(*this == o); }
};
std::string toString(const Shape& shape); // "1x3x224x224"

struct TensorType {
  DType dtype = DType::F32;
  Shape shape;
};

// Affine quantization of a tensor: real = (q - zeroPoint) * scale; per index of `axis` when axis >= 0.
struct Quant {
  std::vector<float> scale;
  std::vector<int32_t> zeroPoint;
  int axis = -1;
  bool empty() const { return scale.empty(); }
};

// A tensor in memory. `stride` is in elements per logical axis, so any op can address any layout; rank-4
// program tensors are usually channels-last in memory while their shape stays NCHW.
struct Tensor {
  TensorType type;
  int64_t stride[kMaxRank] = {};
  void* data = nullptr;
  bool constant = false;
  Quant quant;
  std::string name;

  const Shape& shape() const { return type.shape; }
  DType dtype() const { return type.dtype; }
  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  float scale() const { return quant.scale.empty() ? 1.0f : quant.scale[0]; }
  int32_t zeroPoint() const { return quant.zeroPoint.empty() ? 0 : quant.zeroPoint[0]; }
};

// Strides for a memory order (order[i] = logical axis, outermost first; null = row-major) and an optional
// padded stride of the second innermost axis. Returns the number of elements spanned.
int64_t computeStrides(const Shape& shape, const uint8_t* order, int64_t innerStride, int64_t* stride);
bool isRowMajor(const Tensor& t);
bool isDense(const Tensor& t);        // no padding: spans exactly elements() in some order
bool isChannelsLast(const Tensor& t); // axis 1 is innermost with stride 1 (rank >= 3), others in order
bool sameLayout(const Tensor& a, const Tensor& b); // same shape and same strides on axes longer than 1

// Op attributes: a name with integers, floats or text.
struct Attr {
  std::string name;
  std::vector<int64_t> ints;
  std::vector<float> floats;
  std::string text;
};

class Attrs {
public:
  std::vector<Attr> list;

  const Attr* find(const char* name) const;
  bool has(const char* name) const { return find(name) != nullptr; }
  int64_t integer(const char* name, int64_t fallback = 0) const;
  float real(const char* name, float fallback = 0) const;
  const std::string& text(const char* name) const;          // empty when absent
  const std::vector<int64_t>& ints(const char* name) const; // empty when absent
  const std::vector<float>& floats(const char* name) const;
  void setInts(std::string name, std::vector<int64_t> v) {
    list.push_back({std::move(name), std::move(v), {}, {}});
  }
  void setInt(std::string name, int64_t v) { setInts(std::move(name), {v}); }
  void setFloats(std::string name, std::vector<float> v) {
    list.push_back({std::move(name), {}, std::move(v), {}});
  }
  void setText(std::string name, std::string v) { list.push_back({std::move(name), {}, {}, std::move(v)}); }
};

} // namespace burin::rt
