// A program in memory, before it is written: what lib/compile builds and the writer turns into a .burin file.
#pragma once

#include "lib/support/error.h"
#include "runtime/core/types.h"

#include <memory>
#include <string>
#include <vector>

namespace burin {

struct ProgramTensor {
  std::string name;
  rt::TensorType type;
  std::vector<uint8_t> order; // memory order of the logical axes, outermost first; empty = row-major
  int64_t innerStride = 0;
  rt::Quant quant;
  bool constant = false;
  std::shared_ptr<const std::vector<char>> data; // constants: bytes in memory order
  uint64_t offset = 0;                           // arena offset, set by planMemory

  int64_t bytes() const; // span in memory including padding
};

struct ProgramOp {
  std::string type; // "nn.conv", "qnn.conv", ...
  std::string name;
  std::vector<int> inputs; // -1 = absent
  std::vector<int> outputs;
  rt::Attrs attrs;
};

struct ProgramGraph {
  std::string name = "main";
  std::vector<ProgramTensor> tensors;
  std::vector<ProgramOp> ops; // in execution order
  std::vector<int> inputs, outputs;
  std::vector<std::string> preprocess; // per input: JSON or empty
  uint64_t arenaBytes = 0;
};

struct ProgramFile {
  std::string tool, target, precision, source;
  std::vector<ProgramGraph> nets;
};

// Assigns arena offsets: greedy by size over live ranges (Pisarchyk & Lee, "Efficient memory management for
// deep neural net inference", 2020, greedy by size), 64-byte aligned. `keepAll` gives every tensor its own
// place. Ops of type nn.reshape whose two sides have the same bytes in memory share one place.
void planMemory(ProgramGraph& graph, bool keepAll = false);

// The largest sum of simultaneously live arena tensors: the lower bound for any plan.
uint64_t peakLiveBytes(const ProgramGraph& graph);

// The file's bytes: 64-byte header, FlatBuffer, weights blob (see docs/program-format.md).
std::vector<char> serialize(const ProgramFile& program);

} // namespace burin
