#include "lib/import/torch/call.h"

#include "lib/import/finite.h"
#include "lib/import/torch/archive.h"
#include "lib/import/torch/rules.h"

#include <fmt/format.h>

namespace burin::torch {

namespace {
constexpr int kMaxViewDepth = 64; // views of views

int depthOf(const Tensor& tensor) {
  int depth = 0;
  for (const Tensor* t = &tensor; t->base && depth < kMaxViewDepth; t = t->base) ++depth;
  return depth;
}

// The graph input that `value` only moves the elements of; null when it is computed.
nn::InputOp movedInput(Value value) {
  while (mlir::Operation* op = value.getDefiningOp()) {
    if (auto input = mlir::dyn_cast<nn::InputOp>(op)) return input;
    if (!mlir::isa<nn::ReshapeOp, nn::TransposeOp, nn::SliceOp, nn::ExpandOp>(op)) break;
    value = op->getOperand(0);
  }
  return nullptr;
}
} // namespace

//===-- tensor variables
//-----------------------------------------------------------------------------------------===//

Value TensorStore::read(RuleContext& context, Tensor& tensor) {
  if (tensor.base && tensor.base->version != tensor.baseVersion) {
    Value base = read(context, *tensor.base);
    tensor.baseVersion = tensor.base->version;
    tensor.value = base ? tensor.read(context, base) : Value();
  }
  if (tensor.value || !tensor.stored) return tensor.value;
  auto loaded = archive_.load(*tensor.stored, session_);
  if (!loaded) {
    context.fail(loaded.error());
    return {};
  }
  Status finite = session_.options().allowNonFinite ? Status() : checkFinite(*loaded);
  if (!finite) {
    context.fail(atOp(finite.error(), tensor.stored->name));
    return {};
  }
  return tensor.value = *loaded;
}

void TensorStore::write(RuleContext& context, Tensor& tensor, Value value) {
  tensor.value = value;
  tensor.stored.reset();
  ++tensor.version;
  if (!tensor.base) return;
  Value base = read(context, *tensor.base);
  write(context, *tensor.base, base && value ? tensor.write(context, base, value) : Value());
  tensor.baseVersion = tensor.base->version;
}

//===-- arguments
//------------------------------------------------------------------------------------------------===//

const char* Call::variant() const { return op_.row->variant; }

const Data& Call::data(const char* name) {
  static const Data nothing;
  for (size_t i = 0; i < arguments_.size(); ++i)
    if (op_.schema.parameters[i].name == name) return arguments_[i];
  fail(Error{ErrorCode::Internal,
             {},
             {},
             fmt::format("its rule asks for '{}', which its signature lacks", name),
             {}});
  return nothing;
}

Value Call::tensor(const char* name) {
  Tensor* t = variable(name);
  return t ? store_.read(*this, *t) : Value();
}

Value Call::indices(const char* name) {
  Value v = tensor(name);
  if (!v || rt::isInteger(dtype(v))) return v;
  if (auto input = movedInput(v)) {
    store_.integerInputs.insert(input.getName().str());
    unsupported(fmt::format("its '{}' has to be integers", name));
  } else {
    invalid(fmt::format("its '{}' holds no integers", name));
  }
  return {};
}

std::vector<Value> Call::tensors(const char* name) {
  std::vector<Value> values;
  if (const List* list = pointer<List>(data(name)))
    for (const Data& item : list->items)
      values.push_back(pointer<Tensor>(item) ? store_.read(*this, *pointer<Tensor>(item)) : Value());
  return values;
}

int64_t Call::integer(const char* name) {
  if (auto i = integerOf(data(name))) return *i;
  invalid(fmt::format("its '{}' is no integer but {}", name, kindOf(data(name))));
  return 0;
}
double Call::real(const char* name) {
  if (auto d = realOf(data(name))) return *d;
  invalid(fmt::format("its '{}' is no number but {}", name, kindOf(data(name))));
  return 0;
}
bool Call::flag(const char* name) { return integer(name) != 0; }
std::string Call::string(const char* name) { return text(data(name)) ? *text(data(name)) : std::string(); }

Ints Call::integers(const char* name, size_t count) {
  Ints values;
  const List* list = pointer<List>(data(name));
  if (list)
    for (const Data& item : list->items) values.push_back(integerOf(item).value_or(0));
  else
    values.push_back(integer(name));
  if (count && values.size() == 1) values.assign(count, values.front());
  if (count && values.size() != count)
    invalid(fmt::format("its '{}' has {} entries, {} are needed", name, values.size(), count));
  return values;
}

std::vector<double> Call::reals(const char* name) {
  std::vector<double> values;
  if (const List* list = pointer<List>(data(name)))
    for (const Data& item : list->items) values.push_back(realOf(item).value_or(0));
  return values;
}

std::optional<rt::DType> Call::type(const char* name) {
  if (!given(name)) return std::nullopt;
  auto element = scalarType(integer(name));
  if (!element && !failed()) unsupported(fmt::format("the element type {} is not supported", integer(name)));
  return element;
}

Value Call::number(const Data& data) {
  if (Tensor* t = pointer<Tensor>(data)) return store_.read(*this, *t);
  if (const bool* b = as<bool>(data)) return scalar(*b, rt::DType::Bool);
  if (const int64_t* i = as<int64_t>(data)) return session().builder().constantInt(*i);
  if (auto d = realOf(data)) return scalar(*d, rt::DType::F32);
  invalid(fmt::format("an operand is no number but {}", kindOf(data)));
  return {};
}
Value Call::operand(const char* name) { return number(data(name)); }

bool Call::same(const Data& a, const Data& b) {
  const bool result = equal(a, b, store_.comparisons);
  if (store_.comparisons < 0 && !failed()) invalid("its code compares too many values");
  return result;
}

//===-- results
//--------------------------------------------------------------------------------------------------===//

void Call::give(Value value) {
  if (!inherited_ || !value || !isFloat(value)) return set(0, value);
  giveQuantized(emitQuantized(*this, value, *inherited_), *inherited_);
}

void Call::giveList(const std::vector<Value>& values) {
  setAll(values);
  List* list = heap().list();
  for (Value v : values) list->items.push_back(heap().tensor(v));
  for (size_t i = 0; i < values.size() && i < results().size(); ++i)
    if (results()[i]) pointer<Tensor>(list->items[i])->value = results()[i];
  given_ = list;
}

Tensor* Call::view(Tensor& base, const Read& read, const Write& write, int output) {
  Value value = store_.read(*this, base);
  if (!value) return heap().tensor();
  if (depthOf(base) >= kMaxViewDepth) {
    unsupported("it makes a view of too many views of one tensor");
    return heap().tensor();
  }
  Value part = read(*this, value);
  if (!part || failed()) return heap().tensor();
  if (part != value) {
    set(output, part);
    if (output < outputCount() && results()[static_cast<size_t>(output)])
      part = results()[static_cast<size_t>(output)];
  }
  Tensor* t = heap().tensor(part);
  t->base = &base, t->baseVersion = base.version, t->read = read, t->write = write;
  t->quantization = base.quantization;
  return t;
}

void Call::giveView(const char* name, const Read& read, const Write& write) {
  if (Tensor* base = variable(name)) given_ = view(*base, read, write, 0);
}

void Call::giveViews(const char* name, const std::vector<std::pair<Read, Write>>& views) {
  Tensor* base = variable(name);
  List* list = heap().list();
  for (size_t i = 0; base && i < views.size() && !failed(); ++i)
    list->items.push_back(view(*base, views[i].first, views[i].second, static_cast<int>(i)));
  given_ = list;
}

void Call::giveQuantized(Value value, const Quantization& quantization) {
  set(0, value);
  if (failed()) return;
  Tensor* t = heap().tensor(results()[0]);
  t->quantization = quantization;
  given_ = t;
}

Data Call::result() {
  if (given_) return *given_;
  std::vector<Data> tensors;
  for (int i = 0; i < op_.schema.results; ++i)
    tensors.push_back(heap().tensor(
        static_cast<size_t>(i) < results().size() ? results()[static_cast<size_t>(i)] : Value()));
  return op_.schema.results == 1 ? tensors.front() : Data(heap().list(std::move(tensors), true));
}

} // namespace burin::torch
