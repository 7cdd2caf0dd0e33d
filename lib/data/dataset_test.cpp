#include "lib/data/dataset.h"

#include "lib/data/feed.h"
#include "lib/data/npz.h"
#include "lib/data/shuffle.h"
#include "lib/data/test_support.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace burin {
namespace {

using test::TemporaryFolder;

// A 2 x 2 bitmap of one grey value.
std::string greyBmp(uint8_t value) {
  std::string out("BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\2\0\0\0\2\0\0\0\1\0\x18\0", 30);
  out.resize(54, '\0');
  for (int row = 0; row < 2; ++row) {
    out.append(6, static_cast<char>(value));
    out.append(2, '\0');
  }
  return out;
}

std::string pictureName(int index) {
  std::string name = std::to_string(10 + index);
  name += ".bmp";
  return name;
}

InputSpec photo(int64_t batch = 1) {
  InputSpec input{"data", ElementType::F32, {batch, 3, 2, 2}, rt::Preprocess{}};
  input.preprocess->mean[0] = 1;
  return input;
}

InputSpec vector(const std::string& name, ElementType type = ElementType::F32) {
  return {name, type, {1, 3}, {}};
}

Array floats(Dims shape, std::vector<float> values) {
  return Array::of<float>(ElementType::F32, std::move(shape), values);
}

Dataset opened(const std::string& path, std::vector<InputSpec> inputs, DatasetOptions options = {}) {
  Result<Dataset> dataset = Dataset::open(path, std::move(inputs), options);
  EXPECT_TRUE(dataset.has_value()) << dataset.error().text();
  return dataset ? *dataset : Dataset();
}

std::string problem(const std::string& path, std::vector<InputSpec> inputs, DatasetOptions options = {}) {
  Result<Dataset> dataset = Dataset::open(path, std::move(inputs), options);
  EXPECT_FALSE(dataset.has_value());
  return dataset ? "" : dataset.error().text();
}

void expectContains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

std::string loadProblem(const Dataset& dataset, size_t index) {
  Result<std::vector<Array>> arrays = dataset.load(index);
  EXPECT_FALSE(arrays.has_value());
  return arrays ? "" : arrays.error().text();
}

float firstValue(const Dataset& dataset, size_t index, size_t input = 0) {
  Result<std::vector<Array>> arrays = dataset.load(index);
  EXPECT_TRUE(arrays.has_value()) << arrays.error().text();
  return arrays ? (*arrays)[input].as<float>()[0] : -1;
}

TEST(Dataset, directoryOfPictures) {
  TemporaryFolder folder;
  folder.write("b.bmp", greyBmp(20));
  folder.write("a.BMP", greyBmp(10));
  folder.write("B.jpeg", greyBmp(30)); // contents decide how to read, names decide what to read
  folder.write("notes.md", "ignored");
  folder.write(".hidden.bmp", "ignored");
  folder.write("folder/c.bmp", greyBmp(1));
  Dataset dataset = opened(folder.path(), {photo()});
  ASSERT_EQ(dataset.size(), 3u);
  EXPECT_EQ(dataset.files(0), std::vector<std::string>{"B.jpeg"});
  EXPECT_EQ(dataset.files(1), std::vector<std::string>{"a.BMP"});
  EXPECT_EQ(firstValue(dataset, 0), 29);
  EXPECT_EQ(firstValue(dataset, 1), 9);
  EXPECT_EQ((*dataset.load(1))[0].shape, (Dims{1, 3, 2, 2}));
}

TEST(Dataset, samplesAndShuffle) {
  TemporaryFolder folder;
  for (int i = 0; i < 20; ++i) folder.write(pictureName(i), greyBmp(static_cast<uint8_t>(i)));
  auto order = [&](DatasetOptions options) {
    Dataset dataset = opened(folder.path(), {photo()}, options);
    std::vector<std::string> names;
    names.reserve(dataset.size());
    for (size_t i = 0; i < dataset.size(); ++i) names.push_back(dataset.files(i)[0]);
    return names;
  };
  std::vector<std::string> all = order({}), shuffled = order({{}, 7});
  EXPECT_EQ(order({5, {}}), std::vector<std::string>(all.begin(), all.begin() + 5));
  EXPECT_NE(shuffled, all);
  EXPECT_NE(shuffled, order({{}, 8}));
  EXPECT_EQ(order({5, 7}), std::vector<std::string>(shuffled.begin(), shuffled.begin() + 5))
      << "first the shuffle";
  std::ranges::sort(shuffled);
  EXPECT_EQ(shuffled, all);
  EXPECT_EQ(opened(folder.path(), {photo()}, {50, {}}).warnings().size(), 1u);
  expectContains(problem(folder.path(), {photo()}, {0, {}}), "--samples 0");
}

TEST(Shuffle, isTheDocumentedOne) {
  // The first outputs of SplitMix64 for seed 1234567, as published with its reference implementation.
  SplitMix64 random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317u);
  EXPECT_EQ(random.next(), 3203168211198807973u);
  EXPECT_EQ(random.next(), 9817491932198370423u);
}

