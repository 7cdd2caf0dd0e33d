// Models that were trained or calibrated for integers. Scales are the value of the largest integer, 127.
//
// The framework may round halves away from zero and cut at -127; the ops round half to even and keep -128.
#include "lib/import/paddle/operators.h"
#include "lib/import/paddle/rules.h"

#include <fmt/format.h>

namespace burin::paddle {

namespace {
bool isEightBit(Node& n) {
  for (const char* name : {"bit_length", "quant_bits"}) {
    Ints bits = n.ints(name);
    for (int64_t b : bits)
      if (b != 8) {
        n->unsupported(fmt::format("quantization to {} bits is not supported", b),
                       "quantize to 8 bits, or export the float model");
        return false;
      }
  }
  return true;
}

struct Parameters {
  Value scale, zeroPoint; // of one step; i8 zeros
  int64_t axis = 0;
};

// `largest` is the value of 127, for all or per entry of an axis.
Parameters parametersOf(Node& n, Value x, Value largest, int64_t axis) {
  int64_t count = product(RuleContext::dims(largest), 0, rt::kMaxRank);
  Ints shape = count == 1 ? Ints{} : Ints{count};
  Value scale = n->div(n->reshape(n->cast(largest, rt::DType::F32), shape), n->scalar(127, rt::DType::F32));
  return {scale, n->expand(n->scalar(0, rt::DType::I8), shape),
          count == 1 ? 0 : n->axis(axis < 0 ? 0 : axis, RuleContext::rank(x))};
}

Value quantize(Node& n, Value x, const Parameters& p) {
  return n->emit("quantize", {x, p.scale, p.zeroPoint}, n->attrs().i("axis", p.axis));
}

Value dequantize(Node& n, Value q, const Parameters& p) {
  auto fold = n->session().options().keepQuantization ? nn::Fold::Never : nn::Fold::Allow;
  return n->emit("dequantize", {q, p.scale, p.zeroPoint}, n->attrs().i("axis", p.axis), fold);
}

Value largestOf(Node& n, Value x, const Ints& axes) {
  return n->reduce("max", n->unary("abs", x), axes, false);
}

// All axes but that of the channels.
Ints otherAxes(int64_t rank, int64_t axis) {
  Ints axes;
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis) axes.push_back(i);
  return axes;
}

void importQuantizeLinear(Node& n) {
  if (!isEightBit(n)) return;
  n.set("Y", quantize(n, n.in("X"), parametersOf(n, n.in("X"), n.in("Scale"), n.integer("quant_axis", -1))));
}

// Weights are stored as integers or as floats that hold integers.
void importDequantizeLinear(Node& n) {
  if (!isEightBit(n)) return;
  Value x = n->cast(n.in("X"), rt::DType::I8);
  n.set("Y", dequantize(n, x, parametersOf(n, x, n.in("Scale"), n.integer("quant_axis", -1))));
}

// The scale of a fake quantization: stored, of the whole tensor, or per channel.
Value fakeScale(Node& n) {
  Value x = n.in("X");
  if (n.has("InScale")) return n.in("InScale");
  int64_t rank = RuleContext::rank(x);
  if (n.type().find("channel_wise") == std::string::npos)
    return n->reshape(largestOf(n, x, allAxes(rank)), {1});
  return largestOf(n, x, otherAxes(rank, n->axis(n.integer("quant_axis"), rank)));
}

// Integers as floats, or with `dequantize` in the name the floats that they stand for.
void importFakeQuantize(Node& n) {
  if (!isEightBit(n)) return;
  Value scale = fakeScale(n);
  Parameters p = parametersOf(n, n.in("X"), scale, n.integer("quant_axis"));
  Value q = quantize(n, n.in("X"), p);
  bool both = n.type().find("dequantize") != std::string::npos;
  n.set("Out", both ? dequantize(n, q, p) : n->cast(q, rt::DType::F32));
  n.set("OutScale", scale);
}

void importFakeDequantize(Node& n) {
  Value x = n->cast(n.in("X"), rt::DType::F32);
  n.set("Out", n->mul(x, n->div(n->reshape(n.in("Scale"), {}),
                                n->scalar(n.real("max_range", 127), rt::DType::F32))));
}

// One list of scales per channel of an axis, and of activations a second one for all.
void importFakeChannelDequantize(Node& n) {
  if (!isEightBit(n)) return;
  Value y = n->cast(n.in("X"), rt::DType::F32);
  std::vector<Value> scales = n.list("Scales");
  int64_t rank = RuleContext::rank(y),
          axis = scales.size() == 1 ? n->axis(n.integer("quant_axis"), rank) : n.integer("x_num_col_dims", 1);
  for (Value scale : scales) {
    int64_t count = product(RuleContext::dims(scale), 0, rt::kMaxRank);
    Ints shape(count == 1 ? 0 : static_cast<size_t>(std::max<int64_t>(rank - axis, 1)), 1);
    if (count != 1) shape[0] = count;
    y = n->mul(y, n->div(n->reshape(scale, shape), n->scalar(127, rt::DType::F32)));
  }
  n.set("Out", y);
}

void importObserver(Node& n) {
  n.set("Out", n.in("X"));
  if (n.has("InScale")) n.set("OutScale", n.in("InScale"));
}

const OperatorRow kRows[] = {
    {"quantize_linear", importQuantizeLinear},
    {"dequantize_linear", importDequantizeLinear},
    {"fake_quantize_abs_max", importFakeQuantize},
    {"fake_quantize_range_abs_max", importFakeQuantize},
    {"fake_quantize_moving_average_abs_max", importFakeQuantize},
    {"fake_channel_wise_quantize_abs_max", importFakeQuantize},
    {"fake_quantize_dequantize_abs_max", importFakeQuantize},
    {"fake_quantize_dequantize_moving_average_abs_max", importFakeQuantize},
    {"fake_channel_wise_quantize_dequantize_abs_max", importFakeQuantize},
    {"fake_dequantize_max_abs", importFakeDequantize},
    {"fake_channel_wise_dequantize_max_abs", importFakeChannelDequantize},
    {"moving_average_abs_max_scale", importObserver},
};
} // namespace

const OperatorTable<OperatorRow> kQuantizationOperators = {kRows, std::size(kRows)};

} // namespace burin::paddle
