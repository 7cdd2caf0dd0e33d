// The operators that an importer has rules for: arrays of rows, one per file of rules, found by name.
#pragma once

#include "lib/import/format.h"

#include <map>

namespace burin {

constexpr int kAny = 1 << 30; // no upper limit on the number of inputs

template <class Row>
using OperatorTable = std::span<const Row>;

// `Row` has a `name`. Rows live as long as the program.
template <class Row>
class OperatorIndex {
public:
  OperatorIndex(std::initializer_list<OperatorTable<Row>> tables) {
    for (OperatorTable<Row> table : tables)
      for (const Row& row : table) rows_.emplace(row.name, &row);
  }

  const Row* find(std::string_view name) const { // null without a rule
    auto it = rows_.find(name);
    return it == rows_.end() ? nullptr : it->second;
  }
  const std::map<std::string_view, const Row*>& rows() const { return rows_; }

  // For rows with a `shownBy`, sorted by name.
  std::vector<SupportedOperator> supported() const {
    std::vector<SupportedOperator> list;
    for (const auto& [name, row] : rows_) list.push_back({std::string(name), "", row->shownBy});
    return list;
  }

private:
  std::map<std::string_view, const Row*> rows_;
};

} // namespace burin