TEST(Dataset, picturesInBatches) {
  TemporaryFolder folder;
  for (int i = 0; i < 5; ++i) folder.write(pictureName(i), greyBmp(static_cast<uint8_t>(10 * i)));
  Dataset dataset = opened(folder.path(), {photo(2)});
  ASSERT_EQ(dataset.size(), 2u);
  ASSERT_EQ(dataset.warnings().size(), 1u);
  expectContains(dataset.warnings()[0], "the last 1 are left out");
  std::vector<Array> arrays = *dataset.load(1);
  EXPECT_EQ(arrays[0].as<float>()[0], 19);
  EXPECT_EQ(arrays[0].as<float>()[12], 29);
  expectContains(problem(folder.path(), {photo(6)}), "5 pictures for batches of 6");
}

TEST(Dataset, damagedPictureIsNamed) {
  TemporaryFolder folder;
  folder.write("good.bmp", greyBmp(1));
  std::string bad = folder.write("bad.bmp", greyBmp(1).substr(0, 60));
  Dataset dataset = opened(folder.path(), {photo()});
  Result<std::vector<Array>> arrays = dataset.load(0);
  ASSERT_FALSE(arrays.has_value());
  EXPECT_EQ(arrays.error().code, ErrorCode::Input);
  EXPECT_EQ(arrays.error().file, bad);
  EXPECT_TRUE(dataset.load(1).has_value());
}

TEST(Dataset, picturesNeedPreprocessing) {
  TemporaryFolder folder;
  folder.write("a.bmp", greyBmp(1));
  InputSpec bare = photo();
  bare.preprocess.reset();
  expectContains(problem(folder.path(), {bare}), "pictures need preprocessing");
  expectContains(problem(folder.file("a.bmp"), {bare}), "pictures need preprocessing");
  expectContains(problem(folder.path(), {photo(), vector("x")}), "the model has 2: data, x");
  InputSpec gray = photo();
  gray.preprocess->pixel = rt::PixelOrder::Gray;
  expectContains(problem(folder.path(), {gray}), "the pixel order makes 1");
}

TEST(Dataset, integerInputTakesWholeNumbers) {
  TemporaryFolder folder;
  std::string path = folder.write("a.bmp", greyBmp(200));
  InputSpec input = photo();
  input.type = ElementType::I8;
  for (float& mean : input.preprocess->mean) mean = 128;
  Result<Array> array = loadInput(path, input);
  ASSERT_TRUE(array.has_value()) << array.error().text();
  EXPECT_EQ(array->as<int8_t>()[0], 72);
  input.preprocess->mean[0] = 127.5f;
  EXPECT_FALSE(loadInput(path, input).has_value());
}

