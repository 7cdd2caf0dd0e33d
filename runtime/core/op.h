// The op registry. An op is a shape rule and a kernel factory under one name; the rule serves importers, the
// IR verifier and the program loader alike, the kernel is the only executor.
#pragma once

#include "runtime/core/thread_pool.h"
#include "runtime/core/types.h"

#include <memory>
#include <string>
#include <vector>

namespace burin::rt {

// What a shape rule sees. inputs[i] is null for an absent optional input.
struct Signature {
  const Attrs& attrs;
  std::vector<const TensorType*> inputs;

  int count() const { return static_cast<int>(inputs.size()); }
  const TensorType* input(int i) const { return i < count() ? inputs[i] : nullptr; }
};

// Fills the result types. Returns false with `error` (no trailing period) when the op is invalid. Must not
// trust any value: attributes may come from a hostile file.
using InferRule = bool (*)(const Signature& signature, std::vector<TensorType>& results, std::string& error);

// An op of a loaded program. Tensor addresses are stable; data pointers are set before kernels are made.
struct Node {
  std::string type;
  std::string name;
  Attrs attrs;
  std::vector<const Tensor*> inputs; // null = absent
  std::vector<Tensor*> outputs;

  const Tensor* input(int i) const { return i < static_cast<int>(inputs.size()) ? inputs[i] : nullptr; }
  const Tensor& in(int i) const { return *inputs[i]; }
  Tensor& out(int i = 0) const { return *outputs[i]; }
};

enum class Isa : uint8_t { Reference, Portable, Avx2, Avx512, Avx512Vnni, Amx };
Isa detectIsa(); // best of this machine

struct KernelConfig {
  Isa isa = Isa::Reference; // Reference selects only reference kernels
  int threads = 1;
};

// Passed to a running kernel.
struct Context {
  ThreadPool& pool;
  uint8_t* scratch = nullptr;    // scratchBytes() of the kernel, 64-byte aligned
  const char* failure = nullptr; // set by a kernel when data are invalid (index out of range); the run stops

  void fail(const char* message) { failure = message; }
};

class Kernel {
public:
  virtual ~Kernel() = default;
  virtual void run(Context& context) = 0; // must not allocate
  virtual size_t scratchBytes() const { return 0; }
  virtual size_t packedBytes() const { return 0; } // memory held for packed weights
  virtual const char* name() const { return "reference"; }
};

// A kernel that is a plain function of its node.
using NodeFunction = void (*)(const Node& node, Context& context);
std::unique_ptr<Kernel> makeFunctionKernel(const Node& node, NodeFunction function,
                                           const char* name = "reference");

// Null with `error` set when the node cannot run (bad layout, missing tensor, unsupported element type).
using KernelFactory = std::unique_ptr<Kernel> (*)(const Node& node, const KernelConfig& config,
                                                  std::string& error);

struct OpDef {
  const char* type;
  InferRule infer;
  KernelFactory make;
};

// All ops: the table is assembled from one array per file of runtime/ops.
const OpDef* findOp(const std::string& type);
const std::vector<const OpDef*>& allOps();

// Each file of runtime/ops defines one of these; registry.cpp lists them (no static constructors: they would
// be dropped from a static archive).
struct OpTable {
  const OpDef* ops;
  size_t count;
};

// Runs the rule of `type`; false with error for an unknown type.
bool inferTypes(const std::string& type, const Signature& signature, std::vector<TensorType>& results,
                std::string& error);

} // namespace burin::rt
