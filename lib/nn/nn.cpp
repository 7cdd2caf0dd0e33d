#include "lib/nn/nn.h"

#include "runtime/core/op.h"

#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

#include "lib/nn/nn_dialect.cpp.inc"
#define GET_OP_CLASSES
#include "lib/nn/nn_ops.cpp.inc"

void burin::nn::NNDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "lib/nn/nn_ops.cpp.inc"
      >();
}

OpFoldResult burin::nn::ConstantOp::fold(FoldAdaptor) { return getValue(); }

namespace burin::nn {

Type elementType(MLIRContext* context, rt::DType dtype) {
  Builder b(context);
  switch (dtype) {
  case rt::DType::F32:
    return b.getF32Type();
  case rt::DType::F16:
    return b.getF16Type();
  case rt::DType::BF16:
    return b.getBF16Type();
  case rt::DType::I8:
    return b.getIntegerType(8);
  case rt::DType::U8:
    return b.getIntegerType(8, false);
  case rt::DType::I16:
    return b.getIntegerType(16);
  case rt::DType::U16:
    return b.getIntegerType(16, false);
  case rt::DType::I32:
    return b.getIntegerType(32);
  case rt::DType::U32:
    return b.getIntegerType(32, false);
  case rt::DType::I64:
    return b.getIntegerType(64);
  case rt::DType::U64:
    return b.getIntegerType(64, false);
  case rt::DType::Bool:
    return b.getI1Type();
  }
  return {};
}

bool elementDType(Type element, rt::DType& dtype) {
  if (auto q = dyn_cast<quant::QuantizedType>(element)) {
    unsigned width = q.getStorageTypeIntegralWidth();
    if (width != 8 && width != 16 && width != 32) return false;
    dtype = width == 8    ? (q.isSigned() ? rt::DType::I8 : rt::DType::U8)
            : width == 16 ? (q.isSigned() ? rt::DType::I16 : rt::DType::U16)
                          : rt::DType::I32;
    return true;
  }
  if (element.isF32()) return dtype = rt::DType::F32, true;
  if (element.isF16()) return dtype = rt::DType::F16, true;
  if (element.isBF16()) return dtype = rt::DType::BF16, true;
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer) return false;
  bool isUnsigned = integer.isUnsigned();
  switch (integer.getWidth()) {
  case 1:
    return dtype = rt::DType::Bool, true;
  case 8:
    return dtype = isUnsigned ? rt::DType::U8 : rt::DType::I8, true;
  case 16:
    return dtype = isUnsigned ? rt::DType::U16 : rt::DType::I16, true;
  case 32:
    return dtype = isUnsigned ? rt::DType::U32 : rt::DType::I32, true;
  case 64:
    return dtype = isUnsigned ? rt::DType::U64 : rt::DType::I64, true;
  default:
    return false;
  }
}

bool tensorType(Type type, rt::TensorType& out) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape() || tensor.getRank() > rt::kMaxRank) return false;
  out.shape = {};
  for (int64_t d : tensor.getShape()) out.shape.push(d);
  return elementDType(tensor.getElementType(), out.dtype);
}

rt::Attrs programAttrs(DictionaryAttr attributes) {
  rt::Attrs out;
  for (NamedAttribute named : attributes) {
    std::string name = named.getName().str();
    Attribute a = named.getValue();
    if (name == "names" || name == "node" || name == "preprocess") continue;
    if (auto b = dyn_cast<BoolAttr>(a))
      out.setInt(name, b.getValue());
    else if (auto i = dyn_cast<IntegerAttr>(a))
      out.setInt(name, i.getValue().getSExtValue());
    else if (auto f = dyn_cast<FloatAttr>(a))
      out.setFloats(name, {static_cast<float>(f.getValueAsDouble())});
    else if (auto s = dyn_cast<StringAttr>(a))
      out.setText(name, s.getValue().str());
    else if (auto is = dyn_cast<DenseI64ArrayAttr>(a))
      out.setInts(name, is.asArrayRef().vec());
    else if (auto fs = dyn_cast<DenseF32ArrayAttr>(a))
      out.setFloats(name, fs.asArrayRef().vec());
  }
  return out;
}

