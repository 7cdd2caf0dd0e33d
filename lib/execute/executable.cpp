#include "lib/execute/executable.h"

#include "lib/data/preprocess_json.h"
#include "lib/support/file.h"
#include "runtime/core/container.h"

#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>

namespace burin {

namespace {
const char* const kRemedy = "compile the model again with 'burin compile' or 'burin quantize'";
}

Result<Executable> Executable::open(const std::string& path) {
  std::string error;
  bool readFailed = false;
  Executable executable;
  executable.program_ = rt::Program::open(path.c_str(), error, readFailed);
  if (!executable.program_)
    return fail(
        Error{ErrorCode::Input, path, {}, error, readFailed ? "check the path and permissions" : kRemedy});
  BURIN_ASSIGN(auto file, MappedFile::open(path));
  executable.fileBytes_ = file->bytes().size();
  if (Status status = executable.readInputs(); !status) return tl::unexpected(inFile(status.error(), path));
  return executable;
}

Result<Executable> Executable::fromProgram(const ProgramFile& program) {
  Executable executable;
  executable.memory_ = std::make_shared<const std::vector<char>>(serialize(program));
  executable.fileBytes_ = executable.memory_->size();
  std::string error;
  executable.program_ =
      rt::Program::openMemory(executable.memory_->data(), executable.memory_->size(), error);
  if (!executable.program_)
    return fail(ErrorCode::Internal, "the compiler wrote a program that does not verify: " + error);
  BURIN_CHECK(executable.readInputs());
  return executable;
}

bool Executable::isProgramFile(const std::string& path) {
  auto file = MappedFile::open(path);
  if (!file) return false;
  const rt::ContainerHeader header;
  auto bytes = (*file)->bytes();
  return bytes.size() >= sizeof header.magic && memcmp(bytes.data(), header.magic, sizeof header.magic) == 0;
}

Status Executable::readInputs() {
  const rt::Graph& g = graph();
  for (size_t i = 0; i < g.inputs.size(); ++i) {
    const rt::Tensor& t = g.tensors[static_cast<size_t>(g.inputs[i])];
    InputSpec spec;
    spec.name = t.name;
    spec.type = elementTypeOf(t.type.dtype);
    spec.shape.assign(t.type.shape.dim, t.type.shape.dim + t.type.shape.rank);
    const bool small =
        t.type.dtype == rt::DType::I8 || t.type.dtype == rt::DType::U8 || t.type.dtype == rt::DType::I16;
    if (small && t.quant.scale.size() == 1) spec.affine = rt::Affine{t.scale(), t.zeroPoint()};
    if (i < g.preprocess.size() && !g.preprocess[i].empty()) {
      auto json = nlohmann::json::parse(g.preprocess[i], nullptr, false);
      if (json.is_discarded())
        return fail(ErrorCode::Input, "preprocessing of input '" + t.name + "' is no JSON", kRemedy);
      BURIN_ASSIGN(spec.preprocess, preprocessFromJson(json));
    }
    inputs_.push_back(std::move(spec));
  }
  return {};
}

Result<std::unique_ptr<Runner>> Runner::create(const Executable& executable, const RunOptions& options) {
  std::unique_ptr<Runner> runner(new Runner);
  runner->executable_ = executable;
  rt::KernelConfig config;
  config.isa = options.referenceKernels ? rt::Isa::Reference : rt::detectIsa();
  config.threads = options.threads;
  std::string error;
  bool outOfMemory = false;
  runner->session_ = rt::Session::create(executable.graph(), config, error, outOfMemory);
  if (!runner->session_)
    return fail(outOfMemory ? ErrorCode::Input : ErrorCode::Unsupported, error,
                outOfMemory ? "use a smaller input shape or a machine with more memory" : "");
  return runner;
}

Status Runner::setInputs(std::span<const Array> inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    rt::Tensor& t = session_->input(static_cast<int>(i));
    size_t expected = static_cast<size_t>(t.type.shape.elements()) * rt::dtypeBytes(t.type.dtype);
    if (inputs[i].bytes.size() != expected)
      return fail(Error{ErrorCode::Input,
                        {},
                        t.name,
                        "input has " + dimsText(inputs[i].shape) + ", the network wants " +
                            rt::toString(t.type.shape),
                        "give data of the network's input shape"});
    rt::writeRowMajor(inputs[i].bytes.data(), t);
  }
  return {};
}

