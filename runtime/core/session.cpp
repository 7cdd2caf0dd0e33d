#include "runtime/core/session.h"

#include "runtime/core/half_adaptor.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>

namespace burin::rt {

namespace {
uint8_t* allocate(uint64_t bytes) {
  void* memory = nullptr;
  if (bytes > SIZE_MAX - 64 || posix_memalign(&memory, 64, static_cast<size_t>(bytes) + 64) != 0)
    return nullptr;
  memset(memory, 0, static_cast<size_t>(bytes) + 64);
  return static_cast<uint8_t*>(memory);
}

uint64_t nowNanoseconds() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

// Walks the logical index space in row-major order; calls body(offset into the tensor, in elements) per
// innermost run.
template <class Body>
void forEachRow(const Tensor& t, const Body& body) {
  const Shape& shape = t.type.shape;
  if (shape.elements() == 0) return;
  int64_t index[kMaxRank] = {};
  int last = shape.rank - 1;
  for (;;) {
    int64_t offset = 0;
    for (int i = 0; i < last; ++i) offset += index[i] * t.stride[i];
    body(offset);
    int axis = last - 1;
    while (axis >= 0 && ++index[axis] == shape[axis]) index[axis--] = 0;
    if (axis < 0) return;
  }
}

template <bool kRead>
void copyRowMajor(const Tensor& t, uint8_t* flat) {
  const size_t bytes = dtypeBytes(t.type.dtype);
  uint8_t* data = static_cast<uint8_t*>(t.data);
  if (isRowMajor(t)) {
    size_t all = static_cast<size_t>(t.type.shape.elements()) * bytes;
    kRead ? memcpy(flat, data, all) : memcpy(data, flat, all);
    return;
  }
  const int last = t.type.shape.rank - 1;
  const int64_t n = t.type.shape[last], stride = t.stride[last];
  forEachRow(t, [&](int64_t offset) {
    for (int64_t i = 0; i < n; ++i, flat += bytes) {
      uint8_t* element = data + (offset + i * stride) * static_cast<int64_t>(bytes);
      kRead ? memcpy(flat, element, bytes) : memcpy(element, flat, bytes);
    }
  });
}
} // namespace

void readRowMajor(const Tensor& tensor, void* out) { copyRowMajor<true>(tensor, static_cast<uint8_t*>(out)); }
void writeRowMajor(const void* in, Tensor& tensor) {
  copyRowMajor<false>(tensor, static_cast<uint8_t*>(const_cast<void*>(in)));
}

std::unique_ptr<Session> Session::create(const Graph& graph, const KernelConfig& config, std::string& error,
                                         bool& outOfMemory) {
  outOfMemory = false;
  std::unique_ptr<Session> session(new Session(graph, config.threads));
  return session->build(config, error, outOfMemory) ? std::move(session) : nullptr;
}

bool Session::build(const KernelConfig& config, std::string& error, bool& outOfMemory) {
  arena_ = allocate(graph_.arenaBytes);
  if (!arena_)
    return outOfMemory = true,
           error = "cannot allocate an arena of " + std::to_string(graph_.arenaBytes) + " bytes", false;
  tensors_ = graph_.tensors;
  for (size_t i = 0; i < tensors_.size(); ++i)
    if (!tensors_[i].constant) tensors_[i].data = arena_ + graph_.arenaOffset[i];
  nodes_ = graph_.nodes;
  auto rebase = [&](const Tensor* t) { return &tensors_[static_cast<size_t>(t - graph_.tensors.data())]; };
  for (Node& node : nodes_) {
    for (const Tensor*& t : node.inputs) t = t ? rebase(t) : nullptr;
    for (Tensor*& t : node.outputs) t = rebase(t);
  }
  uint64_t halfBytes = 0;
  for (const Node& node : nodes_)
    if (needsHalfAdaptor(node)) halfBytes = std::max<uint64_t>(halfBytes, halfWorkspaceBytes(node));
  if (halfBytes && !(halfWorkspace_ = allocate(halfBytes)))
    return outOfMemory = true, error = "cannot allocate " + std::to_string(halfBytes) + " bytes of workspace",
           false;
  config_ = config;
  for (const Node& node : nodes_) {
    auto kernel = makeKernel(node, error);
    if (!kernel) return error = "op '" + node.name + "' (" + node.type + "): " + error, false;
    if (kernel->scratchBytes() > scratchBytes_) scratchBytes_ = kernel->scratchBytes();
    kernels_.push_back(std::move(kernel));
  }
  scratch_ = allocate(scratchBytes_);
  if (!scratch_)
    return outOfMemory = true,
           error = "cannot allocate " + std::to_string(scratchBytes_) + " bytes of kernel scratch", false;
  return true;
}

std::unique_ptr<Kernel> Session::makeKernel(const Node& node, std::string& error) {
  KernelFactory make = findOp(node.type)->make;
  return needsHalfAdaptor(node) ? makeHalfKernel(node, config_, make, halfWorkspace_, error)
                                : make(node, config_, error);
}

bool Session::runNode(size_t node, std::string& error) {
  Context context{pool_, scratch_};
  kernels_[node]->run(context);
  if (context.failure)
    return error = "op '" + nodes_[node].name + "' (" + nodes_[node].type + "): " + context.failure, false;
  return true;
}

bool Session::replaceConstant(size_t node, int operand, const void* data, std::string& error) {
  const Tensor* tensor = nodes_[node].inputs[static_cast<size_t>(operand)];
  Tensor& own = tensors_[static_cast<size_t>(tensor - tensors_.data())];
  own.data = const_cast<void*>(data);
  auto kernel = makeKernel(nodes_[node], error);
  if (!kernel) return false;
  kernels_[node] = std::move(kernel);
  return true;
}

Session::~Session() {
  free(arena_);
  free(scratch_);
  free(halfWorkspace_);
}

uint64_t Session::packedBytes() const {
  uint64_t sum = 0;
  for (const auto& kernel : kernels_) sum += kernel->packedBytes();
  return sum;
}

bool Session::run(std::string& error) {
  Context context{pool_, scratch_};
  if (observer_)
    for (int t : graph_.inputs) observer_(user_, tensors_[t]);
  for (size_t i = 0; i < kernels_.size(); ++i) {
    uint64_t start = nodeNanoseconds_.empty() ? 0 : nowNanoseconds();
    kernels_[i]->run(context);
    if (!nodeNanoseconds_.empty()) nodeNanoseconds_[i] = nowNanoseconds() - start;
    if (context.failure)
      return error = "op '" + nodes_[i].name + "' (" + nodes_[i].type + "): " + context.failure, false;
    if (observer_)
      for (Tensor* t : nodes_[i].outputs) observer_(user_, *t);
  }
  return true;
}

} // namespace burin::rt
