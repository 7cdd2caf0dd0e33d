#include "lib/import/torch/pickle_builders.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin::torch {

namespace {
using rt::DType;

tl::unexpected<Error> bad(const std::string& what) {
  return fail(ErrorCode::Input, "its pickle " + what, "the file is damaged; save it again");
}

struct StorageRow {
  const char* path;
  ElementType type;
};
const StorageRow kStorages[] = {
    {"torch.FloatStorage", {DType::F32}},  {"torch.DoubleStorage", {DType::F32, true}},
    {"torch.HalfStorage", {DType::F16}},   {"torch.BFloat16Storage", {DType::BF16}},
    {"torch.LongStorage", {DType::I64}},   {"torch.IntStorage", {DType::I32}},
    {"torch.ShortStorage", {DType::I16}},  {"torch.CharStorage", {DType::I8}},
    {"torch.ByteStorage", {DType::U8}},    {"torch.BoolStorage", {DType::Bool}},
    {"torch.QInt8Storage", {DType::I8}},   {"torch.QUInt8Storage", {DType::U8}},
    {"torch.QInt32Storage", {DType::I32}},
};

using Builder = Result<Data> (*)(const List& arguments, const std::string& folder, Heap& heap);

std::optional<Ints> integers(const Data& data) {
  const List* list = pointer<List>(data);
  if (!list) return std::nullopt;
  Ints values;
  for (const Data& item : list->items) {
    const int64_t* i = as<int64_t>(item);
    if (!i) return std::nullopt;
    values.push_back(*i);
  }
  return values;
}

// ('storage', class, key, device, elements)
Result<StoredTensor> describeStorage(const Data& data, const std::string& folder) {
  const List* id = pointer<List>(data);
  if (!id || id->items.size() < 5) return bad("holds a tensor without a storage");
  const Symbol* type = as<Symbol>(id->items[1]);
  const std::string* key = text(id->items[2]);
  if (!type || !key) return bad("holds a tensor without a storage");
  auto element = storageType(*type->path);
  if (!element)
    return fail(ErrorCode::Unsupported, fmt::format("its tensors of type {} are not supported", *type->path));
  StoredTensor stored;
  stored.record = folder + *key;
  stored.dtype = element->dtype;
  stored.isDouble = element->isDouble;
  return stored;
}

// (storage, offset, sizes, strides, ...)
Result<Tensor*> tensorOf(const List& arguments, const std::string& folder, Heap& heap) {
  if (arguments.items.size() < 4) return bad("holds a tensor with too few arguments");
  BURIN_ASSIGN(StoredTensor stored, describeStorage(arguments.items[0], folder));
  const int64_t* offset = as<int64_t>(arguments.items[1]);
  auto sizes = integers(arguments.items[2]), strides = integers(arguments.items[3]);
  if (!offset || !sizes || !strides || sizes->size() != strides->size())
    return bad("holds a tensor with a malformed shape");
  stored.offset = *offset, stored.sizes = *sizes, stored.strides = *strides;
  Tensor* tensor = heap.tensor();
  tensor->stored = std::move(stored);
  return tensor;
}

Result<Data> buildTensor(const List& arguments, const std::string& folder, Heap& heap) {
  BURIN_ASSIGN(Tensor * tensor, tensorOf(arguments, folder, heap));
  return Data(tensor);
}

// The fifth argument is (scheme, scale, zero point[, axis]). The scale and zero point of per-channel tensors
// are tensors; what reads them is the operator that unpacks the weights, so they stay as they are, beside the
// integers: an object with the attributes "integers", "scale", "zero_point" and "axis".
Result<Data> buildQuantized(const List& arguments, const std::string& folder, Heap& heap) {
  BURIN_ASSIGN(Tensor * integers, tensorOf(arguments, folder, heap));
  const List* scheme = arguments.items.size() > 4 ? pointer<List>(arguments.items[4]) : nullptr;
  if (!scheme || scheme->items.size() < 3) return bad("holds a quantized tensor without a scale");
  Object* object = heap.object(kQuantizedTensor);
  object->attributes = {
      {"integers", integers}, {"scale", scheme->items[1]}, {"zero_point", scheme->items[2]}};
  object->attributes["axis"] = scheme->items.size() > 3 ? scheme->items[3] : Data(int64_t{0});
  return Data(object);
}

Result<Data> takeFirst(const List& arguments, const std::string&, Heap&) {
  return arguments.items.empty() ? bad("builds a value of nothing") : Result<Data>(arguments.items.front());
}

Result<Data> buildDict(const List&, const std::string&, Heap& heap) { return Data(heap.dict()); }

struct BuilderRow {
  const char* path;
  Builder build;
};
const BuilderRow kBuilders[] = {
    {"torch._utils._rebuild_tensor_v2", buildTensor},
    {"torch._utils._rebuild_tensor", buildTensor},
    {"torch._utils._rebuild_qtensor", buildQuantized},
    {"torch._utils._rebuild_parameter", takeFirst},
    {"torch.jit._pickle.build_intlist", takeFirst},
    {"torch.jit._pickle.build_doublelist", takeFirst},
    {"torch.jit._pickle.build_boollist", takeFirst},
    {"torch.jit._pickle.build_tensorlist", takeFirst},
    {"torch.jit._pickle.restore_type_tag", takeFirst},
    {"torch.device", takeFirst},
    {"collections.OrderedDict", buildDict},
};

const BuilderRow* findBuilder(const std::string& path) {
  auto row =
      std::find_if(std::begin(kBuilders), std::end(kBuilders), [&](auto& r) { return path == r.path; });
  return row == std::end(kBuilders) ? nullptr : row;
}

bool isArchiveClass(const std::string& path) { return path.starts_with("__torch__."); }
} // namespace