TEST(Dataset, directoryOfArchives) {
  TemporaryFolder folder;
  for (float i : {1.0f, 2.0f}) {
    std::vector<NamedArray> arrays = {
        {"b", floats({3}, {i, 0, 0})}, {"a", floats({1, 3}, {-i, 0, 0})}, {"extra", floats({1}, {0})}};
    ASSERT_TRUE(saveNpz(folder.file(std::to_string(static_cast<int>(i)) + ".npz"), arrays).has_value());
  }
  Dataset dataset = opened(folder.path(), {vector("a"), vector("b")});
  ASSERT_EQ(dataset.size(), 2u);
  EXPECT_EQ(firstValue(dataset, 1, 0), -2);
  EXPECT_EQ(firstValue(dataset, 1, 1), 2);
  EXPECT_EQ((*dataset.load(0))[1].shape, (Dims{1, 3})) << "the missing batch is put back";
  Dataset other = opened(folder.file("1.npz"), {vector("c")});
  expectContains(loadProblem(other, 0), "has no array 'c'; its arrays are: b, a, extra");
  InputSpec wide{"a", ElementType::F32, {1, 4}, {}};
  expectContains(loadProblem(opened(folder.path(), {wide}), 0),
                 "the data have shape [1,3], the input wants [1,4]");
}

TEST(Dataset, singleArchiveWithOneArrayNeedsNoName) {
  TemporaryFolder folder;
  ASSERT_TRUE(saveNpz(folder.file("x.npz"), std::vector<NamedArray>{{"arr_0", floats({1, 3}, {5, 0, 0})}})
                  .has_value());
  EXPECT_EQ(firstValue(opened(folder.file("x.npz"), {vector("input:0")}), 0), 5);
}

TEST(Dataset, singleNpyCountsSamples) {
  TemporaryFolder folder;
  std::vector<float> values(12);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  std::string path = folder.file("all.npy");
  ASSERT_TRUE(saveNpy(path, floats({4, 3}, values)).has_value());
  Dataset dataset = opened(path, {vector("x")});
  ASSERT_EQ(dataset.size(), 4u);
  EXPECT_EQ(firstValue(dataset, 2), 6);
  EXPECT_EQ(dataset.files(2)[0], "all.npy[2]");
  EXPECT_EQ(opened(path, {{"x", ElementType::F32, {2, 3}, {}}}).size(), 2u) << "batches of two";
  EXPECT_EQ(opened(path, {{"x", ElementType::F32, {3}, {}}}).size(), 4u) << "an input without a batch";
  EXPECT_EQ(opened(path, {{"x", ElementType::F32, {4, 3}, {}}}).size(), 1u);
  EXPECT_EQ(opened(path, {{"x", ElementType::F32, {1, 4, 3}, {}}}).size(), 1u);
  EXPECT_EQ((*opened(path, {vector("x", ElementType::I8)}).load(3))[0].as<int8_t>()[2], 11);
  expectContains(problem(path, {{"x", ElementType::F32, {1, 5}, {}}}), "shape [4,3], the input wants [1,5]");
  expectContains(problem(path, {{"x", ElementType::F32, {3, 3}, {}}}), "shape [4,3], the input wants [3,3]");
  expectContains(problem(path, {vector("x"), vector("y")}), "cannot feed the 2 inputs");
}

TEST(Dataset, npyInFortranOrderAndCutShort) {
  TemporaryFolder folder;
  std::string header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }\n";
  std::string file = std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size()) + '\0' + header;
  std::string path = folder.write("f.npy", file + std::string("\0\3\1\4\2\5", 6));
  Dataset dataset = opened(path, {vector("x")});
  ASSERT_EQ(dataset.size(), 2u);
  EXPECT_EQ(firstValue(dataset, 0), 0);
  EXPECT_EQ(firstValue(dataset, 1), 3);
  EXPECT_EQ((*dataset.load(1))[0].as<float>()[2], 5);
  expectContains(problem(folder.write("g.npy", file + "xxx"), {vector("x")}), "cut short");
  expectContains(problem(folder.write("h.npy", "xxx"), {vector("x")}), "numpy magic");
}

