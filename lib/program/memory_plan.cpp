#include "lib/program/program.h"

#include <algorithm>
#include <numeric>

namespace burin {

int64_t ProgramTensor::bytes() const {
  int64_t stride[rt::kMaxRank];
  return rt::computeStrides(type.shape, order.empty() ? nullptr : order.data(), innerStride, stride) *
         static_cast<int64_t>(rt::dtypeBytes(type.dtype));
}

namespace {
constexpr uint64_t kAlignment = 64;
uint64_t alignUp(uint64_t v) { return (v + kAlignment - 1) / kAlignment * kAlignment; }

bool rowMajor(const ProgramTensor& t) {
  rt::Tensor probe;
  probe.type = t.type;
  rt::computeStrides(t.type.shape, t.order.empty() ? nullptr : t.order.data(), t.innerStride, probe.stride);
  return rt::isRowMajor(probe);
}

// One piece of memory: all tensors that are views of each other.
struct Block {
  uint64_t bytes = 0;
  int first = -1, last = -1; // op indices; inputs are born at -1, outputs live past the end
  uint64_t offset = 0;
};

struct Liveness {
  std::vector<int> blockOf; // per tensor, -1 for constants and unused
  std::vector<Block> blocks;
};

Liveness analyse(const ProgramGraph& graph) {
  const int end = static_cast<int>(graph.ops.size());
  Liveness live;
  live.blockOf.assign(graph.tensors.size(), -1);
  auto born = [&](int tensor, int when) {
    live.blockOf[tensor] = static_cast<int>(live.blocks.size());
    live.blocks.push_back({static_cast<uint64_t>(graph.tensors[tensor].bytes()), when, when, 0});
  };
  auto used = [&](int tensor, int when) {
    if (tensor >= 0 && live.blockOf[tensor] >= 0) {
      Block& b = live.blocks[live.blockOf[tensor]];
      b.last = std::max(b.last, when);
    }
  };
  std::vector<bool> isBoundary(graph.tensors.size());
  for (int t : graph.inputs) born(t, -1), isBoundary[t] = true;
  for (int t : graph.outputs) isBoundary[t] = true;
  for (int i = 0; i < end; ++i) {
    const ProgramOp& op = graph.ops[i];
    for (int t : op.inputs) used(t, i);
    bool view = op.type == "nn.reshape" && live.blockOf[op.inputs[0]] >= 0 && !isBoundary[op.inputs[0]] &&
                rowMajor(graph.tensors[op.inputs[0]]) && rowMajor(graph.tensors[op.outputs[0]]);
    if (view) {
      live.blockOf[op.outputs[0]] = live.blockOf[op.inputs[0]];
      continue;
    }
    for (int t : op.outputs) born(t, i);
  }
  for (int t : graph.outputs) used(t, end);
  return live;
}
} // namespace

void planMemory(ProgramGraph& graph, bool keepAll) {
  Liveness live = analyse(graph);
  std::vector<int> order(live.blocks.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return live.blocks[a].bytes > live.blocks[b].bytes; });
  std::vector<int> placed; // sorted by offset
  graph.arenaBytes = 0;
  for (int index : order) {
    Block& block = live.blocks[index];
    // The lowest gap between blocks that live at the same time.
    uint64_t offset = 0;
    for (int other : placed) {
      const Block& o = live.blocks[other];
      if (!keepAll && (o.last < block.first || block.last < o.first)) continue;
      if (offset + block.bytes <= o.offset) break;
      offset = std::max(offset, alignUp(o.offset + o.bytes));
    }
    block.offset = offset;
    graph.arenaBytes = std::max(graph.arenaBytes, alignUp(offset + block.bytes));
    placed.insert(
        std::upper_bound(placed.begin(), placed.end(), index,
                         [&](int a, int b) { return live.blocks[a].offset < live.blocks[b].offset; }),
        index);
  }
  for (size_t t = 0; t < graph.tensors.size(); ++t)
    if (live.blockOf[t] >= 0) graph.tensors[t].offset = live.blocks[live.blockOf[t]].offset;
}

uint64_t peakLiveBytes(const ProgramGraph& graph) {
  Liveness live = analyse(graph);
  uint64_t peak = 0;
  for (int when = -1; when <= static_cast<int>(graph.ops.size()); ++when) {
    uint64_t sum = 0;
    for (const Block& b : live.blocks)
      if (b.first <= when && when <= b.last) sum += b.bytes;
    peak = std::max(peak, sum);
  }
  return peak;
}

} // namespace burin