const char* const kScriptRemedy =
    "in Python, with the network's class: model.load_state_dict(...); model.eval(); "
    "torch.jit.trace(model, torch.zeros(1, 3, 224, 224)).save('model.pt') with the shape of its input";

std::optional<ElementType> storageType(const std::string& path) {
  for (const StorageRow& row : kStorages)
    if (path == row.path) return row.type;
  return std::nullopt;
}

Status checkAllowed(const std::string& path) {
  bool isScheme = path == "torch.per_tensor_affine" || path == "torch.per_channel_affine";
  if (findBuilder(path) || storageType(path) || isArchiveClass(path) || isScheme) return {};
  return fail(
      ErrorCode::Unsupported,
      fmt::format("it holds Python objects of the class {}, which only the program that wrote it can read",
                  path),
      kScriptRemedy);
}

Result<Data> callBuilder(const Data& function, const Data& arguments, const std::string& storageFolder,
                         Heap& heap) {
  const Symbol* symbol = as<Symbol>(function);
  const List* list = pointer<List>(arguments);
  const BuilderRow* row = symbol ? findBuilder(*symbol->path) : nullptr;
  if (!row || !list) return bad("calls what is no function");
  return row->build(*list, storageFolder, heap);
}

Result<Data> makeObject(const Data& type, Heap& heap) {
  const Symbol* symbol = as<Symbol>(type);
  if (!symbol || !isArchiveClass(*symbol->path)) return bad("makes an object of what is no class");
  return Data(heap.object(*symbol->path));
}

Result<Data> giveState(const Data& data, const Data& state) {
  if (pointer<Dict>(data)) return data; // attributes of an OrderedDict: version numbers
  Object* object = pointer<Object>(data);
  if (!object) return bad("gives attributes to what is no object");
  object->state = state;
  if (const Dict* attributes = pointer<Dict>(state))
    for (const auto& [name, value] : attributes->entries)
      if (text(name)) object->attributes[*text(name)] = value;
  return data;
}

} // namespace burin::torch
