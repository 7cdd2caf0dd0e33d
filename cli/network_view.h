// One description of programs, modules and model files, for the commands that show them.
#pragma once

#include "cli/network.h"

namespace burin::cli {

struct NetworkView {
  std::string kind; // program or module (a model file is read as a module)
  std::string tool, target, precision, source;
  ProgramGraph graph; // of a program: its constants carry no data; of a module: no layouts and no memory plan
  std::vector<InputSpec> inputs;
  uint64_t weightsBytes = 0;
  size_t fileBytes = 0;
  std::optional<Executable> executable; // of a program
};

Result<NetworkView> viewNetwork(const std::string& path, const ModelFlags& flags, const CommonFlags& common);

// What the op does, without dialect: conv2d, matmul, add, relu, reduce_mean, ...
std::string opKind(const ProgramGraph& graph, const ProgramOp& op);

// "", "nhwc", "order 0 2 1", with the padded distance of neighbours if there is one.
std::string layoutText(const ProgramTensor& tensor);

// Constants as they are stored, in row-major order under their names (constant_<index> when unnamed), each
// with NAME:scale and NAME:zero_point when quantized.
Result<std::vector<NamedArray>> constantArrays(const NetworkView& view);

} // namespace burin::cli
