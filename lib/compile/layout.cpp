#include "lib/compile/compile.h"

#include "runtime/ops/strided_copy.h"

#include <set>

namespace burin::compile {

namespace {
enum class Role {
  ChannelsLast, // operand 0 must be channels-last, so is the result
  Follow,       // result has the order of its main operand
  RowMajor,     // operands must be row-major, so is the result
  Free,         // reads any order, writes whatever its users want
};

Role roleOf(const ProgramOp& op) {
  static const std::set<std::string> channelsLast = {
      "nn.conv",       "nn.conv_transpose", "nn.max_pool",        "nn.max_pool_index",
      "nn.avg_pool",   "nn.lp_pool",        "nn.resize",          "nn.lrn",
      "nn.batch_norm", "nn.group_norm",     "nn.depth_to_space",  "nn.space_to_depth",
      "qnn.conv",      "qnn.avg_pool",      "qnn.conv_transpose", "qnn.resize"};
  static const std::set<std::string> follow = {
      "nn.unary",   "nn.binary", "nn.select",      "nn.cast",     "nn.softmax",
      "nn.concat",  "nn.slice",  "nn.pad",         "nn.tile",     "qnn.binary",
      "qnn.lut",    "nn.expand", "qnn.requantize", "qnn.softmax", "qnn.l2_normalize",
      "qnn.reduce", "nn.reduce", "nn.cumsum",      "nn.quantize", "nn.dequantize"};
  static const std::set<std::string> rowMajor = {"nn.matmul", "qnn.matmul", "nn.layer_norm",
                                                 "nn.lstm",   "nn.gru",     "nn.rnn",
                                                 "qnn.lstm",  "nn.svdf",    "qnn.svdf"};
  if (channelsLast.count(op.type)) return Role::ChannelsLast;
  if (follow.count(op.type)) return Role::Follow;
  if (rowMajor.count(op.type)) return Role::RowMajor;
  return Role::Free;
}

using Order = std::vector<uint8_t>;

Order channelsLastOrder(int rank) {
  Order order = {0};
  for (int i = 2; i < rank; ++i) order.push_back(static_cast<uint8_t>(i));
  order.push_back(1);
  return order;
}

Order rowMajorOrder(int rank) {
  Order order;
  for (int i = 0; i < rank; ++i) order.push_back(static_cast<uint8_t>(i));
  return order;
}

// Two orders are the same memory when axes longer than 1 come in the same sequence.
bool sameMemory(const rt::Shape& shape, const Order& a, const Order& b) {
  auto significant = [&](const Order& order) {
    Order kept;
    for (uint8_t axis : order)
      if (shape[axis] != 1) kept.push_back(axis);
    return kept;
  };
  return significant(a) == significant(b);
}

class LayoutPass {
public:
  explicit LayoutPass(ProgramGraph& graph) : graph_(graph), order_(graph.tensors.size()) {
    for (size_t t = 0; t < order_.size(); ++t) order_[t] = rowMajorOrder(rank(static_cast<int>(t)));
  }

  void run() {
    collectDemand();
    std::vector<ProgramOp> scheduled;
    for (ProgramOp& op : graph_.ops) {
      placeOperands(op, scheduled);
      chooseResults(op);
      scheduled.push_back(std::move(op));
    }
    for (int& output : graph_.outputs)
      if (!sameMemory(shape(output), order_[output], rowMajorOrder(rank(output))))
        output = rowMajorOutput(output, scheduled);
    graph_.ops = std::move(scheduled);
    for (size_t t = 0; t < order_.size(); ++t) applyOrder(static_cast<int>(t));
  }

private:
  const rt::Shape& shape(int t) const { return graph_.tensors[t].type.shape; }
  int rank(int t) const { return shape(t).rank; }

  // The operand whose order a Follow op takes: the largest activation of the result's rank.
  int mainOperand(const ProgramOp& op) const {
    int best = -1;
    for (int t : op.inputs)
      if (t >= 0 && !graph_.tensors[t].constant && rank(t) == rank(op.outputs[0]) &&
          (best < 0 || shape(t).elements() > shape(best).elements()))
        best = t;
    return best;
  }

  // Backward: which tensors end up in a convolution-like op.
  void collectDemand() {
    demand_.assign(graph_.tensors.size(), false);
    for (auto op = graph_.ops.rbegin(); op != graph_.ops.rend(); ++op) {
      Role role = roleOf(*op);
      if (role == Role::ChannelsLast && rank(op->inputs[0]) >= 3) demand_[op->inputs[0]] = true;
      if (role == Role::Follow && demand_[op->outputs[0]])
        if (int t = mainOperand(*op); t >= 0) demand_[t] = true;
    }
  }

