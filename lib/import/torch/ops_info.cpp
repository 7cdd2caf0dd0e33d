// What is known about a tensor while importing, and constants that leave the graph as numbers.
#include "lib/import/torch/rules.h"

#include <fmt/format.h>

namespace burin::torch {

namespace {
Data sizesOf(Call& c, Value v) {
  List* list = c.heap().list();
  for (int64_t d : Call::dims(v)) list->items.push_back(d);
  return list;
}

void size(Call& c) { c.give(sizesOf(c, c.tensor("self"))); }
void sizeOfAxis(Call& c) {
  Value x = c.tensor("self");
  int64_t axis = c.axis(c.integer("dim"), Call::rank(x));
  if (!c.failed()) c.give(Data(Call::dims(x)[static_cast<size_t>(axis)]));
}
void dimensions(Call& c) { c.give(Data(Call::rank(c.tensor("self")))); }
void elements(Call& c) { c.give(Data(Call::shape(c.tensor("self")).elements())); }
void shapeAsTensor(Call& c) { c.give(c.constant(Call::dims(c.tensor("self")))); }

// Of memory without gaps: nothing else is seen here.
void strides(Call& c) {
  Ints dims = Call::dims(c.tensor("self")), steps(dims.size(), 1);
  for (size_t i = dims.size(); i-- > 1;) steps[i - 1] = steps[i] * dims[i];
  List* list = c.heap().list();
  for (int64_t s : steps) list->items.push_back(s);
  if (!c.given("dim")) return c.give(Data(list));
  int64_t axis = c.axis(c.integer("dim"), static_cast<int64_t>(dims.size()));
  if (!c.failed()) c.give(list->items[static_cast<size_t>(axis)]);
}

void elementType(Call& c) { c.give(Data(scalarTypeNumber(Call::dtype(c.tensor("self"))))); }
void isFloatingPoint(Call& c) { c.give(Data(Call::isFloat(c.tensor("self")))); }
void isQuantized(Call& c) { c.give(Data(c.variable("self")->quantization.has_value())); }
void constantBool(Call& c) { c.give(Data(std::string_view(c.variant()) == "true")); }
void device(Call& c) { c.give(Data(c.heap().text("cpu"))); }
void nothing(Call& c) { c.give(Data()); }

// The only element of a constant.
std::optional<double> onlyElement(Call& c, const char* name) {
  Value v = c.tensor(name);
  if (c.failed()) return std::nullopt;
  if (Call::shape(v).elements() != 1) {
    c.invalid(fmt::format("a tensor of {} is used as a number", dimsText(Call::dims(v))));
    return std::nullopt;
  }
  if (!nn::isConstant(v)) {
    c.needsConstant(0, name);
    return std::nullopt;
  }
  return Call::isFloat(v) ? constantReal(c, v) : static_cast<double>(nn::constantInts(v).front());
}

void toInteger(Call& c) {
  auto value = onlyElement(c, "self");
  if (!value) return;
  if (!Call::isFloat(c.tensor("self"))) return c.give(Data(nn::constantInts(c.tensor("self")).front()));
  if (!(std::abs(*value) < 9.2e18)) return c.invalid(fmt::format("{} is no integer", *value));
  c.give(Data(static_cast<int64_t>(*value)));
}
void toReal(Call& c) {
  if (auto value = onlyElement(c, "self")) c.give(Data(*value));
}
void toBool(Call& c) {
  if (auto value = onlyElement(c, "self")) c.give(Data(*value != 0));
}
void item(Call& c) {
  Value v = c.tensor("self");
  if (Call::isFloat(v)) return toReal(c);
  return Call::dtype(v) == rt::DType::Bool ? toBool(c) : toInteger(c);
}
void numberToTensor(Call& c) { c.give(c.number(c.data("a"))); }

// A list of numbers from a constant, as x.tolist() gives for one dimension.
void toList(Call& c) {
  Value v = c.tensor("self");
  if (c.failed() || Call::rank(v) != 1) return c.unsupported("it is supported for one dimension only");
  if (!nn::isConstant(v)) return c.needsConstant(0, "self");
  List* list = c.heap().list();
  if (Call::isFloat(v))
    for (float f : nn::constantFloats(v)) list->items.push_back(static_cast<double>(f));
  else
    for (int64_t i : nn::constantInts(v)) list->items.push_back(i);
  c.give(Data(list));
}

const OperatorRow kRows[] = {
    {"size(Tensor self)", size},
    {"size(Tensor self, int dim)", sizeOfAxis},
    {"prim::shape(Tensor self)", size},
    {"dim(Tensor self)", dimensions},
    {"numel(Tensor self)", elements},
    {"_shape_as_tensor(Tensor self)", shapeAsTensor},
    {"stride(Tensor self, int? dim=None)", strides},
    {"prim::dtype(Tensor self)", elementType},
    {"is_floating_point(Tensor self)", isFloatingPoint},
    {"is_complex(Tensor self)", constantBool, "false"},
    {"is_contiguous(Tensor self)", constantBool, "true"},
    {"prim::is_quantized(Tensor self)", isQuantized},
    {"prim::is_cuda(Tensor self)", constantBool, "false"},
    {"prim::is_sparse(Tensor self)", constantBool, "false"},
    {"prim::is_nested(Tensor self)", constantBool, "false"},
    {"prim::is_mkldnn(Tensor self)", constantBool, "false"},
    {"prim::requires_grad(Tensor self)", constantBool, "true"},
    {"prim::device(Tensor self)", device},
    {"prim::layout(Tensor self)", nothing},
    {"int(Tensor self)", toInteger},
    {"Int(Tensor self)", toInteger},
    {"IntImplicit(Tensor self)", toInteger},
    {"float(Tensor self)", toReal},
    {"Float(Tensor self)", toReal},
    {"FloatImplicit(Tensor self)", toReal},
    {"bool(Tensor self)", toBool},
    {"Bool(Tensor self)", toBool},
    {"item(Tensor self)", item},
    {"ScalarImplicit(Tensor self)", item},
    {"tolist(Tensor self)", toList},
    {"prim::NumToTensor(Scalar a)", numberToTensor},
    {"scalar_tensor(Scalar a, *, int? dtype=None, any layout=None, any device=None, any pin_memory=None)",
     numberToTensor},
};
} // namespace

const OperatorTable<OperatorRow> kTensorInfoOperators = {kRows, std::size(kRows)};

} // namespace burin::torch
