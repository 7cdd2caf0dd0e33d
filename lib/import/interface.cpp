#include "lib/import/interface.h"

#include <algorithm>
#include <fmt/format.h>

namespace burin {

namespace {
using DimNames = std::map<std::string, int64_t>;

// The flag for an input; the end of the map without one.
InputShapes::const_iterator flagFor(const DeclaredInput& input, size_t inputs, const InputShapes& flags) {
  auto it = flags.find(input.name);
  return it == flags.end() && inputs == 1 ? flags.find("") : it;
}

Status checkFlags(const std::vector<DeclaredInput>& inputs, const std::vector<std::string>& others,
                  const InputShapes& flags) {
  std::vector<std::string> names;
  for (const DeclaredInput& input : inputs) names.push_back(input.name);
  names.insert(names.end(), others.begin(), others.end());
  for (const auto& [name, dims] : flags) {
    if (name.empty() ? inputs.size() == 1 : std::find(names.begin(), names.end(), name) != names.end())
      continue;
    return fail(ErrorCode::Usage,
                name.empty() ? std::string("--input-shapes: the model has several inputs, name them")
                             : fmt::format("--input-shapes: the model has no input '{}'", name),
                "its inputs are " + joined(names, ", "));
  }
  return {};
}

void addDimNames(const DeclaredInput& input, const Ints& dims, DimNames& names) {
  if (!input.dims || input.dims->size() != dims.size()) return;
  for (size_t i = 0; i < dims.size(); ++i)
    if (!(*input.dims)[i].name.empty()) names.emplace((*input.dims)[i].name, dims[i]);
}

// The declared shape with -1 for what stays open; `open` gets the labels of those.
Ints fixShape(const std::vector<DeclaredDim>& declared, const DimNames& names,
              std::vector<std::string>& open) {
  Ints dims;
  for (size_t i = 0; i < declared.size(); ++i) {
    const DeclaredDim& dim = declared[i];
    auto named = names.find(dim.name);
    if (dim.size > 0)
      dims.push_back(dim.size);
    else if (!dim.name.empty() && named != names.end())
      dims.push_back(named->second);
    else if (i == 0)
      dims.push_back(1);
    else {
      dims.push_back(-1);
      open.push_back(dim.name.empty() ? fmt::format("dimension {}", i)
                                      : fmt::format("dimension {} ('{}')", i, dim.name));
    }
  }
  return dims;
}

Error tooManyDimensions(const std::string& input, size_t count) {
  return Error{ErrorCode::Unsupported,
               {},
               "input '" + input + "'",
               fmt::format("has {} dimensions", count),
               fmt::format("at most {} are supported", rt::kMaxRank)};
}
} // namespace

Result<std::vector<Ints>> resolveInputShapes(const std::vector<DeclaredInput>& inputs,
                                             const std::vector<std::string>& others, ImportSession& session) {
  const InputShapes& given = session.options().inputShapes;
  BURIN_CHECK(checkFlags(inputs, others, given));
  DimNames names;
  for (const DeclaredInput& input : inputs)
    if (auto flag = flagFor(input, inputs.size(), given); flag != given.end())
      addDimNames(input, flag->second, names);

  std::vector<Ints> shapes;
  std::vector<std::string> problems, flags;
  for (const DeclaredInput& input : inputs) {
    if (auto flag = flagFor(input, inputs.size(), given); flag != given.end()) {
      shapes.push_back(flag->second);
      continue;
    }
    if (input.dims && input.dims->size() > static_cast<size_t>(rt::kMaxRank))
      return fail(tooManyDimensions(input.name, input.dims->size()));
    std::vector<std::string> open;
    shapes.push_back(input.dims ? fixShape(*input.dims, names, open) : Ints{1, -1});
    if (!input.dims)
      problems.push_back(fmt::format("input '{}' has no shape", input.name));
    else if (!open.empty())
      problems.push_back(fmt::format("input '{}': {} {} not fixed", input.name, joined(open, ", "),
                                     open.size() == 1 ? "is" : "are"));
    if (!input.dims || !open.empty())
      flags.push_back(fmt::format("{}:{}", input.name, dimsText(shapes.back())));
  }
  if (problems.empty()) return shapes;
  return fail(ErrorCode::Usage, joined(problems, "; "),
              fmt::format("give --input-shapes \"{}\" with a number for every N", joined(flags, ",")));
}

Result<Value> makeInput(const DeclaredInput& input, const Ints& dims, ImportSession& session) {
  for (size_t i = 0; input.dims && i < input.dims->size(); ++i) {
    const int64_t fixed = (*input.dims)[i].size;
    if (fixed <= 0 || (input.dims->size() == dims.size() && fixed == dims[i])) continue;
    session.warn(fmt::format("input '{}' is fixed in the model; --input-shapes overrides it with {}",
                             input.name, dimsText(dims)));
    break;
  }
  if (dims.size() > static_cast<size_t>(rt::kMaxRank))
    return fail(tooManyDimensions(input.name, dims.size()));
  rt::TensorType type;
  type.dtype = input.dtype;
  double elements = 1;
  for (int64_t d : dims) type.shape.push(d), elements *= static_cast<double>(d);
  if (elements > static_cast<double>(int64_t(1) << 40))
    return fail(Error{ErrorCode::Input,
                      {},
                      "input '" + input.name + "'",
                      fmt::format("its shape {} is too big", dimsText(dims)),
                      "fix it with --input-shapes"});
  return session.builder().input(input.name, type);
}

Error unknownTensor(const std::string& flag, const std::string& name, std::span<const std::string> tensors) {
  return Error{ErrorCode::Usage,
               {},
               {},
               fmt::format("{}: the model has no tensor '{}'", flag, name),
               "tensors with names like it: " + joined(nearNames(name, tensors), ", ")};
}

} // namespace burin
