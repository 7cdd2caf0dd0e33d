#include "lib/import/mxnet/symbol.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace burin::mxnet {

using Json = nlohmann::json;

namespace {
constexpr size_t kMaxOutputs = 4096; // of one node

tl::unexpected<Error> damaged(const std::string& what) {
  return fail(ErrorCode::Input, what, "the symbol file is damaged; export the model again");
}

const Json* member(const Json& object, const char* name) {
  auto it = object.find(name);
  return it == object.end() ? nullptr : &*it;
}

std::string textOf(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

// [node, output] or [node, output, version].
Result<Entry> readEntry(const Json& json, size_t nodeCount) {
  if (!json.is_array() || json.size() < 2 || !json[0].is_number_unsigned() || !json[1].is_number_unsigned())
    return damaged("an input or head is no list of a node and an output");
  Entry entry{json[0].get<size_t>(), json[1].get<size_t>()};
  if (entry.node >= nodeCount || entry.output >= kMaxOutputs)
    return damaged(fmt::format("an input or head names result {} of node {}, of {} nodes", entry.output,
                               entry.node, nodeCount));
  return entry;
}

// "attrs" since 1.0; before that "attr", with the operator's own under "param".
void readAttributes(const Json& json, SymbolNode& node) {
  for (const char* key : {"attr", "attrs", "param"})
    if (const Json* list = member(json, key); list && list->is_object())
      for (const auto& [name, value] : list->items()) node.attributes[name] = textOf(value);
}

Result<SymbolNode> readNode(const Json& json, size_t index) {
  const Json *op = member(json, "op"), *name = member(json, "name");
  if (!op || !op->is_string()) return damaged(fmt::format("node {} has no operator", index));
  SymbolNode node{op->get<std::string>(), name && name->is_string() ? name->get<std::string>() : "", {}, {}};
  if (node.name.empty()) node.name = fmt::format("node{}", index);
  readAttributes(json, node);
  const Json* inputs = member(json, "inputs");
  for (const Json& input : inputs && inputs->is_array() ? *inputs : Json::array()) {
    auto entry = readEntry(input, index); // nodes are in an order that can run
    if (!entry) return fail(atOp(entry.error(), node.name));
    node.inputs.push_back(*entry);
  }
  return node;
}

// "attrs": {"mxnet_version": ["int", 10300]}
int64_t readVersion(const Json& json) {
  const Json* attributes = member(json, "attrs");
  const Json* version =
      attributes && attributes->is_object() ? member(*attributes, "mxnet_version") : nullptr;
  bool known = version && version->is_array() && version->size() == 2 && (*version)[1].is_number_integer();
  return known ? (*version)[1].get<int64_t>() : 0;
}
} // namespace

Result<Symbol> parseSymbol(std::span<const char> text) {
  Json json = Json::parse(text.begin(), text.end(), nullptr, false);
  const Json* nodes = json.is_object() ? member(json, "nodes") : nullptr;
  const Json* heads = json.is_object() ? member(json, "heads") : nullptr;
  if (!nodes || !nodes->is_array() || !heads || !heads->is_array())
    return damaged("is no MXNet symbol, or it is cut short");
  Symbol symbol;
  for (const Json& node : *nodes) {
    if (!node.is_object()) return damaged("a node is no object");
    BURIN_ASSIGN(SymbolNode read, readNode(node, symbol.nodes.size()));
    symbol.nodes.push_back(std::move(read));
  }
  for (const Json& head : *heads) {
    BURIN_ASSIGN(Entry entry, readEntry(head, symbol.nodes.size()));
    symbol.heads.push_back(entry);
  }
  symbol.version = readVersion(json);
  return symbol;
}

} // namespace burin::mxnet
