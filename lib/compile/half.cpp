#include "lib/compile/compile.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace burin::compile {

namespace {
// Round to nearest even, as nn.cast does at run time.
uint16_t toBf16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if (value != value) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

uint16_t toF16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value), sign = bits >> 16 & 0x8000,
                 magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return static_cast<uint16_t>(sign | 0x7e00);
  if (magnitude >= 0x477ff000) return static_cast<uint16_t>(sign | 0x7c00); // rounds to infinity
  if (magnitude < 0x38800000) {
    // Subnormal: adding 0.5 leaves the rounded multiple of 2^-24 in the low mantissa bits.
    float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000));
  }
  return static_cast<uint16_t>(sign | ((magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13));
}

class HalfPass {
public:
  HalfPass(ProgramGraph& graph, rt::DType dtype) : graph_(graph), dtype_(dtype) {}

  void run() {
    std::vector<ProgramOp> scheduled;
    const size_t original = graph_.tensors.size();
    for (size_t t = 0; t < original; ++t)
      if (isF32(static_cast<int>(t)) && !isBoundary(static_cast<int>(t))) narrow(graph_.tensors[t]);
    std::vector<ProgramOp> atEnd;
    for (int input : graph_.inputs)
      if (isF32(input)) replaceInput(input, scheduled);
    for (int output : graph_.outputs)
      if (isF32(output)) replaceOutput(output, atEnd);
    for (ProgramOp& op : graph_.ops) scheduled.push_back(std::move(op));
    for (ProgramOp& op : atEnd) scheduled.push_back(std::move(op));
    graph_.ops = std::move(scheduled);
  }

private:
  bool isF32(int t) const { return graph_.tensors[t].type.dtype == rt::DType::F32; }
  bool isBoundary(int t) const {
    auto in = [t](const std::vector<int>& list) {
      return std::find(list.begin(), list.end(), t) != list.end();
    };
    return in(graph_.inputs) || in(graph_.outputs);
  }

  void narrow(ProgramTensor& t) {
    t.type.dtype = dtype_;
    if (!t.constant) return;
    std::vector<char> bytes(t.data->size() / 2);
    for (size_t i = 0; i < bytes.size() / 2; ++i) {
      float value;
      memcpy(&value, t.data->data() + 4 * i, 4);
      uint16_t half = dtype_ == rt::DType::F16 ? toF16(value) : toBf16(value);
      memcpy(bytes.data() + 2 * i, &half, 2);
    }
    t.data = std::make_shared<const std::vector<char>>(std::move(bytes));
  }

  int makeHalf(int like) {
    ProgramTensor t = graph_.tensors[like];
    t.name += std::string("/") + rt::dtypeName(dtype_);
    t.type.dtype = dtype_;
    graph_.tensors.push_back(std::move(t));
    return static_cast<int>(graph_.tensors.size()) - 1;
  }
  ProgramOp cast(int from, int to) const {
    ProgramOp op;
    op.type = "nn.cast";
    op.name = graph_.tensors[to].name;
    op.inputs = {from};
    op.outputs = {to};
    op.attrs.setText("to", rt::dtypeName(graph_.tensors[to].type.dtype));
    return op;
  }

  void replaceInput(int input, std::vector<ProgramOp>& scheduled) {
    int half = makeHalf(input);
    for (ProgramOp& op : graph_.ops) std::replace(op.inputs.begin(), op.inputs.end(), input, half);
    scheduled.push_back(cast(input, half));
  }
  void replaceOutput(int output, std::vector<ProgramOp>& atEnd) {
    int half = makeHalf(output);
    for (ProgramOp& op : graph_.ops) {
      std::replace(op.outputs.begin(), op.outputs.end(), output, half);
      std::replace(op.inputs.begin(), op.inputs.end(), output, half);
    }
    atEnd.push_back(cast(half, output));
  }

  ProgramGraph& graph_;
  rt::DType dtype_;
};
} // namespace

void narrowFloats(ProgramGraph& graph, rt::DType dtype) { HalfPass(graph, dtype).run(); }

} // namespace burin::compile
