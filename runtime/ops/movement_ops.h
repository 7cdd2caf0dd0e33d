// The rules and factories of nn.* data movement, shared between the files that hold them and the table.
#pragma once

#include "runtime/ops/infer_check.h"
#include "runtime/ops/strided_copy.h"

namespace burin::rt {

bool inferReshape(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferTranspose(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferSlice(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferExpand(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferTile(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferConcat(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferPad(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferDepthToSpace(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferSpaceToDepth(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferTrilu(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferReverseSequence(const Signature& signature, std::vector<TensorType>& results, std::string& error);
bool inferOneHot(const Signature& signature, std::vector<TensorType>& results, std::string& error);

std::unique_ptr<Kernel> makeReshape(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeTranspose(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeSlice(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeExpand(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeTile(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeConcat(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makePad(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeDepthToSpace(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeSpaceToDepth(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeTrilu(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeReverseSequence(const Node& node, const KernelConfig& config, std::string& error);
std::unique_ptr<Kernel> makeOneHot(const Node& node, const KernelConfig& config, std::string& error);

inline uint8_t* elementAt(const Tensor& t, int64_t offset) {
  return t.as<uint8_t>() + offset * static_cast<int64_t>(dtypeBytes(t.dtype()));
}

// A kernel that copies views of its inputs into views of its output.
class CopyKernel final : public Kernel {
public:
  void add(const Tensor& source, int64_t sourceOffset, const Tensor& target, int64_t targetOffset,
           const StridedCopy& copy) {
    parts_.push_back({&source, sourceOffset, &target, targetOffset, copy});
  }
  void run(Context& context) override {
    for (const Part& part : parts_)
      part.copy.run(elementAt(*part.source, part.sourceOffset), elementAt(*part.target, part.targetOffset),
                    context.pool);
  }
  const char* name() const override { return parts_.empty() ? "reference" : parts_[0].copy.name(); }

private:
  struct Part {
    const Tensor* source;
    int64_t sourceOffset;
    const Tensor* target;
    int64_t targetOffset;
    StridedCopy copy;
  };
  std::vector<Part> parts_;
};

} // namespace burin::rt
