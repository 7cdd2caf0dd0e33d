// Convolutions, matrix products and pooling.
#include "lib/export/op_writer.h"

namespace burin::onnx_export {

namespace {
Attributes window(const OpWriter& w, const std::vector<int64_t>& kernel) {
  return {{"kernel_shape", kernel},
          {"strides", w.ints("strides")},
          {"dilations", w.ints("dilations")},
          {"pads", w.ints("pads")}};
}

std::vector<int64_t> spatial(const std::vector<int64_t>& shape) { return {shape.begin() + 2, shape.end()}; }

bool conv(OpWriter& w) {
  Attributes attributes = window(w, spatial(w.shape(1)));
  attributes.push_back({"group", w.integer("groups")});
  w.beginClamp();
  w.write("Conv", {w.in[0], w.in[1], w.in[2]}, attributes);
  w.finishClamp();
  return true;
}

bool convTranspose(OpWriter& w) {
  Attributes attributes = window(w, spatial(w.shape(1)));
  attributes.push_back({"group", w.integer("groups")});
  attributes.push_back({"output_padding", w.ints("output_pads")});
  w.beginClamp();
  w.write("ConvTranspose", {w.in[0], w.in[1], w.in[2]}, attributes);
  w.finishClamp();
  return true;
}

std::string transposed(OpWriter& w, size_t operand) {
  std::vector<int64_t> permutation(w.shape(operand).size());
  for (size_t i = 0; i < permutation.size(); ++i) permutation[i] = static_cast<int64_t>(i);
  std::swap(permutation[permutation.size() - 1], permutation[permutation.size() - 2]);
  return w.make("Transpose", {w.in[operand]}, {{"perm", permutation}});
}

bool matmul(OpWriter& w) {
  const bool transA = w.integer("trans_a"), transB = w.integer("trans_b"), hasBias = !w.in[2].empty();
  const bool flat = w.shape(0).size() == 2 && w.shape(1).size() == 2 && w.dtype(0) == rt::DType::F32;
  w.beginClamp();
  if (flat && (hasBias || transA || transB)) {
    w.write("Gemm", {w.in[0], w.in[1], w.in[2]}, {{"transA", int64_t(transA)}, {"transB", int64_t(transB)}});
  } else {
    std::string a = transA ? transposed(w, 0) : w.in[0], b = transB ? transposed(w, 1) : w.in[1];
    if (hasBias)
      w.write("Add", {w.make("MatMul", {a, b}), w.in[2]});
    else
      w.write("MatMul", {a, b});
  }
  w.finishClamp();
  return true;
}

// The end pads with which ONNX's rounding down gives the sizes; below zero where the windows leave a rest.
void resolvePads(const OpWriter& w, std::vector<int64_t>& pads, bool& overhangs) {
  std::vector<int64_t> x = w.shape(0), kernel = w.ints("kernel"), strides = w.ints("strides"),
                       dilations = w.ints("dilations"), sizes = w.ints("sizes");
  pads = w.ints("pads");
  const size_t rank = sizes.size();
  for (size_t i = 0; i < rank; ++i) {
    const int64_t extent = (dilations.empty() ? 1 : dilations[i]) * (kernel[i] - 1) + 1;
    const int64_t padded = x[i + 2] + pads[i] + pads[i + rank];
    if (padded >= extent && (padded - extent) / strides[i] + 1 == sizes[i]) continue;
    const int64_t end = (sizes[i] - 1) * strides[i] + extent - x[i + 2] - pads[i];
    overhangs |= end > pads[i + rank];
    pads[i + rank] = end;
  }
}

// The operand without what no window reaches: pads below zero become zero.
std::string cropped(OpWriter& w, std::vector<int64_t>& pads) {
  const size_t rank = pads.size() / 2;
  std::vector<int64_t> axes, begins, ends, x = w.shape(0);
  for (size_t i = 0; i < rank; ++i) {
    int64_t& pad = pads[i + rank];
    if (pad >= 0) continue;
    axes.push_back(static_cast<int64_t>(i + 2));
    begins.push_back(0);
    ends.push_back(x[i + 2] + pad);
    pad = 0;
  }
  if (axes.empty()) return w.in[0];
  return w.make("Slice", {w.in[0], w.constInts("begins", begins), w.constInts("ends", ends),
                          w.constInts("axes", axes)});
}

bool pool(OpWriter& w, const std::string& type, const Names& outputs, Attributes extra) {
  std::vector<int64_t> pads;
  bool overhangs = false;
  resolvePads(w, pads, overhangs);
  // Indices count the whole operand's elements.
  if (outputs.size() > 1 && std::any_of(pads.begin(), pads.end(), [](int64_t p) { return p < 0; }))
    return false;
  // Padding that counts ends where the source's padding ends; what a window reaches beyond does not count.
  if (overhangs && w.integer("count_include_pad")) {
    extra.push_back({"ceil_mode", int64_t(1)});
    pads = w.ints("pads");
  }
  const std::string x = cropped(w, pads);
  Attributes attributes = {
      {"kernel_shape", w.ints("kernel")}, {"strides", w.ints("strides")}, {"pads", pads}};
  std::vector<int64_t> dilations = w.ints("dilations");
  if (std::any_of(dilations.begin(), dilations.end(), [](int64_t d) { return d != 1; }))
    attributes.push_back({"dilations", dilations});
  attributes.insert(attributes.end(), extra.begin(), extra.end());
  w.write(type, {x}, outputs, attributes);
  return true;
}

bool maxPool(OpWriter& w) { return pool(w, "MaxPool", {w.out[0]}, {}); }
bool maxPoolIndex(OpWriter& w) {
  return pool(w, "MaxPool", {w.out[0], w.out[1]}, {{"storage_order", w.integer("column_major")}});
}
bool averagePool(OpWriter& w) {
  return pool(w, "AveragePool", {w.out[0]}, {{"count_include_pad", w.integer("count_include_pad")}});
}
bool lpPool(OpWriter& w) { return pool(w, "LpPool", {w.out[0]}, {{"p", w.integer("p")}}); }

// MaxUnpool needs a kernel that the graph no longer has: the indices say it all.
bool maxUnpool(OpWriter& w) {
  int64_t elements = 1;
  for (int64_t d : w.resultShape()) elements *= d;
  const std::vector<int64_t> flat = {-1};
  std::string flatShape = w.constInts("flat", flat);
  std::string zeros = w.make("Expand", {w.constLike("zero", w.resultDType(), 0),
                                        w.constInts("count", std::vector<int64_t>{elements})});
  std::string filled = w.make("ScatterElements", {zeros, w.make("Reshape", {w.in[1], flatShape}),
                                                  w.make("Reshape", {w.in[0], flatShape})});
  w.write("Reshape", {filled, w.constInts("shape", w.resultShape())});
  return true;
}

constexpr HandlerEntry kHandlers[] = {
    {"conv", conv},        {"conv_transpose", convTranspose}, {"matmul", matmul},
    {"max_pool", maxPool}, {"max_pool_index", maxPoolIndex},  {"avg_pool", averagePool},
    {"lp_pool", lpPool},   {"max_unpool", maxUnpool}};
} // namespace

std::span<const HandlerEntry> convolutionHandlers() { return kHandlers; }

} // namespace burin::onnx_export
