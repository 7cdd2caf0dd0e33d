#include "runtime/core/types.h"

#include <cstdio>

namespace burin::rt {

namespace {
struct DTypeInfo {
  const char* name;
  size_t bytes;
};
constexpr DTypeInfo kInfo[kDTypeCount] = {{"f32", 4}, {"f16", 2}, {"bf16", 2}, {"i8", 1},
                                          {"u8", 1},  {"i16", 2}, {"u16", 2},  {"i32", 4},
                                          {"u32", 4}, {"i64", 8}, {"u64", 8},  {"bool", 1}};
const std::string kNoText;
const std::vector<int64_t> kNoInts;
const std::vector<float> kNoFloats;
} // namespace

size_t dtypeBytes(DType dtype) { return kInfo[static_cast<int>(dtype)].bytes; }
const char* dtypeName(DType dtype) { return kInfo[static_cast<int>(dtype)].name; }

bool parseDType(const std::string& name, DType& dtype) {
  for (int i = 0; i < kDTypeCount; ++i)
    if (name == kInfo[i].name) {
      dtype = static_cast<DType>(i);
      return true;
    }
  return false;
}

std::string toString(const Shape& shape) {
  std::string out;
  for (int i = 0; i < shape.rank; ++i) out += (i ? "x" : "") + std::to_string(shape[i]);
  return shape.rank ? out : "scalar";
}

int64_t computeStrides(const Shape& shape, const uint8_t* order, int64_t innerStride, int64_t* stride) {
  int64_t span = 1;
  for (int i = shape.rank - 1; i >= 0; --i) {
    int axis = order ? order[i] : i;
    stride[axis] = span;
    span *= shape[axis];
    if (i == shape.rank - 1 && innerStride > span) span = innerStride;
  }
  return span;
}

bool isRowMajor(const Tensor& t) {
  int64_t span = 1;
  for (int i = t.type.shape.rank - 1; i >= 0; --i) {
    if (t.type.shape[i] != 1 && t.stride[i] != span) return false;
    span *= t.type.shape[i];
  }
  return true;
}

bool isDense(const Tensor& t) {
  // Dense in some order: walk the axes from the smallest stride up.
  const Shape& shape = t.type.shape;
  bool used[kMaxRank] = {};
  int64_t span = 1;
  for (int step = 0; step < shape.rank; ++step) {
    int next = -1;
    for (int i = 0; i < shape.rank; ++i)
      if (!used[i] && (shape[i] == 1 || t.stride[i] == span)) {
        next = i;
        if (shape[i] == 1) break;
      }
    if (next < 0) return false;
    used[next] = true;
    span *= shape[next];
  }
  return true;
}

bool isChannelsLast(const Tensor& t) {
  const Shape& shape = t.type.shape;
  if (shape.rank < 3) return false;
  if (shape[1] != 1 && t.stride[1] != 1) return false;
  int64_t span = -1;
  for (int i = shape.rank - 1; i >= 0; --i) {
    if (i == 1) continue;
    if (span < 0)
      span = t.stride[i] >= shape[1] ? t.stride[i] : shape[1]; // the channel stride, padding allowed
    if (shape[i] != 1 && t.stride[i] != span) return false;
    span *= shape[i];
  }
  return true;
}

bool sameLayout(const Tensor& a, const Tensor& b) {
  if (a.type.shape != b.type.shape) return false;
  for (int i = 0; i < a.type.shape.rank; ++i)
    if (a.type.shape[i] != 1 && a.stride[i] != b.stride[i]) return false;
  return true;
}

const Attr* Attrs::find(const char* name) const {
  for (const Attr& a : list)
    if (a.name == name) return &a;
  return nullptr;
}
int64_t Attrs::integer(const char* name, int64_t fallback) const {
  const Attr* a = find(name);
  return a && !a->ints.empty() ? a->ints[0] : fallback;
}
float Attrs::real(const char* name, float fallback) const {
  const Attr* a = find(name);
  return a && !a->floats.empty() ? a->floats[0] : fallback;
}
const std::string& Attrs::text(const char* name) const {
  const Attr* a = find(name);
  return a ? a->text : kNoText;
}
const std::vector<int64_t>& Attrs::ints(const char* name) const {
  const Attr* a = find(name);
  return a ? a->ints : kNoInts;
}
const std::vector<float>& Attrs::floats(const char* name) const {
  const Attr* a = find(name);
  return a ? a->floats : kNoFloats;
}

} // namespace burin::rt
