// A loaded program: mapped file, verified FlatBuffer, tensors and nodes with every index and size checked.
#pragma once

#include "runtime/core/op.h"

#include <memory>
#include <string>
#include <vector>

namespace burin::rt {

// One network ready to be instantiated. Tensors carry offsets instead of pointers for arena storage.
struct Graph {
  std::string name;
  std::vector<Tensor> tensors;         // constants point into the file; arena tensors have data == nullptr
  std::vector<uint64_t> arenaOffset;   // per tensor
  std::vector<Node> nodes;             // operands point into `tensors`
  std::vector<int> inputs, outputs;    // tensor indices
  std::vector<std::string> preprocess; // per input: JSON, may be empty
  uint64_t arenaBytes = 0;
};

class Program {
public:
  // Null with `error` set when the file cannot be read (readFailed = true) or is not a valid program.
  static std::unique_ptr<Program> open(const char* path, std::string& error, bool& readFailed);
  static std::unique_ptr<Program> openMemory(const void* data, size_t size, std::string& error);
  ~Program();

  std::string tool, target, precision, source;
  int netCount() const { return static_cast<int>(nets_.size()); }
  const Graph& net(int index) const { return *nets_[index]; }
  uint64_t weightsBytes() const { return weightsBytes_; }

private:
  Program() = default;
  bool load(std::string& error);

  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
  void* mapping_ = nullptr; // munmap when set
  void* copy_ = nullptr;    // aligned copy when the caller's memory was not aligned
  uint64_t weightsBytes_ = 0;
  std::vector<std::unique_ptr<Graph>> nets_;
};

} // namespace burin::rt