TEST(Dataset, transposedDataAreCalledSo) {
  TemporaryFolder folder;
  ASSERT_TRUE(saveNpy(folder.file("x.npy"), Array(ElementType::F32, {1, 8, 9, 3})).has_value());
  expectContains(problem(folder.file("x.npy"), {{"x", ElementType::F32, {1, 3, 8, 9}, {}}}),
                 "channels are on the other side");
}

TEST(Dataset, foldersWithAFilePerInput) {
  TemporaryFolder folder;
  for (const char* sample : {"s1", "s2"}) {
    folder.write(std::string(sample) + "/data.bmp", greyBmp(50));
    folder.write(std::string(sample) + "/net_state_0.bin", std::string(12, '\0'));
    folder.write(std::string(sample) + "/readme.md", "ignored");
  }
  Dataset dataset = opened(folder.path(), {vector("net/state:0"), photo()});
  ASSERT_EQ(dataset.size(), 2u);
  EXPECT_EQ(firstValue(dataset, 1, 1), 49);
  EXPECT_EQ(dataset.files(0), (std::vector<std::string>{"s1/net_state_0.bin", "s1/data.bmp"}));
  expectContains(problem(folder.path(), {vector("other"), photo()}), "no file for the input 'other'");
  folder.write("s1/data.npy", "");
  expectContains(problem(folder.path(), {photo(), vector("net/state:0")}),
                 "more than one file for the input 'data'");
}

TEST(Dataset, lists) {
  TemporaryFolder folder;
  folder.write("img/a.bmp", greyBmp(11));
  ASSERT_TRUE(saveNpy(folder.file("x.npy"), floats({3}, {1, 2, 3})).has_value());
  std::vector<NamedArray> both = {{"data", Array(ElementType::F32, {3, 2, 2})},
                                  {"x", floats({3}, {7, 8, 9})}};
  ASSERT_TRUE(saveNpz(folder.file("both.npz"), both).has_value());
  std::string list = folder.write("list.txt", "# a comment\r\nimg/a.bmp, x.npy\r\n\nboth.npz\n");
  Dataset dataset = opened(list, {photo(), vector("x")});
  ASSERT_EQ(dataset.size(), 2u);
  EXPECT_EQ(firstValue(dataset, 0, 0), 10);
  EXPECT_EQ(firstValue(dataset, 0, 1), 1);
  EXPECT_EQ(firstValue(dataset, 1, 1), 7);
  EXPECT_EQ(dataset.files(0), (std::vector<std::string>{"img/a.bmp", "x.npy"}));
  expectContains(problem(folder.write("l2.txt", "\nx.npy\n"), {photo(), vector("x")}), "line 2 has 1 files");
  expectContains(problem(folder.write("l3.txt", "y.npy"), {vector("x")}), "line 1: no such file 'y.npy'");
  expectContains(problem(folder.write("l4.txt", "#\n"), {vector("x")}), "names no files");
}

TEST(Dataset, nothingToFind) {
  TemporaryFolder folder;
  expectContains(problem(folder.file("none"), {photo()}), "none: no such file or directory");
  expectContains(problem(folder.path(), {photo()}), "the directory is empty");
  folder.write("a.doc", "");
  expectContains(problem(folder.path(), {photo()}), "none of the 1 files here is a picture or an npz");
  expectContains(problem(folder.file("a.doc"), {photo()}), "not a kind of file that holds samples");
}

TEST(Dataset, manyThreadsAtOnce) {
  TemporaryFolder folder;
  for (int i = 0; i < 40; ++i) folder.write(pictureName(i), greyBmp(static_cast<uint8_t>(i)));
  Dataset dataset = opened(folder.path(), {photo()});
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (size_t i = 0; i < dataset.size(); ++i) {
        Result<std::vector<Array>> arrays = dataset.load(i);
        if (!arrays || (*arrays)[0].as<float>()[0] != static_cast<float>(i) - 1) ++wrong;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

} // namespace
} // namespace burin
