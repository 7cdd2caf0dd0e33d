#include "lib/calibrate/table.h"

#include "lib/calibrate/test_support.h"
#include "lib/support/file.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <limits>
#include <unistd.h>

namespace burin {
namespace {

CalibrationTable sampleTable() {
  const std::vector<std::string> names{"input", "conv 1", "dead", "a\\b\"c\n#\x01", "#hash"};
  std::vector<TensorStatistics> statistics(names.size());
  for (std::size_t i = 0; i < names.size(); ++i)
    for (std::uint64_t sample = 0; sample < 3; ++sample)
      statistics[i].update(i == 2 ? std::vector<float>(50)
                                  : test::draw(test::distributions()[i], 5000, 10 * i + sample),
                           sample);
  TableOptions options;
  options.samples = 3;
  options.graphHash = "0123456789abcdef";
  auto table = buildTable(names, statistics, options);
  EXPECT_TRUE(table.has_value());
  return *table;
}

void expectSameRow(const TensorRange& a, const TensorRange& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.threshold, b.threshold);
  EXPECT_EQ(a.min, b.min);
  EXPECT_EQ(a.max, b.max);
}

std::string errorOf(const Result<CalibrationTable>& table) { return table ? "" : table.error().text(); }

class TemporaryFolder {
public:
  TemporaryFolder()
      : path_(std::filesystem::temp_directory_path() / ("burin_table_test." + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

TEST(Table, BuildTellsWhatIsKnown) {
  const CalibrationTable table = sampleTable();
  EXPECT_EQ(table.method, "kl");
  EXPECT_EQ(table.samples, 3u);
  ASSERT_EQ(table.entries.size(), 5u);
  const TensorRange* dead = table.find("dead");
  ASSERT_TRUE(dead);
  EXPECT_EQ(dead->threshold, 1e-5f);
  EXPECT_EQ(dead->zerosFraction, 1.0);
  EXPECT_TRUE(dead->constant);
  EXPECT_EQ(table.find("missing"), nullptr);
  ASSERT_EQ(table.warnings.size(), 2u);
  EXPECT_EQ(table.warnings[0].kind, CalibrationWarningKind::FewSamples);
  EXPECT_EQ(table.warnings[1].tensor, "dead");
  const TensorRange& input = table.entries[0];
  EXPECT_LE(input.percentiles[0], input.percentiles[4]);
  EXPECT_LE(input.percentiles[4], static_cast<double>(input.absoluteMaximum));
  EXPECT_GT(input.quality.sqnrDb, 20);
}

TEST(Table, BuildRefusesNonsense) {
  const std::vector<std::string> twice{"a", "a"};
  const std::vector<TensorStatistics> statistics(2);
  EXPECT_EQ(errorOf(buildTable(twice, statistics, {})), "a: two tensors to calibrate have the same name");
  EXPECT_FALSE(buildTable(twice, std::span(statistics).first(1), {}));
  TableOptions options;
  options.percentile = 0;
  EXPECT_EQ(buildTable(twice, statistics, options).error().code, ErrorCode::Usage);
  options.percentile = 99;
  options.bits = 99;
  EXPECT_EQ(buildTable(twice, statistics, options).error().code, ErrorCode::Usage);
}

TEST(Table, TextLayout) {
  CalibrationTable table;
  table.samples = 100;
  table.entries = {{"conv1_Conv", 3.25f, -3.75123405f, 4.0f},
                   {"tiny", 1.5e-9f, -1e-10f, 0.1f},
                   {"with space", 1, -1, 123456.789f}};
  EXPECT_EQ(formatTableText(table), "# histogram number: 2048\n"
                                    "# sample number: 100\n"
                                    "###\n"
                                    "# op_name    threshold    min    max\n"
                                    "conv1_Conv 3.2500000 -3.7512341 4.0000000\n"
                                    "tiny 1.5e-09 -1e-10 0.1000000\n"
                                    "\"with space\" 1.0000000 -1.0000000 123456.7890625\n");
}

TEST(Table, TextKeepsEveryFloat) {
  test::Random random(4);
  CalibrationTable table;
  for (int i = 0; i < 2000; ++i) {
    const auto value = static_cast<float>(std::exp(160 * (random.uniform() - 0.5)));
    table.entries.push_back({"t" + std::to_string(i), value, -value, value * 0.3f});
  }
  table.entries.push_back(
      {"largest", std::numeric_limits<float>::max(), -std::numeric_limits<float>::max(), 0});
  const auto back = parseTableText(formatTableText(table));
  ASSERT_TRUE(back) << errorOf(back);
  ASSERT_EQ(back->entries.size(), table.entries.size());
  for (std::size_t i = 0; i < table.entries.size(); ++i) expectSameRow(back->entries[i], table.entries[i]);
}

TEST(Table, TextAndJsonKeepNames) {
  const CalibrationTable table = sampleTable();
  const auto text = parseTableText(formatTableText(table));
  const auto json = parseTableJson(formatTableJson(table));
  ASSERT_TRUE(text) << errorOf(text);
  ASSERT_TRUE(json) << errorOf(json);
  EXPECT_EQ(text->samples, 3u);
  for (std::size_t i = 0; i < table.entries.size(); ++i) {
    expectSameRow(text->entries[i], table.entries[i]);
    expectSameRow(json->entries[i], table.entries[i]);
  }
}

TEST(Table, JsonKeepsEverything) {
  CalibrationTable table = sampleTable();
  table.int4Entries = {{"x", 0.5f, -1, 1}};
  const std::string json = formatTableJson(table);
  const auto back = parseTableJson(json);
  ASSERT_TRUE(back) << errorOf(back);
  EXPECT_EQ(formatTableJson(*back), json);
  EXPECT_EQ(back->graphHash, table.graphHash);
  EXPECT_EQ(back->warnings[1].text, table.warnings[1].text);
  EXPECT_EQ(back->entries[0].percentiles, table.entries[0].percentiles);
  EXPECT_EQ(back->entries[0].quality.sqnrDb, table.entries[0].quality.sqnrDb);
  EXPECT_EQ(back->int4Entries.size(), 1u);
}

TEST(Table, ReadsVendorTables) {
  const auto table = parseTableText("# genetated time: 2023-06-09 11:36:39.123456\r\n"
                                    "# histogram number: 2048\r\n"
                                    "# sample number: 100\r\n"
                                    "# tune number: 5\r\n"
                                    "###\r\n"
                                    "# op_name    threshold    min    max\r\n"
                                    "input.1 2.6400001 -2.1179039 2.6400001\r\n"
                                    "a name with spaces 1.0000000 -1.0000000 +1.0000000\r\n"
                                    "\r\n"
                                    "#int4_th\r\n"
                                    "input.1 1.3 -2.1 2.6\r\n"
                                    "#weight_scale\r\n"
                                    "conv1 3 0.1 0.2 0.3 0.4 0.5\r\n");
  ASSERT_TRUE(table) << errorOf(table);
  EXPECT_EQ(table->samples, 100u);
  ASSERT_EQ(table->entries.size(), 2u);
  EXPECT_EQ(table->entries[0].threshold, 2.6400001f);
  EXPECT_EQ(table->entries[1].name, "a name with spaces");
  ASSERT_EQ(table->int4Entries.size(), 1u);
  EXPECT_EQ(table->int4Entries[0].threshold, 1.3f);
  EXPECT_TRUE(table->graphHash.empty());
}

TEST(Table, TextErrorsNameTheLine) {
  const auto error = [](const std::string& rows) {
    return errorOf(parseTableText("# x\nok 1 -1 1\n" + rows));
  };
  EXPECT_EQ(error("bad 1 2\n"), "line 3: fewer than four columns; a row is: name threshold min max");
  EXPECT_EQ(error("\n\nbad 1 x 2"), "line 5: min 'x' is not a number; a row is: name threshold min max");
  EXPECT_EQ(error("bad 1 2 3,0"), "line 3: max '3,0' is not a number; a row is: name threshold min max");
  EXPECT_EQ(error("bad nan -1 1"),
            "line 3: threshold 'nan' does not fit a float; calibrate again, or correct the table");
  EXPECT_EQ(error("bad 1e60 -1 1"),
            "line 3: threshold '1e60' does not fit a float; calibrate again, or correct the table");
  EXPECT_EQ(error("bad 0 -1 1"),
            "bad: line 3: threshold 0 is not above zero; calibrate again, or correct the table");
  EXPECT_EQ(error("bad -1 -1 1"),
            "bad: line 3: threshold -1 is not above zero; calibrate again, or correct the table");
  EXPECT_EQ(error("bad 1 2 -2"), "bad: line 3: min 2 is above max -2; a row is: name threshold min max");
  EXPECT_EQ(error("ok 1 -1 1"), "ok: line 3: listed twice; remove one of the two rows");
  EXPECT_EQ(error("\"open 1 -1 1"), "line 3: the quoted name has no end; close it with \"");
  EXPECT_EQ(error("\"a\"b\" 1 -1 1"), "line 3: a quote inside a quoted name; write it as \\\"");
  EXPECT_EQ(error("\"a\\q\" 1 -1 1"),
            "line 3: unknown escape in a quoted name; use \\\" \\\\ \\n \\r \\t or \\xHH");
  EXPECT_EQ(errorOf(parseTableText("# only comments\n")),
            "no row of a calibration table in this file; make one with 'burin calibrate'");
  EXPECT_FALSE(parseTableText(""));
}

TEST(Table, JsonErrorsSayWhere) {
  const auto error = [](const std::string& tensors) {
    return errorOf(
        parseTableJson(R"({"schema": "burin-calibration", "version": 1, "tensors": )" + tensors + "}"));
  };
  EXPECT_EQ(error("[]"), "the calibration table has no tensors; make one with 'burin calibrate'");
  EXPECT_EQ(error("3"), "tensors is not a list; make the table again with 'burin calibrate'");
  EXPECT_EQ(error("[3]"), "tensors[0] is not an object");
  EXPECT_EQ(error(R"([{"name": "a"}])"),
            "tensors[0].threshold is missing; make the table again with 'burin calibrate'");
  EXPECT_EQ(error(R"([{"name": "a", "threshold": "1"}])"),
            "tensors[0].threshold is not a number; make the table again with 'burin calibrate'");
  EXPECT_EQ(error(R"([{"name": "a", "threshold": 1e60}])"),
            "tensors[0].threshold is not a finite float; make the table again with 'burin calibrate'");
  EXPECT_EQ(error(R"([{"name": "a", "threshold": 0, "min": 0, "max": 1}])"),
            "a: tensors[0].threshold is not above zero; calibrate again, or correct the table");
  EXPECT_TRUE(errorOf(parseTableJson("{\n\"a\": x}")).starts_with("parse error at line 2, column 6"))
      << errorOf(parseTableJson("{\n\"a\": x}"));
  EXPECT_EQ(errorOf(parseTableJson(R"({"schema": "other"})")),
            "not a calibration table: schema is 'other', not 'burin-calibration'");
  EXPECT_EQ(
      errorOf(parseTableJson(R"({"schema": "burin-calibration", "version": 9})")),
      "calibration table of version 9, this program reads 1; make the table again with 'burin calibrate'");
  EXPECT_FALSE(parseTableJson("[]"));
  EXPECT_FALSE(parseTableJson(std::string(100000, '[')));
}

TEST(Table, SavedTextIsCompletedByItsJson) {
  const TemporaryFolder folder;
  const std::string path = folder.file("net.cali");
  const CalibrationTable table = sampleTable();
  ASSERT_TRUE(saveTable(table, path));
  const auto back = loadTable(path);
  ASSERT_TRUE(back) << errorOf(back);
  EXPECT_EQ(formatTableJson(*back), formatTableJson(table));
  const auto json = loadTable(path + ".json");
  ASSERT_TRUE(json) << errorOf(json);
  EXPECT_EQ(formatTableJson(*json), formatTableJson(table));
}

TEST(Table, EditedTextWins) {
  const TemporaryFolder folder;
  const std::string path = folder.file("net.cali");
  ASSERT_TRUE(saveTable(sampleTable(), path));
  const std::string edited = "input 1.25 -9 9\nnew 2 -2 2\n";
  ASSERT_TRUE(writeFile(path, edited));
  const auto back = loadTable(path);
  ASSERT_TRUE(back) << errorOf(back);
  ASSERT_EQ(back->entries.size(), 2u);
  EXPECT_EQ(back->entries[0].threshold, 1.25f);
  EXPECT_EQ(back->entries[0].min, -9.0f);
  EXPECT_GT(back->entries[0].absoluteMaximum, 0.0f);
  EXPECT_EQ(back->graphHash, "0123456789abcdef");
  std::filesystem::remove(path + ".json");
  EXPECT_TRUE(loadTable(path)->graphHash.empty());
}

TEST(Table, FileErrorsNameTheFile) {
  const TemporaryFolder folder;
  const std::string path = folder.file("net.cali");
  EXPECT_EQ(loadTable(path).error().file, path);
  ASSERT_TRUE(writeFile(path, std::string("bad 1 2\n")));
  EXPECT_TRUE(errorOf(loadTable(path)).starts_with(path + ": line 1: fewer than four columns"));
  ASSERT_TRUE(saveTable(sampleTable(), path));
  ASSERT_TRUE(writeFile(path + ".json", std::string("{")));
  EXPECT_TRUE(errorOf(loadTable(path)).starts_with(path + ".json: parse error at line 1"))
      << errorOf(loadTable(path));
  EXPECT_EQ(saveTable(sampleTable(), folder.file("missing/net.cali")).error().code, ErrorCode::Output);
}

} // namespace
} // namespace burin