Status Runner::run(std::span<const Array> inputs) {
  BURIN_CHECK(setInputs(inputs));
  std::string error;
  if (!session_->run(error)) return fail(ErrorCode::Input, error, "check the input data");
  return {};
}

void Runner::observe(Observer observer) {
  observer_ = std::move(observer);
  auto forward = [](void* self, const rt::Tensor& tensor) { static_cast<Runner*>(self)->observer_(tensor); };
  session_->setObserver(observer_ ? +forward : nullptr, this);
}

ElementType elementTypeOf(rt::DType dtype) {
  switch (dtype) {
  case rt::DType::F32:
  case rt::DType::BF16:
    return ElementType::F32;
  case rt::DType::F16:
    return ElementType::F16;
  case rt::DType::I8:
    return ElementType::I8;
  case rt::DType::U8:
    return ElementType::U8;
  case rt::DType::I16:
    return ElementType::I16;
  case rt::DType::U16:
    return ElementType::U16;
  case rt::DType::I32:
    return ElementType::I32;
  case rt::DType::U32:
    return ElementType::U32;
  case rt::DType::I64:
    return ElementType::I64;
  case rt::DType::U64:
    return ElementType::U64;
  case rt::DType::Bool:
    return ElementType::Bool;
  }
  return ElementType::F32;
}

namespace {
Dims dimsOf(const rt::Tensor& t) { return Dims(t.type.shape.dim, t.type.shape.dim + t.type.shape.rank); }

float bf16ToFloat(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

template <class T>
void widen(const std::vector<uint8_t>& raw, std::vector<float>& out) {
  for (size_t i = 0; i < out.size(); ++i) {
    T v;
    memcpy(&v, raw.data() + i * sizeof(T), sizeof(T));
    out[i] = static_cast<float>(v);
  }
}

// real = (q - zero point) * scale, per tensor or along the quantization axis.
void dequantize(const rt::Tensor& t, std::vector<float>& values) {
  const rt::Quant& q = t.quant;
  if (q.empty()) return;
  int64_t inner = 1, count = static_cast<int64_t>(q.scale.size());
  for (int axis = q.axis + 1; q.axis >= 0 && axis < t.type.shape.rank; ++axis) inner *= t.type.shape[axis];
  for (size_t i = 0; i < values.size(); ++i) {
    size_t c = q.axis < 0 ? 0 : static_cast<size_t>(static_cast<int64_t>(i) / inner % count);
    values[i] = (values[i] - static_cast<float>(q.zeroPoint[c])) * q.scale[c];
  }
}
} // namespace

Array storedArray(const rt::Tensor& t) {
  if (t.type.dtype == rt::DType::BF16) return Array::of<float>(ElementType::F32, dimsOf(t), realValues(t));
  Array out(elementTypeOf(t.type.dtype), dimsOf(t));
  rt::readRowMajor(t, out.bytes.data());
  return out;
}

std::vector<float> realValues(const rt::Tensor& t) {
  std::vector<float> values(static_cast<size_t>(t.type.shape.elements()));
  if (t.type.dtype == rt::DType::F32) {
    rt::readRowMajor(t, values.data());
    return values;
  }
  std::vector<uint8_t> raw(values.size() * rt::dtypeBytes(t.type.dtype));
  rt::readRowMajor(t, raw.data());
  switch (t.type.dtype) {
  case rt::DType::F32:
    break;
  case rt::DType::F16:
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = floatFromHalf(static_cast<uint16_t>(raw[2 * i] | raw[2 * i + 1] << 8));
    break;
  case rt::DType::BF16:
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = bf16ToFloat(static_cast<uint16_t>(raw[2 * i] | raw[2 * i + 1] << 8));
    break;
  case rt::DType::I8:
    widen<int8_t>(raw, values);
    break;
  case rt::DType::U8:
  case rt::DType::Bool:
    widen<uint8_t>(raw, values);
    break;
  case rt::DType::I16:
    widen<int16_t>(raw, values);
    break;
  case rt::DType::U16:
    widen<uint16_t>(raw, values);
    break;
  case rt::DType::I32:
    widen<int32_t>(raw, values);
    break;
  case rt::DType::U32:
    widen<uint32_t>(raw, values);
    break;
  case rt::DType::I64:
    widen<int64_t>(raw, values);
    break;
  case rt::DType::U64:
    widen<uint64_t>(raw, values);
    break;
  }
  dequantize(t, values);
  return values;
}

Array realArray(const rt::Tensor& t) { return Array::of<float>(ElementType::F32, dimsOf(t), realValues(t)); }

} // namespace burin
