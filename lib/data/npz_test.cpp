// npy and npz: our own round trips, numpy's files, and files that lie.
#include "lib/data/npz.h"

#include "lib/data/file_io.h"
#include "lib/data/shuffle.h"
#include "lib/data/test_support.h"

namespace burin {
namespace {

using test::TemporaryFolder;

// An array of every type, with shapes from a scalar to four dimensions.
std::vector<NamedArray> samples() {
  std::vector<NamedArray> out;
  SplitMix64 random(5);
  const std::vector<Dims> shapes = {{}, {7}, {2, 3}, {0, 4}, {1, 3, 4, 5}};
  for (int i = 0; i < 12; ++i) {
    Array array(static_cast<ElementType>(i), shapes[static_cast<size_t>(i) % shapes.size()]);
    for (uint8_t& byte : array.bytes)
      byte = array.type == ElementType::Bool ? random.next() % 2 : random.next() % 100;
    out.push_back({std::string("net/a:") + elementName(array.type), std::move(array)});
  }
  return out;
}

std::vector<uint8_t> npyFile(const std::string& dictionary, size_t dataBytes, uint8_t version = 1) {
  std::vector<uint8_t> out = {0x93, 'N', 'U', 'M', 'P', 'Y', version, 0};
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    out.push_back(static_cast<uint8_t>(dictionary.size() >> (8 * i)));
  out.insert(out.end(), dictionary.begin(), dictionary.end());
  out.resize(out.size() + dataBytes, 1);
  return out;
}

TEST(Npy, roundTrips) {
  for (const NamedArray& entry : samples()) {
    Result<Array> back = readNpy(writeNpy(entry.array));
    ASSERT_TRUE(back.has_value()) << back.error().text();
    EXPECT_EQ(*back, entry.array) << entry.name;
  }
}

TEST(Npy, convertsFortranOrder) {
  std::vector<uint8_t> file = npyFile("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2), }", 0);
  for (uint8_t i = 0; i < 12; ++i) file.push_back(i); // element (i, j, k) is stored at i + 2 j + 6 k
  Result<Array> array = readNpy(file);
  ASSERT_TRUE(array.has_value()) << array.error().text();
  EXPECT_EQ(array->bytes, (std::vector<uint8_t>{0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11}));
}

TEST(Npy, acceptsTheSpellingsOfOtherWriters) {
  for (const char* text : {"{'descr':'<i1','fortran_order':False,'shape':(2,)}",
                           "{\"shape\": (2L,), 'descr': '=u1', 'fortran_order': False}",
                           "{'shape': (2, ), 'fortran_order': False, 'descr': '|b1', }   \n"})
    EXPECT_TRUE(readNpy(npyFile(text, 2)).has_value()) << text;
  EXPECT_TRUE(readNpy(npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8, 2)).has_value());
  EXPECT_TRUE(readNpy(npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8, 3)).has_value());
}

TEST(Npy, refusesWithReasons) {
  struct Case {
    const char* dictionary;
    const char* reason;
  };
  const Case cases[] = {
      {"{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", "big-endian"},
      {"{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", "'<c8'"},
      {"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "'|O'"},
      {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "records"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (9,)}", "cut short"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 99999999999)}", "too large"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "no size"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "no size"},
      {"{'descr': '<f4', 'fortran_order': maybe, 'shape': (1,)}", "True nor False"},
      {"{'descr': '<f4', 'shape': (1,)}", "lacks"},
      {"{'descr': '<f4', 'colour': 1}", "unknown key"},
      {"{'descr': '<f4", "open quote"},
      {"[1]", "dictionary"},
  };
  for (const Case& wrong : cases) {
    Result<Array> array = readNpy(npyFile(wrong.dictionary, 8));
    ASSERT_FALSE(array.has_value()) << wrong.dictionary;
    EXPECT_NE(array.error().text().find(wrong.reason), std::string::npos) << array.error().text();
  }
  std::vector<uint8_t> whole = writeNpy(samples()[1].array);
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(readNpy(std::span(whole).first(length)).has_value()) << length;
}

