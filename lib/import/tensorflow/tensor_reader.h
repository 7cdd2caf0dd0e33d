// TensorFlow's element types and constants.
#pragma once

#include "lib/import/rule_context.h"
#include "schema/tensorflow.pb.h"

#include <memory>

namespace burin::tensorflow {

// TensorFlow's numbers for element types, as far as they are told apart here.
enum TfType : int32_t {
  kFloat = 1,
  kDouble = 2,
  kInt32 = 3,
  kString = 7,
  kInt64 = 9,
  kBool = 10,
  kResource = 20
};

// Element type of a program tensor; double reads as f32. An error (with what to do) for types that programs
// do not have.
Result<rt::DType> elementType(int32_t tfType);
std::string elementTypeName(int32_t tfType);

// A tensor's type from a file; sizes are checked, no open dimensions.
Result<rt::TensorType> tensorType(int32_t tfType, const tfpb::ShapeProto& shape);

// Raw bytes (row-major, little endian) as a constant. `owner` keeps `bytes` alive.
Result<Value> constantFromBytes(ImportSession& session, int32_t tfType, const tfpb::ShapeProto& shape,
                                std::span<const char> bytes, std::shared_ptr<const void> owner,
                                const std::string& name);

// The value of a Const node.
Result<Value> readTensor(ImportSession& session, const tfpb::TensorProto& tensor,
                         std::shared_ptr<const void> owner, const std::string& name);

} // namespace burin::tensorflow
