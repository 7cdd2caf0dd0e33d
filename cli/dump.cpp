#include "cli/network_view.h"

#include "lib/data/npy.h"

#include <cmath>
#include <filesystem>
#include <fmt/format.h>

namespace burin::cli {

namespace {
struct Flags {
  std::string file, weights;
  bool tensors = false;
  CommonFlags common;
  ModelFlags model;
};

//===-- networks
//-------------------------------------------------------------------------------------------------===//

std::string quantText(const rt::Quant& q) {
  if (q.empty()) return {};
  auto [low, high] = std::minmax_element(q.scale.begin(), q.scale.end());
  auto [lowZero, highZero] = std::minmax_element(q.zeroPoint.begin(), q.zeroPoint.end());
  if (q.scale.size() == 1) return fmt::format(" scale {} zero point {}", *low, *lowZero);
  std::string zero =
      *lowZero == *highZero ? fmt::format("{}", *lowZero) : fmt::format("{}..{}", *lowZero, *highZero);
  return fmt::format(" scale {}..{} zero point {} along axis {} ({})", *low, *high, zero, q.axis,
                     q.scale.size());
}

std::string tensorLine(const NetworkView& view, size_t index) {
  const ProgramTensor& t = view.graph.tensors[index];
  std::string layout = layoutText(t), place;
  if (t.constant)
    place = "constant";
  else if (view.executable)
    place = fmt::format("arena {}..{}", t.offset, t.offset + static_cast<uint64_t>(t.bytes()));
  return fmt::format("  {:>4} '{}' {} {}{}{}{}", index, t.name, rt::dtypeName(t.type.dtype),
                     rt::toString(t.type.shape), layout.empty() ? "" : " " + layout,
                     place.empty() ? "" : " " + place, quantText(t.quant));
}

constexpr size_t kShown = 16; // values of an attribute

std::string attrText(const rt::Attr& a) {
  auto list = [](const auto& values) {
    std::string text = fmt::format(
        "{}", fmt::join(values.begin(),
                        values.begin() + static_cast<ptrdiff_t>(std::min(values.size(), kShown)), ","));
    return values.size() > kShown ? text + fmt::format(",... ({})", values.size()) : text;
  };
  if (!a.ints.empty()) return a.name + "=" + list(a.ints);
  if (!a.floats.empty()) return a.name + "=" + list(a.floats);
  return a.name + "=" + a.text;
}

std::string opLine(const NetworkView& view, const ProgramOp& op) {
  auto operands = [&](const std::vector<int>& list) {
    std::string text;
    for (int t : list) text += (text.empty() ? "" : ", ") + (t < 0 ? std::string("-") : fmt::format("{}", t));
    return text;
  };
  std::string attrs;
  for (const rt::Attr& a : op.attrs.list) attrs += " " + attrText(a);
  return fmt::format("  {} = {}({}) '{}'{}", operands(op.outputs), op.type, operands(op.inputs), op.name,
                     attrs);
}

Json quantJson(const rt::Quant& q) {
  return {{"scale", q.scale}, {"zero_point", q.zeroPoint}, {"axis", q.axis}};
}

Json toJson(const NetworkView& view) {
  Json tensors = Json::array(), ops = Json::array();
  for (const ProgramTensor& t : view.graph.tensors) {
    Json json = {{"name", t.name},
                 {"dtype", rt::dtypeName(t.type.dtype)},
                 {"shape", std::vector<int64_t>(t.type.shape.dim, t.type.shape.dim + t.type.shape.rank)},
                 {"constant", t.constant},
                 {"order", std::vector<int>(t.order.begin(), t.order.end())},
                 {"inner_stride", t.innerStride}};
    if (!t.constant && view.executable) json["offset"] = t.offset, json["bytes"] = t.bytes();
    if (!t.quant.empty()) json["quant"] = quantJson(t.quant);
    tensors.push_back(std::move(json));
  }
  for (const ProgramOp& op : view.graph.ops) {
    Json attrs = Json::object();
    for (const rt::Attr& a : op.attrs.list)
      attrs[a.name] = !a.ints.empty() ? Json(a.ints) : !a.floats.empty() ? Json(a.floats) : Json(a.text);
    ops.push_back({{"type", op.type},
                   {"name", op.name},
                   {"inputs", op.inputs},
                   {"outputs", op.outputs},
                   {"attrs", std::move(attrs)}});
  }
  return {{"kind", view.kind},
          {"tool", view.tool},
          {"target", view.target},
          {"precision", view.precision},
          {"source", view.source},
          {"inputs", view.graph.inputs},
          {"outputs", view.graph.outputs},
          {"arena_bytes", view.graph.arenaBytes},
          {"tensors", std::move(tensors)},
          {"ops", std::move(ops)}};
}

void printNetwork(const NetworkView& view, const Flags& f) {
  fmt::print("{} {}", view.kind, f.file);
  if (view.executable)
    fmt::print(": target {}, precision {}, tool {}, source '{}', arena {} bytes", view.target, view.precision,
               view.tool, view.source, view.graph.arenaBytes);
  fmt::print("\ninputs {}\noutputs {}\n", fmt::join(view.graph.inputs, ", "),
             fmt::join(view.graph.outputs, ", "));
  fmt::print("tensors\n");
  for (size_t i = 0; i < view.graph.tensors.size(); ++i) fmt::print("{}\n", tensorLine(view, i));
  fmt::print("ops\n");
  for (const ProgramOp& op : view.graph.ops) fmt::print("{}\n", opLine(view, op));
}

void printNames(const NetworkView& view, const Flags& f) {
  Json names = Json::array();
  for (const ProgramTensor& t : view.graph.tensors)
    if (!t.name.empty()) names.push_back(t.name);
  if (f.common.json)
    printJson(Json{{"tensors", names}});
  else
    for (const Json& name : names) fmt::print("{}\n", name.get<std::string>());
}

// One .npz, or a directory with an .npy per constant.
Status saveConstants(const NetworkView& view, const Flags& f) {
  BURIN_ASSIGN(std::vector<NamedArray> arrays, constantArrays(view));
  if (f.weights.ends_with(".npz")) {
    BURIN_CHECK(saveNpz(f.weights, arrays));
  } else {
    std::error_code error;
    std::filesystem::create_directories(f.weights, error);
    if (error)
      return fail(Error{ErrorCode::Output,
                        f.weights,
                        {},
                        "cannot create the directory: " + error.message(),
                        "give a directory that can be written, or a name ending in .npz"});
    std::set<std::string> used;
    for (const NamedArray& a : arrays) {
      std::string file = a.name;
      std::replace_if(
          file.begin(), file.end(), [](char c) { return c == '/' || c == ':' || c == '\\'; }, '_');
      if (!used.insert(file).second)
        return fail(Error{ErrorCode::Output, f.weights, a.name, "two constants would be '" + file + ".npy'",
                          "give a name ending in .npz"});
      BURIN_CHECK(saveNpy((std::filesystem::path(f.weights) / (file + ".npy")).string(), a.array));
    }
  }
  f.common.note(fmt::format("{}: {} arrays", f.weights, arrays.size()));
  return {};
}

//===-- arrays
//---------------------------------------------------------------------------------------------------===//

struct Extremes {
  Json min, max;
  size_t nans = 0;
};

template <class T>
Extremes extremesOf(const Array& array) {
  Extremes e;
  std::optional<T> low, high;
  for (T v : array.as<T>()) {
    if (v != v) {
      ++e.nans;
      continue;
    }
    if (!low || v < *low) low = v;
    if (!high || v > *high) high = v;
  }
  if (low) e.min = *low, e.max = *high;
  return e;
}

Extremes extremes(const Array& array) {
  switch (array.type) {
  case ElementType::F16: {
    auto wide = convertTo(array, ElementType::F32);
    return wide ? extremesOf<float>(*wide) : Extremes{};
  }
  case ElementType::F32:
    return extremesOf<float>(array);
  case ElementType::F64:
    return extremesOf<double>(array);
  case ElementType::I8:
    return extremesOf<int8_t>(array);
  case ElementType::I16:
    return extremesOf<int16_t>(array);
  case ElementType::I32:
    return extremesOf<int32_t>(array);
  case ElementType::I64:
    return extremesOf<int64_t>(array);
  case ElementType::U16:
    return extremesOf<uint16_t>(array);
  case ElementType::U32:
    return extremesOf<uint32_t>(array);
  case ElementType::U64:
    return extremesOf<uint64_t>(array);
  case ElementType::U8:
  case ElementType::Bool:
    return extremesOf<uint8_t>(array);
  }
  return {};
}

// JSON has no infinity; the text shows it.
std::string numberText(const Json& v) {
  return v.is_number_float() ? fmt::format("{:g}", v.get<double>()) : v.dump();
}

Status dumpArrays(const Flags& f) {
  BURIN_ASSIGN(std::vector<NamedArray> arrays, loadNpz(f.file));
  Json list = Json::array();
  for (const NamedArray& a : arrays) {
    Extremes e = extremes(a.array);
    if (f.common.json)
      list.push_back({{"name", a.name},
                      {"dtype", elementName(a.array.type)},
                      {"shape", a.array.shape},
                      {"min", e.min},
                      {"max", e.max},
                      {"nans", e.nans}});
    else if (f.tensors)
      fmt::print("{}\n", a.name);
    else
      fmt::print("'{}' {} {} {}{}\n", a.name, elementName(a.array.type), dimsText(a.array.shape),
                 e.min.is_null() ? "no values" : numberText(e.min) + " .. " + numberText(e.max),
                 e.nans ? fmt::format(", {} NaN", e.nans) : "");
  }
  if (f.common.json) printJson(Json{{"arrays", std::move(list)}});
  return {};
}

Status run(const Flags& f) {
  if (f.file.ends_with(".npz")) {
    if (!f.weights.empty())
      return fail(
          Error{ErrorCode::Usage, f.file, {}, "--weights is for programs and modules", "leave it out"});
    return dumpArrays(f);
  }
  BURIN_ASSIGN(NetworkView view, viewNetwork(f.file, f.model, f.common));
  if (!f.weights.empty()) return saveConstants(view, f);
  if (f.tensors)
    printNames(view, f);
  else if (f.common.json)
    printJson(toJson(view));
  else
    printNetwork(view, f);
  return {};
}
} // namespace

void addDump(App& app) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.cli.add_subcommand(
      "dump", "every tensor and op of a program, module or model file; arrays of an npz");
  command->add_option("file", flags->file, "program, module, model file or .npz")->required();
  auto* tensors = command->add_flag("--tensors", flags->tensors, "names only");
  command->add_option("--weights", flags->weights, "write the constants to this .npz or directory instead")
      ->excludes(tensors);
  flags->model.add(*command);
  flags->common.add(*command, false);
  command->callback([flags, &app] { finish(app, run(*flags)); });
}

} // namespace burin::cli