LogicalResult inferTypes(StringRef opName, MLIRContext* context, std::optional<Location> location,
                         ValueRange operands, DictionaryAttr attributes, SmallVectorImpl<Type>& types) {
  std::vector<rt::TensorType> storage(operands.size());
  rt::Attrs attrs = programAttrs(attributes);
  rt::Signature signature{attrs, {}};
  for (auto [i, operand] : llvm::enumerate(operands)) {
    if (isa<NoneType>(operand.getType())) {
      signature.inputs.push_back(nullptr);
      continue;
    }
    if (!tensorType(operand.getType(), storage[i]))
      return emitOptionalError(location, "operand ", i, " has unsupported type ", operand.getType());
    signature.inputs.push_back(&storage[i]);
  }
  std::vector<rt::TensorType> results;
  std::string error;
  if (!rt::inferTypes(opName.str(), signature, results, error)) return emitOptionalError(location, error);
  for (const rt::TensorType& r : results) {
    Type element = elementType(context, r.dtype);
    // Movement ops keep the quantization of the first operand that has one.
    for (Value operand : operands) {
      auto type = dyn_cast<RankedTensorType>(operand.getType());
      rt::DType storageType;
      if (!type || !isa<quant::QuantizedType>(type.getElementType())) continue;
      if (elementDType(type.getElementType(), storageType) && storageType == r.dtype)
        element = type.getElementType();
      break;
    }
    types.push_back(RankedTensorType::get(ArrayRef<int64_t>(r.shape.dim, r.shape.rank), element));
  }
  return success();
}

std::string valueName(Value value) {
  auto result = dyn_cast_or_null<OpResult>(value);
  if (!result) return {};
  Operation* op = result.getOwner();
  if (auto input = dyn_cast<InputOp>(op)) return input.getName().str();
  auto names = op->getAttrOfType<ArrayAttr>("names");
  if (!names || result.getResultNumber() >= names.size()) return {};
  auto name = dyn_cast<StringAttr>(names[result.getResultNumber()]);
  return name ? name.getValue().str() : std::string();
}

void setNames(Operation* op, ArrayRef<std::string> names) {
  SmallVector<Attribute> list;
  for (const std::string& n : names) list.push_back(StringAttr::get(op->getContext(), n));
  op->setAttr("names", ArrayAttr::get(op->getContext(), list));
}

std::string nodeName(Operation* op) {
  if (auto node = op->getAttrOfType<StringAttr>("node"); node && !node.getValue().empty())
    return node.getValue().str();
  for (Value result : op->getResults())
    if (std::string name = valueName(result); !name.empty()) return name;
  return op->getName().getStringRef().str();
}

ArrayRef<char> constantBytes(Value value) {
  auto constant = value ? value.getDefiningOp<ConstantOp>() : ConstantOp();
  if (!constant) return {};
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(constant.getValue())) {
    AsmResourceBlob* blob = resource.getRawHandle().getBlob();
    return blob ? blob->getData() : ArrayRef<char>();
  }
  if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue()))
    if (!dense.isSplat() || dense.getNumElements() == 1) return dense.getRawData();
  return {};
}

namespace {
// A float beyond an integer type becomes that type's nearest end, and NaN its lowest: numbers that no shape
// or index has.
template <class Out, class In>
Out convert(In v) {
  if constexpr (std::is_floating_point_v<In> && std::is_integral_v<Out>) {
    constexpr Out kLow = std::numeric_limits<Out>::min(), kHigh = std::numeric_limits<Out>::max();
    if (!(v >= static_cast<In>(kLow))) return kLow;
    if (v >= static_cast<In>(kHigh)) return kHigh;
  }
  return static_cast<Out>(v);
}

template <class Out, class In>
std::vector<Out> convertBytes(ArrayRef<char> bytes) {
  std::vector<Out> out(bytes.size() / sizeof(In));
  for (size_t i = 0; i < out.size(); ++i) {
    In v;
    memcpy(&v, bytes.data() + i * sizeof(In), sizeof(In));
    out[i] = convert<Out>(v);
  }
  return out;
}

template <class Out>
std::vector<Out> constantAs(Value value) {
  ArrayRef<char> bytes = constantBytes(value);
  rt::TensorType type;
  if (bytes.empty() || !tensorType(value.getType(), type)) return {};
  switch (type.dtype) {
  case rt::DType::F32:
    return convertBytes<Out, float>(bytes);
  case rt::DType::I8:
    return convertBytes<Out, int8_t>(bytes);
  case rt::DType::U8:
  case rt::DType::Bool:
    return convertBytes<Out, uint8_t>(bytes);
  case rt::DType::I16:
    return convertBytes<Out, int16_t>(bytes);
  case rt::DType::U16:
    return convertBytes<Out, uint16_t>(bytes);
  case rt::DType::I32:
    return convertBytes<Out, int32_t>(bytes);
  case rt::DType::U32:
    return convertBytes<Out, uint32_t>(bytes);
  case rt::DType::I64:
    return convertBytes<Out, int64_t>(bytes);
  case rt::DType::U64:
    return convertBytes<Out, uint64_t>(bytes);
  default:
    return {};
  }
}
} // namespace

std::vector<float> constantFloats(Value value) { return constantAs<float>(value); }
std::vector<int64_t> constantInts(Value value) { return constantAs<int64_t>(value); }

} // namespace burin::nn
