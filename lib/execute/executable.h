// Programs as the host tool runs them: the runtime with files, arrays and names around it. Everything that
// executes a network (calibration, import checks, comparison, evaluation) goes through here.
#pragma once

#include "lib/data/input_spec.h"
#include "lib/data/npz.h"
#include "lib/program/program.h"
#include "runtime/core/session.h"

#include <functional>
#include <memory>
#include <span>

namespace burin {

// A verified program, from a file or fresh from the compiler.
class Executable {
public:
  static Result<Executable> open(const std::string& path);
  static Result<Executable> fromProgram(const ProgramFile& program);
  static bool isProgramFile(const std::string& path); // by its first bytes

  const rt::Program& program() const { return *program_; }
  const rt::Graph& graph() const { return program_->net(0); }
  // Names, types, shapes and preprocessing of the inputs.
  const std::vector<InputSpec>& inputs() const { return inputs_; }
  size_t fileBytes() const { return fileBytes_; }

private:
  Status readInputs();

  std::shared_ptr<const std::vector<char>> memory_; // of fromProgram; outlives program_
  std::shared_ptr<rt::Program> program_;
  std::vector<InputSpec> inputs_;
  size_t fileBytes_ = 0;
};

struct RunOptions {
  int threads = 1;
  bool referenceKernels = false;
};

class Runner {
public:
  using Observer = std::function<void(const rt::Tensor&)>;

  static Result<std::unique_ptr<Runner>> create(const Executable& executable, const RunOptions& options);

  // `inputs` in the order of Executable::inputs(), each of its type and shape.
  Status run(std::span<const Array> inputs);
  Status setInputs(std::span<const Array> inputs); // without running, for stepping through session()
  // Called for inputs and for every tensor an op makes; empty to stop.
  void observe(Observer observer);

  size_t outputCount() const { return session_->graph().outputs.size(); }
  const rt::Tensor& outputTensor(size_t i) const { return session_->output(static_cast<int>(i)); }
  rt::Session& session() { return *session_; }

private:
  Runner() = default;
  Executable executable_; // keeps the program alive
  std::unique_ptr<rt::Session> session_;
  Observer observer_;
};

ElementType elementTypeOf(rt::DType dtype); // bf16 is read as f32
// Stored elements in row-major order (bf16 widened to f32).
Array storedArray(const rt::Tensor& tensor);
// As people read it: float32, dequantised; integers that are no quantized values keep their type as f32
// values.
Array realArray(const rt::Tensor& tensor);
std::vector<float> realValues(const rt::Tensor& tensor);

} // namespace burin