TEST(Npz, roundTripsStoredAndDeflated) {
  std::vector<NamedArray> arrays = samples();
  arrays.push_back({"large", Array(ElementType::F32, {100, 1000})});
  for (bool compress : {false, true}) {
    Result<std::vector<uint8_t>> bytes = writeNpz(arrays, {compress});
    ASSERT_TRUE(bytes.has_value());
    EXPECT_EQ(*bytes, *writeNpz(arrays, {compress})) << "the same arrays must give the same bytes";
    EXPECT_EQ(compress, bytes->size() < 100'000);
    Result<std::vector<NamedArray>> back = readNpz(*bytes);
    ASSERT_TRUE(back.has_value()) << back.error().text();
    ASSERT_EQ(back->size(), arrays.size());
    for (size_t i = 0; i < arrays.size(); ++i) {
      EXPECT_EQ((*back)[i].name, arrays[i].name);
      EXPECT_EQ((*back)[i].array, arrays[i].array);
    }
  }
}

TEST(Npz, namesWhatIsThere) {
  std::vector<uint8_t> bytes = *writeNpz(samples());
  Result<NpzReader> reader = NpzReader::open(bytes);
  ASSERT_TRUE(reader.has_value());
  Result<Array> missing = reader->read("data");
  ASSERT_FALSE(missing.has_value());
  EXPECT_NE(missing.error().text().find("net/a:f32"), std::string::npos) << missing.error().text();
  EXPECT_EQ(reader->header("net/a:i8")->type, ElementType::I8);
}

TEST(Npz, refusesDuplicatesAndTooMuch) {
  std::vector<NamedArray> twice = {{"a", Array(ElementType::U8, {1})}, {"a", Array(ElementType::U8, {1})}};
  EXPECT_FALSE(writeNpz(twice).has_value());
  std::vector<NamedArray> zeros = {{"a", Array(ElementType::U8, {1'000'000})}};
  std::vector<uint8_t> bytes = *writeNpz(zeros, {true});
  EXPECT_LT(bytes.size(), 2000u);
  EXPECT_TRUE(readNpz(bytes).has_value());
  EXPECT_FALSE(readNpz(bytes, 100'000).has_value()) << "unpacks to more than allowed";
}

// Every truncation, and every byte turned over, must give an error or the very same arrays: never a crash.
TEST(Npz, survivesDamage) {
  std::vector<NamedArray> arrays = samples();
  for (bool compress : {false, true}) {
    std::vector<uint8_t> bytes = *writeNpz(arrays, {compress});
    for (size_t length = 0; length < bytes.size(); length += 7)
      EXPECT_FALSE(readNpz(std::span(bytes).first(length)).has_value()) << length;
    for (size_t at = 0; at < bytes.size(); ++at) {
      std::vector<uint8_t> damaged = bytes;
      damaged[at] ^= 0xff;
      Result<std::vector<NamedArray>> back = readNpz(damaged);
      if (!back) continue;
      for (const NamedArray& entry : *back) {
        const Array* original = findArray(arrays, entry.name);
        EXPECT_TRUE(!original || entry.array == *original) << at;
      }
    }
  }
}

TEST(Npz, numpyReadsOurs) {
  TemporaryFolder folder;
  std::vector<NamedArray> arrays = {
      {"in:0", Array::of<float>(ElementType::F32, {2, 2}, std::vector<float>{1, 2, 3, 4})},
      {"a/b", Array::of<int8_t>(ElementType::I8, {3}, std::vector<int8_t>{-1, 0, 1})},
      {"scalar", Array(ElementType::F64, {})},
      {"half", Array::of<uint16_t>(ElementType::F16, {1}, std::vector<uint16_t>{0x3c00})}};
  ASSERT_TRUE(saveNpz(folder.file("stored.npz"), arrays).has_value());
  ASSERT_TRUE(saveNpz(folder.file("deflated.npz"), arrays, {true}).has_value());
  ASSERT_TRUE(saveNpy(folder.file("one.npy"), arrays[0].array).has_value());
  int status = test::runNumpy("import numpy, os\nos.chdir('" + folder.path() + "')\n" + R"(
for name in ('stored.npz', 'deflated.npz'):
    z = numpy.load(name)
    assert z.files == ['in:0', 'a/b', 'scalar', 'half'], z.files
    assert (z['in:0'] == [[1, 2], [3, 4]]).all() and z['in:0'].dtype == 'f4'
    assert (z['a/b'] == [-1, 0, 1]).all() and z['a/b'].dtype == 'i1'
    assert z['scalar'].shape == () and z['scalar'] == 0
    assert z['half'][0] == 1 and z['half'].dtype == 'f2'
numpy.save('theirs.npy', numpy.array([[1, 2], [3, 4]], 'f4'))
assert open('theirs.npy', 'rb').read() == open('one.npy', 'rb').read()
)");
  if (status == -1) GTEST_SKIP() << "no numpy (Debian: python3-numpy)";
  EXPECT_EQ(status, 0);
}

TEST(Npz, weReadNumpys) {
  TemporaryFolder folder;
  int status = test::runNumpy("import numpy, os, zipfile, io\nos.chdir('" + folder.path() + "')\n" + R"(
a = numpy.arange(24, dtype='f4').reshape(2, 3, 4)
arrays = {'c': a, 'fortran': numpy.asfortranarray(a), 'i8': a.astype('i1'), 'f2': a.astype('f2'), 'b': a > 3,
          'u8': a.astype('u8'), 'scalar': numpy.float64(2.5), 'empty': numpy.zeros((0, 5), 'i4')}
numpy.savez('stored.npz', **arrays)
numpy.savez_compressed('deflated.npz', **arrays)
with zipfile.ZipFile('streamed.npz', 'w', zipfile.ZIP_DEFLATED) as z:
    for k, v in arrays.items():
        with z.open(k + '.npy', 'w', force_zip64=True) as f:
            numpy.lib.format.write_array(f, numpy.asanyarray(v), version=(2, 0))
    z.writestr('readme.txt', 'not an array')
)");
  if (status == -1) GTEST_SKIP() << "no numpy (Debian: python3-numpy)";
  ASSERT_EQ(status, 0);
  for (const char* file : {"stored.npz", "deflated.npz", "streamed.npz"}) {
    Result<std::vector<NamedArray>> arrays = loadNpz(folder.file(file));
    ASSERT_TRUE(arrays.has_value()) << arrays.error().text();
    EXPECT_EQ(arrays->size(), 8u);
    const Array* c = findArray(*arrays, "c");
    ASSERT_NE(c, nullptr);
    EXPECT_EQ(c->shape, (Dims{2, 3, 4}));
    for (size_t i = 0; i < 24; ++i) EXPECT_EQ(c->as<float>()[i], static_cast<float>(i));
    EXPECT_EQ(*findArray(*arrays, "fortran"), *c);
    for (const char* name : {"i8", "f2", "u8"})
      EXPECT_EQ(*convertTo(*findArray(*arrays, name), ElementType::F32), *c);
    EXPECT_EQ(findArray(*arrays, "b")->as<uint8_t>()[4], 1);
    EXPECT_EQ(findArray(*arrays, "scalar")->as<double>()[0], 2.5);
    EXPECT_EQ(findArray(*arrays, "empty")->shape, (Dims{0, 5}));
  }
}

TEST(Raw, checksTheSize) {
  TemporaryFolder folder;
  std::string path = folder.write("x.bin", std::string(12, '\1'));
  EXPECT_EQ(loadRaw(path, ElementType::F32, {3})->elementCount(), 3);
  EXPECT_FALSE(loadRaw(path, ElementType::F32, {4}).has_value());
  Result<Array> missing = loadRaw(folder.file("y.bin"), ElementType::F32, {3});
  ASSERT_FALSE(missing.has_value());
  EXPECT_NE(missing.error().text().find("y.bin: no such file"), std::string::npos) << missing.error().text();
  EXPECT_FALSE(loadRaw(folder.path(), ElementType::F32, {3}).has_value()) << "a directory";
}

} // namespace
} // namespace burin
