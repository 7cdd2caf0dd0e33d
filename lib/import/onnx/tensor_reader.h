// TensorProto -> constant: typed fields, raw bytes and external files, without a copy where the layout allows
// it.
#pragma once

#include "lib/import/common.h"
#include "lib/support/file.h"
#include "schema/onnx.pb.h"

#include <map>
#include <memory>

namespace burin::onnx {

// Element type of a program tensor for an ONNX one; double reads as f32, 4-bit integers as 8-bit ones. An
// error (with what to do) for types that programs do not have.
Result<rt::DType> elementType(int32_t onnxType);
std::string elementTypeName(int32_t onnxType);

class TensorReader {
public:
  // `owner` keeps the parsed model alive: constants view its bytes.
  TensorReader(nn::GraphBuilder& builder, std::shared_ptr<const void> owner, std::string folder,
               bool allowNonFinite)
      : builder_(builder), owner_(std::move(owner)), folder_(std::move(folder)),
        allowNonFinite_(allowNonFinite) {}

  // `name` is the tensor's name for errors and the graph; it may differ from the proto's own.
  Result<mlir::Value> read(const onnxpb::TensorProto& tensor, const std::string& name);

private:
  struct Bytes {
    std::span<const char> view;
    std::shared_ptr<const void> owner; // of the view
  };
  Result<rt::Shape> shapeOf(const onnxpb::TensorProto& tensor) const;
  Result<Bytes> externalBytes(const onnxpb::TensorProto& tensor);
  Result<mlir::Value> fromRaw(const onnxpb::TensorProto& tensor, const rt::TensorType& type, const Bytes& raw,
                              const std::string& name);
  Result<mlir::Value> fromFields(const onnxpb::TensorProto& tensor, const rt::TensorType& type,
                                 const std::string& name);

  nn::GraphBuilder& builder_;
  std::shared_ptr<const void> owner_;
  std::string folder_;
  bool allowNonFinite_;
  std::map<std::string, std::shared_ptr<const MappedFile>> externalFiles_;
};

} // namespace burin::onnx
