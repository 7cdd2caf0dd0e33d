// The calibration table: the range of every tensor of a prepared graph, as a value, as text and as JSON.
//
// Text, for people and other tools (FILE):
//   # histogram number: 2048
//   # sample number: 100
//   ###
//   # op_name    threshold    min    max
//   conv1 3.2500000 -3.7512341 4.0000000
// One row per tensor, single spaces, 7 decimals; a number that 7 decimals do not give back exactly as a float
// has the fewest digits that do instead (1.5e-09). A name that has spaces, quotes, backslashes or control
// characters, or starts with '#', is written in double quotes with \" \\ \n \r \t and \xHH inside.
//
// JSON (FILE.json): the same and everything else below, see schema/calibration.schema.json.
#pragma once

#include "lib/calibrate/range_methods.h"
#include "lib/calibrate/statistics.h"
#include "lib/calibrate/warnings.h"
#include "lib/support/error.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace burin {

inline constexpr std::array<double, 5> kSummaryPercentiles{50, 90, 99, 99.9, 99.99};

struct TensorRange {
  std::string name;
  float threshold = 0; // of |x|; above zero
  float min = 0;       // as observed
  float max = 0;

  // What only the JSON holds; left as it is here by a text table.
  float absoluteMaximum = 0;
  double mean = 0;
  double zerosFraction = 0;
  bool constant = false;                                        // every value equal, zero included
  std::array<double, kSummaryPercentiles.size()> percentiles{}; // of |x|
  RangeQuality quality{};                                       // at the threshold
  float bestThreshold = 0;                                      // what has the least squared error
  double bestSqnrDb = 0;                                        // at bestThreshold
  std::vector<float> channelMin{},
      channelMax{};            // per channel (axis 1), where channels may get scales of their own; or empty
  std::uint64_t nonFinite = 0; // NaN and Inf, left out of all the rest
};

struct CalibrationTable {
  std::string graphHash; // of the prepared graph; empty if unknown (a text table without its JSON)
  std::string method;    // "kl", ...; empty if unknown
  std::uint64_t samples = 0;
  std::vector<TensorRange> entries;     // in graph order
  std::vector<TensorRange> int4Entries; // "#int4_th" section of a vendor's table: ranges for 4-bit tensors
  std::vector<CalibrationWarning> warnings;

  const TensorRange* find(std::string_view name) const;
};

struct TableOptions {
  RangeMethod method = RangeMethod::Kl;
  double percentile = 99.99;
  int bits = 8;
  std::uint64_t samples = 0;
  std::string graphHash;
};

// names[i] belongs to statistics[i].
Result<CalibrationTable> buildTable(std::span<const std::string> names,
                                    std::span<const TensorStatistics> statistics,
                                    const TableOptions& options);

std::string formatTableText(const CalibrationTable& table);
std::string formatTableJson(const CalibrationTable& table);

// The readers take any bytes. Besides our own text the first takes what vendors' tools write: other '#'
// lines, a
// "#int4_th" section (kept in int4Entries), a "#weight_scale" section (skipped), names with unquoted spaces.
Result<CalibrationTable> parseTableText(std::string_view text);
Result<CalibrationTable> parseTableJson(std::string_view text);

// Writes FILE and FILE.json.
Status saveTable(const CalibrationTable& table, const std::string& path);
// Reads FILE, text or JSON. The rows of a text are what counts (it may have been edited or come from
// elsewhere); if FILE.json lies beside it, graph hash, method, number of samples and the further data of rows
// with the same name come from there.
Result<CalibrationTable> loadTable(const std::string& path);

} // namespace burin
