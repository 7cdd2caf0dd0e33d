// Normalisations and softmax.
#include "lib/export/op_writer.h"

#include <numeric>

namespace burin::onnx_export {

namespace {
bool batchNorm(OpWriter& w) {
  w.write("BatchNormalization", {w.in[0], w.in[1], w.in[2], w.in[3], w.in[4]},
          {{"epsilon", w.real("epsilon")}});
  return true;
}

// y * scale + bias under the result's name; either may be absent.
void affine(OpWriter& w, const std::string& y, const std::string& scale, const std::string& bias) {
  if (scale.empty() && bias.empty()) return w.write("Identity", {y});
  if (bias.empty()) return w.write("Mul", {y, scale});
  w.write("Add", {scale.empty() ? y : w.make("Mul", {y, scale}), bias});
}

bool layerNorm(OpWriter& w) {
  std::vector<int64_t> x = w.shape(0);
  const int64_t axis = w.integer("axis");
  std::vector<int64_t> axes(x.size() - static_cast<size_t>(axis)), inner(x.begin() + axis, x.end());
  std::iota(axes.begin(), axes.end(), axis);
  if (w.integer("rms")) {
    std::string mean = w.make("ReduceMean", {w.make("Mul", {w.in[0], w.in[0]}), w.constInts("axes", axes)});
    std::string deviation =
        w.make("Sqrt", {w.make("Add", {mean, w.constFloat("epsilon", w.real("epsilon"))})});
    affine(w, w.make("Div", {w.in[0], deviation}), w.in[1], w.in[2]);
    return true;
  }
  const bool fits = !w.in[1].empty() && w.shape(1) == inner && (w.in[2].empty() || w.shape(2) == inner);
  Attributes attributes = {{"axis", axis}, {"epsilon", w.real("epsilon")}};
  if (fits) {
    w.write("LayerNormalization", {w.in[0], w.in[1], w.in[2]}, attributes);
    return true;
  }
  std::string ones = w.make("Expand", {w.constFloat("one", 1), w.constInts("inner", inner)});
  affine(w, w.make("LayerNormalization", {w.in[0], ones}, attributes), w.in[1], w.in[2]);
  return true;
}

// Instance normalisation of [N, groups, rest], then scale and bias per channel.
bool groupNorm(OpWriter& w) {
  std::vector<int64_t> x = w.shape(0), perChannel(x.size(), 1);
  const int64_t groups = w.integer("groups");
  perChannel[1] = x[1];
  int64_t elements = 1;
  for (int64_t d : x) elements *= d;
  if (elements == 0) { // nothing to compute, and no way to count what a group holds
    w.write("Identity", {w.in[0]});
    return true;
  }
  const std::vector<int64_t> grouped = {x[0], groups, elements / (x[0] * groups)}, count = {groups};
  std::string ones = w.make("Expand", {w.constFloat("one", 1), w.constInts("groups", count)}, {}, "ones");
  std::string zeros = w.make("Expand", {w.constFloat("zero", 0), w.constInts("groups", count)}, {}, "zeros");
  std::string folded = w.make("Reshape", {w.in[0], w.constInts("grouped", grouped)});
  std::string normal =
      w.make("InstanceNormalization", {folded, ones, zeros}, {{"epsilon", w.real("epsilon")}});
  auto channelwise = [&](const std::string& v, const char* what) {
    return v.empty() ? v : w.make("Reshape", {v, w.constInts("channels", perChannel)}, {}, what);
  };
  std::string unfolded = w.make("Reshape", {normal, w.constInts("shape", x)}, {}, "ungrouped");
  affine(w, unfolded, channelwise(w.in[1], "scale"), channelwise(w.in[2], "bias"));
  return true;
}

bool lrn(OpWriter& w) {
  w.write("LRN", {w.in[0]},
          {{"size", w.integer("size")},
           {"alpha", w.real("alpha")},
           {"beta", w.real("beta")},
           {"bias", w.real("bias")}});
  return true;
}

// Of integers it has a factor.
bool softmax(OpWriter& w) {
  std::string x = w.in[0];
  if (w.has("beta"))
    x = w.make("Mul", {x, w.constLike("beta", rt::DType::F32, w.real("beta"))}, {}, "scaled");
  w.write(w.integer("log") ? "LogSoftmax" : "Softmax", {x}, {{"axis", w.integer("axis")}});
  return true;
}

bool l2Normalize(OpWriter& w) {
  w.write("LpNormalization", {w.in[0]}, {{"axis", w.integer("axis")}, {"p", int64_t(2)}});
  return true;
}

constexpr HandlerEntry kHandlers[] = {{"batch_norm", batchNorm},
                                      {"l2_normalize", l2Normalize},
                                      {"layer_norm", layerNorm},
                                      {"group_norm", groupNorm},
                                      {"lrn", lrn},
                                      {"softmax", softmax}};
} // namespace

std::span<const HandlerEntry> normalisationHandlers() { return kHandlers; }

} // namespace burin::onnx_export
