// Arbitrary bytes as a calibration table, text and JSON. What is read must survive being written and read
// again.
#include "lib/calibrate/table.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

void check(bool condition) {
  if (!condition) std::abort();
}

void checkRows(const std::vector<burin::TensorRange>& a, const std::vector<burin::TensorRange>& b,
               bool names) {
  check(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    check(!names || a[i].name == b[i].name);
    check(a[i].threshold == b[i].threshold && a[i].min == b[i].min && a[i].max == b[i].max);
    check(a[i].threshold > 0 && a[i].min <= a[i].max);
  }
}

void checkText(const burin::CalibrationTable& table) {
  const auto back = burin::parseTableText(burin::formatTableText(table));
  check(back.has_value());
  checkRows(back->entries, table.entries, true);
  checkRows(back->int4Entries, table.int4Entries, true);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto table = burin::parseTableText(bytes)) {
    checkText(*table);
    // JSON replaces bytes that are not UTF-8, so two such names can become one.
    if (auto back = burin::parseTableJson(burin::formatTableJson(*table)))
      checkRows(back->entries, table->entries, false);
  }
  if (auto table = burin::parseTableJson(bytes)) {
    checkText(*table);
    const std::string json = burin::formatTableJson(*table);
    const auto back = burin::parseTableJson(json);
    check(back && burin::formatTableJson(*back) == json);
  }
  return 0;
}
