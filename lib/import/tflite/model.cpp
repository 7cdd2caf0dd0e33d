#include "lib/import/tflite/model.h"

#include "lib/import/finite.h"

#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <limits>

namespace burin::tflite {

namespace {
constexpr const char* kDamaged = "the file is damaged; download or convert it again";

tl::unexpected<Error> damaged(const std::string& message, const std::string& where = {}) {
  return fail(Error{ErrorCode::Input, {}, where, message, kDamaged});
}

struct TypeRow {
  tfl::TensorType type;
  const char* name;
  std::optional<rt::DType> held;
};
const TypeRow kTypes[] = {
    {tfl::TensorType::FLOAT32, "float32", rt::DType::F32},
    {tfl::TensorType::FLOAT16, "float16", rt::DType::F16},
    {tfl::TensorType::BFLOAT16, "bfloat16", rt::DType::BF16},
    {tfl::TensorType::FLOAT64, "float64", rt::DType::F32},
    {tfl::TensorType::INT4, "int4", rt::DType::I8},
    {tfl::TensorType::INT8, "int8", rt::DType::I8},
    {tfl::TensorType::UINT8, "uint8", rt::DType::U8},
    {tfl::TensorType::INT16, "int16", rt::DType::I16},
    {tfl::TensorType::UINT16, "uint16", rt::DType::U16},
    {tfl::TensorType::INT32, "int32", rt::DType::I32},
    {tfl::TensorType::UINT32, "uint32", rt::DType::U32},
    {tfl::TensorType::INT64, "int64", rt::DType::I64},
    {tfl::TensorType::UINT64, "uint64", rt::DType::U64},
    {tfl::TensorType::BOOL, "bool", rt::DType::Bool},
    {tfl::TensorType::STRING, "string", std::nullopt},
    {tfl::TensorType::COMPLEX64, "complex64", std::nullopt},
    {tfl::TensorType::COMPLEX128, "complex128", std::nullopt},
    {tfl::TensorType::RESOURCE, "resource", std::nullopt},
    {tfl::TensorType::VARIANT, "variant", std::nullopt},
};

const TypeRow* findType(tfl::TensorType type) {
  for (const TypeRow& row : kTypes)
    if (row.type == type) return &row;
  return nullptr;
}

// Elements of a stored shape; nothing where that is out of all bounds.
std::optional<uint64_t> elementsOf(const Ints& shape) {
  uint64_t count = 1;
  for (int64_t d : shape) {
    if (d < 0 || (d > 0 && count > (uint64_t(1) << 40) / static_cast<uint64_t>(d))) return std::nullopt;
    count *= static_cast<uint64_t>(d);
  }
  return count;
}

uint64_t storedBytes(tfl::TensorType type, uint64_t elements) {
  if (type == tfl::TensorType::INT4) return (elements + 1) / 2;
  if (type == tfl::TensorType::FLOAT64) return elements * 8;
  return elements * rt::dtypeBytes(*elementType(type));
}
// Least and greatest value.
std::pair<int64_t, int64_t> integerRange(rt::DType dtype) {
  const size_t bits = 8 * rt::dtypeBytes(dtype);
  const bool isUnsigned = dtype == rt::DType::U8 || dtype == rt::DType::U16 || dtype == rt::DType::U32;
  if (bits == 64) return {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
  if (isUnsigned) return {0, (int64_t(1) << bits) - 1};
  return {-(int64_t(1) << (bits - 1)), (int64_t(1) << (bits - 1)) - 1};
}
} // namespace

std::optional<rt::DType> elementType(tfl::TensorType type) {
  const TypeRow* row = findType(type);
  return row ? row->held : std::nullopt;
}

std::string elementTypeName(tfl::TensorType type) {
  const TypeRow* row = findType(type);
  return row ? row->name : fmt::format("type {}", static_cast<int>(type));
}

Result<std::unique_ptr<Model>> Model::open(ModelBytes file, int64_t maxNodes) {
  std::unique_ptr<Model> model(new Model());
  model->file_ = std::move(file);
  BURIN_CHECK(model->verify());
  const auto* graphs = model->model_->subgraphs();
  if (!graphs || graphs->size() == 0 || !graphs->Get(0)) return damaged("holds no graph");
  const tfl::SubGraph& graph = *graphs->Get(0);
  BURIN_CHECK(model->readTensors(graph));
  BURIN_CHECK(model->readOperators(graph, maxNodes));
  BURIN_ASSIGN(model->inputs_, model->indices(graph.inputs(), "the list of inputs"));
  BURIN_ASSIGN(model->outputs_, model->indices(graph.outputs(), "the list of outputs"));
  model->readAliases();
  return model;
}

Status Model::verify() {
  const auto* data = reinterpret_cast<const uint8_t*>(file_.bytes.data());
  if (file_.bytes.size() < 8 || !tfl::ModelBufferHasIdentifier(data))
    return fail(ErrorCode::Input, "is not a TensorFlow Lite file",
                "its identifier 'TFL3' is missing; convert the model again");
  // Deep nesting does not exist in the format; the number of tables is bounded by what a graph may hold.
  flatbuffers::Verifier verifier(data, file_.bytes.size(), 16, 1 << 22);
  if (file_.bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE || !tfl::VerifyModelBuffer(verifier))
    return damaged("is cut short or damaged");
  model_ = tfl::GetModel(data);
  if (model_->version() != 3)
    return fail(ErrorCode::Input, fmt::format("has schema version {}", model_->version()),
                "version 3 is read; convert the model with a current TensorFlow");
  return {};
}

//===-- tensors
//---------------------------------------------------------------------------------------------------===//

Status Model::readTensors(const tfl::SubGraph& graph) {
  const auto* list = graph.tensors();
  for (size_t i = 0; list && i < list->size(); ++i)
    BURIN_CHECK(readTensor(list->Get(static_cast<flatbuffers::uoffset_t>(i)), i));
  return {};
}

std::string Model::uniqueName(std::string name, size_t index) const {
  if (name.empty()) name = fmt::format("tensor_{}", index);
  if (!names_.contains(name)) return name;
  std::string unique = fmt::format("{}:{}", name, index);
  while (names_.contains(unique)) unique += "_";
  return unique;
}

Status Model::readTensor(const tfl::Tensor* tensor, size_t index) {
  if (!tensor) return damaged(fmt::format("tensor {} is missing", index));
  TensorFacts facts;
  std::string stored = tensor->name() ? tensor->name()->str() : std::string();
  read_ += stored.size() + 1;
  facts.name = uniqueName(std::move(stored), index);
  facts.type = tensor->type();
  facts.isVariable = tensor->is_variable();
  facts.isSparse = tensor->sparsity() != nullptr;
  const auto *shape = tensor->shape(), *signature = tensor->shape_signature();
  const bool open = shape && signature && signature->size() == shape->size();
  if (shape && shape->size() > 1024) return damaged("has a shape of too many axes", facts.name);
  for (flatbuffers::uoffset_t i = 0; shape && i < shape->size(); ++i) {
    facts.shape.push_back(shape->Get(i));
    // An open dimension may come with the size that it had when the model was converted.
    bool unknown = shape->Get(i) < 1 || (open && signature->Get(i) < 0 && shape->Get(i) == 1);
    facts.dims.push_back({unknown ? -1 : shape->Get(i), {}});
  }
  read_ += facts.shape.size();
  if (read_ > file_.bytes.size() + (1 << 20)) return damaged("its names and lists are longer than the file");
  BURIN_CHECK(readQuantization(*tensor, facts));
  BURIN_CHECK(readData(*tensor, facts));
  names_.emplace(facts.name, static_cast<int64_t>(index));
  tensors_.push_back(std::move(facts));
  return {};
}

Status Model::readQuantization(const tfl::Tensor& tensor, TensorFacts& facts) const {
  const tfl::Quantization* q = tensor.quantization();
  auto dtype = elementType(facts.type);
  const std::string where = fmt::format("tensor '{}'", facts.name);
  if (!q || !q->scale() || q->scale()->size() == 0 || !dtype || rt::isFloat(*dtype) ||
      *dtype == rt::DType::Bool)
    return {};
  if (q->scale()->size() == 1 && q->scale()->Get(0) == 0) return {}; // written for plain integers
  if (q->details_type() != 0)
    return fail(Error{ErrorCode::Unsupported,
                      {},
                      where,
                      "is quantized by a scheme of its own",
                      "convert the model with the standard int8 quantization"});
  Quantization parsed;
  const size_t count = q->scale()->size(), zeros = q->zero_point() ? q->zero_point()->size() : 0;
  if (zeros > 1 && zeros != count)
    return damaged(fmt::format("has {} scales and {} zero points", count, zeros), where);
  // Converters write the weights' axis for the bias as well, which has only one.
  parsed.axis = facts.shape.size() == 1 ? 0 : q->quantized_dimension();
  const size_t axis = static_cast<size_t>(parsed.axis);
  if (count > 1 &&
      (parsed.axis < 0 || axis >= facts.shape.size() || facts.shape[axis] != static_cast<int64_t>(count)))
    return damaged(fmt::format("has {} scales, which do not fit its shape {}", count, dimsText(facts.shape)),
                   where);
  const auto [low, high] = integerRange(*dtype);
  for (flatbuffers::uoffset_t i = 0; i < count; ++i) {
    float scale = q->scale()->Get(i);
    int64_t zero = zeros == 0 ? 0 : q->zero_point()->Get(zeros == 1 ? 0 : i);
    if (!std::isfinite(scale) || !(scale > 0) || zero < low || zero > high)
      return damaged(fmt::format("has scale {} and zero point {}", scale, zero), where);
    parsed.scale.push_back(scale);
    parsed.zeroPoint.push_back(zero);
  }
  facts.quantization = std::move(parsed);
  return {};
}

Status Model::readData(const tfl::Tensor& tensor, TensorFacts& facts) const {
  const auto* buffers = model_->buffers();
  const uint32_t index = tensor.buffer();
  if (index == 0 || !buffers) return {};
  const std::string where = fmt::format("tensor '{}'", facts.name);
  if (index >= buffers->size() || !buffers->Get(index))
    return damaged(fmt::format("names buffer {} of {}", index, buffers->size()), where);
  const tfl::Buffer& buffer = *buffers->Get(index);
  if (buffer.offset() > 1) { // behind the flatbuffer
    const uint64_t total = file_.bytes.size();
    if (buffer.offset() > total || buffer.size() > total - buffer.offset())
      return damaged("its data lies outside the file", where);
    facts.data = file_.bytes.subspan(buffer.offset(), buffer.size());
  } else if (buffer.data()) {
    facts.data = {reinterpret_cast<const char*>(buffer.data()->data()), buffer.data()->size()};
  }
  return {};
}

namespace {
std::vector<char> unpackNibbles(std::span<const char> packed, uint64_t elements) {
  std::vector<char> values(elements);
  for (uint64_t i = 0; i < elements; ++i) {
    int nibble = (static_cast<uint8_t>(packed[i / 2]) >> (i % 2 * 4)) & 15;
    values[i] = static_cast<char>(nibble >= 8 ? nibble - 16 : nibble);
  }
  return values;
}

std::vector<char> floatsOfDoubles(std::span<const char> bytes, uint64_t elements) {
  std::vector<char> values(elements * sizeof(float));
  for (uint64_t i = 0; i < elements; ++i) {
    double wide;
    std::memcpy(&wide, bytes.data() + i * sizeof wide, sizeof wide);
    const float value = static_cast<float>(wide);
    std::memcpy(values.data() + i * sizeof value, &value, sizeof value);
  }
  return values;
}
} // namespace

namespace {
// Zero in real numbers.
Result<Value> initialState(const TensorFacts& tensor, rt::DType dtype, ImportSession& session) {
  constexpr uint64_t kMaxStateBytes = uint64_t(1) << 26;
  rt::TensorType type;
  type.dtype = dtype;
  for (int64_t d : tensor.shape) type.shape.push(d);
  const size_t width = rt::dtypeBytes(dtype);
  const uint64_t elements = static_cast<uint64_t>(type.shape.elements());
  if (elements > kMaxStateBytes / width ||
      !session.takeGeneratedBytes(static_cast<int64_t>(elements * width)))
    return fail(Error{ErrorCode::Unsupported,
                      {},
                      fmt::format("tensor '{}'", tensor.name),
                      fmt::format("is a state of shape {}, which is too big", dimsText(tensor.shape)),
                      {}});
  const int64_t zero = tensor.quantization ? tensor.quantization->zeroPoint[0] : 0;
  std::vector<char> bytes(elements * width);
  for (uint64_t i = 0; i < elements; ++i) std::memcpy(bytes.data() + i * width, &zero, width);
  return session.builder().constant(type, bytes, tensor.name);
}
} // namespace

Result<Value> Model::constant(const TensorFacts& tensor, ImportSession& session) const {
  const std::string where = fmt::format("tensor '{}'", tensor.name);
  auto dtype = elementType(tensor.type);
  if (!dtype)
    return fail(Error{ErrorCode::Unsupported,
                      {},
                      where,
                      fmt::format("holds {} values", elementTypeName(tensor.type)),
                      "cut the part of the graph that needs them off with --inputs or --outputs"});
  if (tensor.isSparse)
    return fail(Error{ErrorCode::Unsupported,
                      {},
                      where,
                      "is stored in a sparse format",
                      "convert the model without sparsity"});
  auto elements = elementsOf(tensor.shape);
  if (!elements || tensor.shape.size() > static_cast<size_t>(rt::kMaxRank))
    return damaged(fmt::format("has the shape {}", dimsText(tensor.shape)), where);
  if (tensor.isVariable && tensor.data.empty()) return initialState(tensor, *dtype, session);
  if (tensor.data.size() != storedBytes(tensor.type, *elements))
    return damaged(fmt::format("holds {} bytes, its shape {} needs {}", tensor.data.size(),
                               dimsText(tensor.shape), storedBytes(tensor.type, *elements)),
                   where);
  rt::TensorType type;
  type.dtype = *dtype;
  for (int64_t d : tensor.shape) type.shape.push(d);
  nn::GraphBuilder& builder = session.builder();
  if (tensor.type == tfl::TensorType::INT4)
    return builder.constant(type, unpackNibbles(tensor.data, *elements), tensor.name);
  Value value;
  if (tensor.type == tfl::TensorType::FLOAT64) {
    session.warn(fmt::format("tensor '{}' is float64 and becomes float32", tensor.name));
    value = builder.constant(type, floatsOfDoubles(tensor.data, *elements), tensor.name);
  } else {
    value = builder.constantView(type, {tensor.data.data(), tensor.data.size()}, file_.owner, tensor.name);
  }
  if (session.options().allowNonFinite) return value;
  if (Status finite = checkFinite(value); !finite) return tl::unexpected(atOp(finite.error(), where));
  return value;
}

//===-- operators
//-------------------------------------------------------------------------------------------------===//

Result<Ints> Model::indices(const flatbuffers::Vector<int32_t>* stored, const std::string& where) {
  Ints list;
  if (!stored) return list;
  read_ += stored->size();
  if (read_ > file_.bytes.size() + (1 << 20)) return damaged("its names and lists are longer than the file");
  for (int32_t index : *stored) {
    if (index >= static_cast<int64_t>(tensors_.size()) || index < -1)
      return damaged(fmt::format("names tensor {} of {}", index, tensors_.size()), where);
    list.push_back(index);
  }
  return list;
}

Result<std::string> Model::operatorType(uint32_t index) const {
  const auto* codes = model_->operator_codes();
  if (!codes || index >= codes->size() || !codes->Get(index))
    return damaged(fmt::format("names operator code {}", index));
  const tfl::OperatorCode& code = *codes->Get(index);
  constexpr int32_t kCustom = 32;
  const int32_t builtin = std::max<int32_t>(code.deprecated_builtin_code(), code.builtin_code());
  if (builtin != kCustom) return builtinName(builtin);
  std::string name = code.custom_code() ? code.custom_code()->str().substr(0, 200) : std::string();
  return "custom:" + name;
}

Status Model::readOperators(const tfl::SubGraph& graph, int64_t maxNodes) {
  const auto* list = graph.operators();
  if (list && list->size() > static_cast<uint64_t>(maxNodes))
    return fail(ErrorCode::Unsupported, fmt::format("has {} operators", list->size()),
                fmt::format("at most {} are supported", maxNodes));
  for (flatbuffers::uoffset_t i = 0; list && i < list->size(); ++i) {
    const tfl::Operator* stored = list->Get(i);
    const std::string where = fmt::format("operator {}", i);
    if (!stored) return damaged("is missing", where);
    OperatorFacts facts;
    facts.stored = stored;
    BURIN_ASSIGN(facts.type, operatorType(stored->opcode_index()));
    BURIN_ASSIGN(facts.inputs, indices(stored->inputs(), where));
    BURIN_ASSIGN(facts.outputs, indices(stored->outputs(), where));
    BURIN_ASSIGN(facts.intermediates, indices(stored->intermediates(), where));
    operators_.push_back(std::move(facts));
  }
  return {};
}

void Model::readAliases() {
  const auto* signatures = model_->signatures();
  for (flatbuffers::uoffset_t i = 0; signatures && i < signatures->size(); ++i) {
    const tfl::Signature* signature = signatures->Get(i);
    if (!signature || signature->subgraph_index() != 0) continue;
    for (const auto* list : {signature->inputs(), signature->outputs()})
      for (flatbuffers::uoffset_t k = 0; list && k < list->size(); ++k) {
        const tfl::TensorMap* entry = list->Get(k);
        if (entry && entry->name() && entry->tensor_index() < tensors_.size() && aliases_.size() < 1024)
          aliases_.emplace(entry->name()->str().substr(0, 1024), entry->tensor_index());
      }
  }
}

int64_t Model::find(const std::string& name) const {
  if (auto it = names_.find(name); it != names_.end()) return it->second;
  auto it = aliases_.find(name);
  return it == aliases_.end() ? -1 : it->second;
}

} // namespace burin::tflite
