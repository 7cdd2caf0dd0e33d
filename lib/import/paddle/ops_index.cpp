// Gathers, embeddings, one-hot, scatter.
#include "lib/import/paddle/operators.h"
#include "lib/import/paddle/rules.h"

#include <fmt/format.h>

namespace burin::paddle {

namespace {
// An index column [n, 1] counts as a vector.
void importGather(Node& n) {
  auto axis = n.integerOr("axis", 0, "Axis");
  if (!axis) return;
  Value x = n.in("X"), index = n.in("Index");
  if (Ints dims = RuleContext::dims(index); dims.size() == 2 && dims[1] == 1)
    index = n->reshape(index, {dims[0]});
  n.set("Out", n->gather(x, index, n->axis(*axis, RuleContext::rank(x))));
}

void importGatherNd(Node& n) {
  n.set("Out", n->emit("gather_nd", {n.in("X"), n.in("Index")}, n->attrs().i("batch_dims", 0)));
}

void importTakeAlongAxis(Node& n) {
  Value x = n.in("Input");
  n.set("Result", n->emit("gather_elements", {x, n.in("Index")},
                          n->attrs().i("axis", n->axis(n.integer("Axis"), RuleContext::rank(x)))));
}

void importIndexSelect(Node& n) {
  Value x = n.in("X");
  n.set("Out", n->gather(x, n.in("Index"), n->axis(n.integer("dim"), RuleContext::rank(x))));
}

// Rows of W; the row of padding_idx reads as zeros. The first version's ids end in a dimension of 1.
void importLookup(Node& n) {
  Value ids = n.in("Ids");
  Ints dims = RuleContext::dims(ids);
  if (n.type() == "lookup_table" && !dims.empty() && dims.back() == 1) {
    dims.pop_back();
    ids = n->reshape(ids, dims);
  }
  Value y = n->gather(n.in("W"), ids, 0);
  if (int64_t padding = n.integer("padding_idx", -1); padding != -1) {
    Ints column = dims;
    column.push_back(1);
    Value isPadding =
        n->reshape(n->binary("equal", ids, n->scalarLike(static_cast<double>(padding), ids)), column);
    y = n->select(isPadding, n->scalarLike(0, y), y);
  }
  n.set("Out", y);
}

void importOneHot(Node& n) {
  auto depth = n.integerOr("depth", 0, "depth_tensor");
  if (!depth) return;
  Value ids = n.in("X");
  Ints dims = RuleContext::dims(ids);
  if (n.type() == "one_hot" && !dims.empty() && dims.back() == 1) {
    dims.pop_back();
    ids = n->reshape(ids, dims);
  }
  n.set("Out", n->emit("one_hot", {ids, n->constant(std::vector<float>{0, 1}, {2})},
                       n->attrs().i("depth", *depth).i("axis", static_cast<int64_t>(dims.size()))));
}

void importScatterNdAdd(Node& n) {
  n.set("Out",
        n->emit("scatter_nd", {n.in("X"), n.in("Index"), n.in("Updates")}, n->attrs().s("reduction", "add")));
}

// Whole rows. Without overwrite, rows that are named become the sum of their updates.
void importScatter(Node& n) {
  Value x = n.in("X"), ids = n.in("Ids"), updates = n.in("Updates");
  Ints dims = RuleContext::dims(ids);
  if (dims.empty()) return n->invalid("its ids are no vector");
  ids = n->reshape(ids, {dims[0], 1});
  bool overwrite = n.flag("overwrite", true);
  auto scatter = [&](Value to, Value what, const char* reduction) {
    return n->emit("scatter_nd", {to, ids, what}, n->attrs().s("reduction", reduction));
  };
  if (!overwrite) x = scatter(x, n->mul(updates, n->scalarLike(0, updates)), "none");
  n.set("Out", scatter(x, updates, overwrite ? "none" : "add"));
}

const OperatorRow kRows[] = {
    {"gather", importGather},
    {"gather_nd", importGatherNd},
    {"take_along_axis", importTakeAlongAxis},
    {"index_select", importIndexSelect},
    {"lookup_table", importLookup},
    {"lookup_table_v2", importLookup},
    {"one_hot", importOneHot},
    {"one_hot_v2", importOneHot},
    {"scatter", importScatter},
    {"scatter_nd_add", importScatterNdAdd},
};
} // namespace

const OperatorTable<OperatorRow> kIndexOperators = {kRows, std::size(kRows)};

} // namespace burin::paddle