  void placeOperands(ProgramOp& op, std::vector<ProgramOp>& scheduled) {
    Role role = roleOf(op);
    if (role == Role::ChannelsLast && rank(op.inputs[0]) >= 3)
      require(op.inputs[0], channelsLastOrder(rank(op.inputs[0])), scheduled);
    if (role == Role::RowMajor)
      for (int& t : op.inputs)
        if (t >= 0) require(t, rowMajorOrder(rank(t)), scheduled);
    if (role == Role::Follow) {
      int main = mainOperand(op);
      for (int& t : op.inputs)
        if (t >= 0 && main >= 0 && t != main && rank(t) == rank(main)) require(t, order_[main], scheduled);
    }
    // Convolution weights are stored OHWI.
    if ((op.type == "nn.conv" || op.type == "qnn.conv") && graph_.tensors[op.inputs[1]].constant)
      order_[op.inputs[1]] = channelsLastOrder(rank(op.inputs[1]));
  }

  void chooseResults(const ProgramOp& op) {
    Role role = roleOf(op);
    for (int t : op.outputs) {
      if (role == Role::ChannelsLast && rank(t) >= 3) order_[t] = channelsLastOrder(rank(t));
      if (role == Role::Follow)
        if (int main = mainOperand(op); main >= 0 && rank(t) == rank(main)) order_[t] = order_[main];
      if (op.type == "qnn.dequantize" || op.type == "qnn.quantize")
        order_[t] = demand_[t] ? channelsLastOrder(rank(t)) : order_[op.inputs[0]];
      else if (role == Role::Free && demand_[t] && rank(t) >= 3)
        order_[t] = channelsLastOrder(rank(t));
    }
    if (op.type == "nn.transpose") chooseTransposed(op);
  }

  // A transpose whose result may keep the operand's memory is free.
  void chooseTransposed(const ProgramOp& op) {
    int x = op.inputs[0], y = op.outputs[0];
    const auto& perm = op.attrs.ints("perm");
    Order kept;
    for (uint8_t axis : order_[x])
      for (size_t i = 0; i < perm.size(); ++i)
        if (perm[i] == axis) kept.push_back(static_cast<uint8_t>(i));
    bool wanted = sameMemory(shape(y), kept, rowMajorOrder(rank(y))) ||
                  (demand_[y] && sameMemory(shape(y), kept, channelsLastOrder(rank(y))));
    if (wanted) order_[y] = kept;
  }

  // Makes `t` a tensor of the wanted order, copying at most once per order.
  void require(int& t, const Order& wanted, std::vector<ProgramOp>& scheduled) {
    if (sameMemory(shape(t), order_[t], wanted)) return;
    if (graph_.tensors[t].constant && !constantUsed_.count(t)) {
      order_[t] = wanted;
      constantUsed_.insert(t);
      return;
    }
    auto [it, fresh] = copies_.try_emplace({t, wanted}, -1);
    if (fresh) it->second = copy(t, t, wanted, graph_.tensors[t].name + "/layout", scheduled);
    t = it->second;
  }

  // The output keeps the source's name; the tensor it is copied from gets a suffix.
  int rowMajorOutput(int t, std::vector<ProgramOp>& scheduled) {
    std::string name = graph_.tensors[t].name;
    graph_.tensors[t].name = name + "/nhwc";
    return copy(t, t, rowMajorOrder(rank(t)), name, scheduled);
  }

  int copy(int source, int like, const Order& order, const std::string& name,
           std::vector<ProgramOp>& scheduled) {
    ProgramTensor t = graph_.tensors[like];
    t.name = name;
    t.constant = false;
    t.data.reset();
    int index = static_cast<int>(graph_.tensors.size());
    ProgramOp op;
    op.type = "nn.reshape";
    op.name = name;
    op.inputs = {source};
    op.outputs = {index};
    op.attrs.setInts("shape", {t.type.shape.dim, t.type.shape.dim + t.type.shape.rank});
    graph_.tensors.push_back(std::move(t));
    order_.push_back(order);
    demand_.push_back(false);
    scheduled.push_back(std::move(op));
    return index;
  }

  // Writes the order into the tensor; constants are permuted into it.
  void applyOrder(int t) {
    ProgramTensor& tensor = graph_.tensors[t];
    if (sameMemory(shape(t), order_[t], rowMajorOrder(rank(t)))) return;
    tensor.order = order_[t];
    if (!tensor.constant) return;
    int64_t stride[rt::kMaxRank], plain[rt::kMaxRank];
    rt::computeStrides(shape(t), tensor.order.data(), 0, stride);
    rt::computeStrides(shape(t), nullptr, 0, plain);
    auto permuted = std::make_shared<std::vector<char>>(tensor.data->size());
    rt::StridedCopy(shape(t), plain, stride, rt::dtypeBytes(tensor.type.dtype), rt::detectIsa())
        .run(tensor.data->data(), permuted->data());
    tensor.data = permuted;
  }

  ProgramGraph& graph_;
  std::vector<Order> order_;
  std::vector<bool> demand_;
  std::set<int> constantUsed_;
  std::map<std::pair<int, Order>, int> copies_;
};
} // namespace

void assignLayouts(ProgramGraph& graph) { LayoutPass(graph).run(); }

} // namespace burin::compile
