// A graph with memory and kernels, ready to run.
#pragma once

#include "runtime/core/program.h"

namespace burin::rt {

class Session {
public:
  // The tensor an observer sees; data are valid only during the call.
  using Observer = void (*)(void* user, const Tensor& tensor);

  // Null with `error` when an op cannot run or memory is short (outOfMemory = true).
  static std::unique_ptr<Session> create(const Graph& graph, const KernelConfig& config, std::string& error,
                                         bool& outOfMemory);
  ~Session();

  bool run(std::string& error);
  // One node alone, in order, for tools that look between nodes.
  bool runNode(size_t node, std::string& error);
  // Gives a node another constant operand of the same type and remakes its kernel. `data` must outlive the
  // session.
  bool replaceConstant(size_t node, int operand, const void* data, std::string& error);
  void setObserver(Observer observer, void* user) { observer_ = observer, user_ = user; }

  const Graph& graph() const { return graph_; }
  Tensor& input(int i) { return tensors_[graph_.inputs[i]]; }
  const Tensor& output(int i) const { return tensors_[graph_.outputs[i]]; }

  const std::vector<Node>& nodes() const { return nodes_; }
  const Kernel& kernel(size_t node) const { return *kernels_[node]; }
  // Wall time of every node of the last run in nanoseconds; recorded when enabled.
  void enableTiming() { nodeNanoseconds_.assign(nodes_.size(), 0); }
  const std::vector<uint64_t>& nodeNanoseconds() const { return nodeNanoseconds_; }

  uint64_t arenaBytes() const { return graph_.arenaBytes; }
  uint64_t scratchBytes() const { return scratchBytes_; }
  uint64_t packedBytes() const;

private:
  explicit Session(const Graph& graph, int threads) : graph_(graph), pool_(threads) {}
  bool build(const KernelConfig& config, std::string& error, bool& outOfMemory);
  std::unique_ptr<Kernel> makeKernel(const Node& node, std::string& error);

  const Graph& graph_;
  ThreadPool pool_;
  std::vector<Tensor> tensors_; // the graph's, with data pointers into arena_
  std::vector<Node> nodes_;     // operands point into tensors_
  std::vector<std::unique_ptr<Kernel>> kernels_;
  KernelConfig config_;
  uint8_t* arena_ = nullptr;
  uint8_t* scratch_ = nullptr;
  uint8_t* halfWorkspace_ = nullptr; // f32 images of F16 and BF16 operands, shared by all nodes
  uint64_t scratchBytes_ = 0;
  Observer observer_ = nullptr;
  void* user_ = nullptr;
  std::vector<uint64_t> nodeNanoseconds_;
};

// Copies between row-major bytes and a tensor of any layout.
void readRowMajor(const Tensor& tensor, void* out);
void writeRowMajor(const void* in, Tensor& tensor);

} // namespace burin::rt
