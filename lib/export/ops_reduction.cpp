// Reductions along axes.
#include "lib/export/op_writer.h"

namespace burin::onnx_export {

namespace {
bool reduce(OpWriter& w) {
  static const std::map<std::string, const char*, std::less<>> types = {{"sum", "ReduceSum"},
                                                                        {"mean", "ReduceMean"},
                                                                        {"max", "ReduceMax"},
                                                                        {"min", "ReduceMin"},
                                                                        {"prod", "ReduceProd"},
                                                                        {"l1", "ReduceL1"},
                                                                        {"l2", "ReduceL2"},
                                                                        {"log_sum", "ReduceLogSum"},
                                                                        {"log_sum_exp", "ReduceLogSumExp"},
                                                                        {"sum_square", "ReduceSumSquare"}};
  std::string fn = w.text("fn");
  auto it = types.find(fn);
  if (it == types.end()) return false;
  const std::vector<int64_t> axes = w.ints("axes");
  const bool keep = w.integer("keep_dims");
  // The form that executors know an integer kernel for.
  if (fn == "mean" && keep && rt::isFloat(w.dtype(0)) && w.shape(0).size() == 4 &&
      axes == std::vector<int64_t>{2, 3}) {
    w.write("GlobalAveragePool", {w.in[0]});
    return true;
  }
  Attributes attributes = {{"keepdims", int64_t(keep)}};
  if (axes.empty()) attributes.push_back({"noop_with_empty_axes", int64_t(1)});
  w.write(it->second, {w.in[0], axes.empty() ? "" : w.constInts("axes", axes)}, attributes);
  return true;
}

bool argReduce(OpWriter& w) {
  w.write(w.text("fn") == "max" ? "ArgMax" : "ArgMin", {w.in[0]},
          {{"axis", w.integer("axis")},
           {"keepdims", w.integer("keep_dims")},
           {"select_last_index", w.integer("select_last")}});
  return true;
}

bool cumulativeSum(OpWriter& w) {
  w.write("CumSum", {w.in[0], w.graph.integer(w.out[0] + "/axis", w.integer("axis"))},
          {{"exclusive", w.integer("exclusive")}, {"reverse", w.integer("reverse")}});
  return true;
}

bool topK(OpWriter& w) {
  w.write("TopK", {w.in[0], w.constInts("k", std::vector<int64_t>{w.integer("k")})}, w.out,
          {{"axis", w.integer("axis")}, {"largest", w.integer("largest")}, {"sorted", int64_t(1)}});
  return true;
}

constexpr HandlerEntry kHandlers[] = {
    {"reduce", reduce}, {"arg_reduce", argReduce}, {"cumsum", cumulativeSum}, {"topk", topK}};
} // namespace

std::span<const HandlerEntry> reductionHandlers() { return kHandlers; }

} // namespace burin::onnx_export
