#include "lib/import/torch/names.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace burin::torch {

namespace {
bool contains(const std::vector<std::string>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

void setName(Value value, const std::string& name) {
  auto result = mlir::cast<mlir::OpResult>(value);
  mlir::Operation* op = result.getOwner();
  std::vector<std::string> names;
  for (Value v : op->getResults()) names.push_back(nn::valueName(v));
  if (nn::nodeName(op) == names[result.getResultNumber()])
    op->setAttr("node", mlir::StringAttr::get(op->getContext(), name));
  names[result.getResultNumber()] = name;
  nn::setNames(op, names);
}
} // namespace

std::string qualified(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

std::string TensorNames::reserve(const std::string& wanted) {
  if (used_.insert(wanted).second) return wanted;
  int& n = firstFree_.try_emplace(wanted, 1).first->second;
  std::string name = fmt::format("{}_{}", wanted, n);
  while (!used_.insert(name).second) name = fmt::format("{}_{}", wanted, ++n);
  return name;
}

void TensorNames::release(const std::string& name) {
  used_.erase(name);
  const size_t line = name.rfind('_');
  auto it = line == std::string::npos ? firstFree_.end() : firstFree_.find(name.substr(0, line));
  int n = 0;
  const char* end = name.data() + name.size();
  if (it != firstFree_.end() && std::from_chars(name.data() + line + 1, end, n).ptr == end && n > 0)
    it->second = std::min(it->second, n);
}

void TensorNames::rename(Value value, const std::string& wanted, mlir::Operation* mark, bool lasting) {
  if (!value || wanted.empty()) return;
  mlir::Operation* op = value.getDefiningOp();
  if (mlir::isa<nn::InputOp, nn::ConstantOp, nn::NoneOp>(op) || lasting_.contains(op)) return;
  if (mark && !mark->isBeforeInBlock(op)) return; // the function only passes it on
  std::string old = nn::valueName(value);
  if (old != wanted) {
    release(old);
    setName(value, reserve(wanted));
    note(value);
  }
  if (lasting) lasting_.insert(op);
}

void TensorNames::note(Value value) {
  std::string name = nn::valueName(value);
  if (contains(session_.options().outputs, name)) outputs_[name] = value;
}

bool TensorNames::hasAllOutputs() const {
  const auto& wanted = session_.options().outputs;
  return !wanted.empty() && std::all_of(wanted.begin(), wanted.end(),
                                        [&](const std::string& name) { return outputs_.contains(name); });
}

Status TensorNames::cut(Tensor& tensor, const std::string& unmade) {
  std::string name = tensor.value ? nn::valueName(tensor.value) : unmade;
  if (name.empty()) return {};
  if (contains(session_.options().inputs, name)) {
    if (auto it = inputs_.find(name); it != inputs_.end()) return tensor.value = it->second, Status();
    DeclaredInput declared{name, rt::DType::F32, {}};
    if (tensor.value) {
      declared.dtype = RuleContext::dtype(tensor.value);
      declared.dims.emplace();
      for (int64_t d : RuleContext::dims(tensor.value)) declared.dims->push_back({d, {}});
    }
    auto flag = session_.options().inputShapes.find(name);
    if (!declared.dims && flag == session_.options().inputShapes.end())
      return fail(ErrorCode::Usage, fmt::format("input '{}' has no shape", name),
                  fmt::format("give --input-shapes \"{}:1xN\" with its dimensions", name));
    Ints dims = flag != session_.options().inputShapes.end() ? flag->second : RuleContext::dims(tensor.value);
    BURIN_ASSIGN(tensor.value, makeInput(declared, dims, session_));
    inputs_[name] = tensor.value;
  }
  if (tensor.value) note(tensor.value);
  return {};
}

Status TensorNames::checkCuts() const {
  std::vector<std::string> names = all();
  for (const std::string& name : session_.options().inputs)
    if (!inputs_.contains(name)) return fail(unknownTensor("--inputs", name, names));
  for (const std::string& name : session_.options().outputs)
    if (!outputs_.contains(name)) return fail(unknownTensor("--outputs", name, names));
  return {};
}

} // namespace burin::torch
