#include "lib/import/torch/pickle.h"
#include "lib/import/torch/test_archive.h"

using namespace burin;
using namespace burin::torch;
using burin::torch::test::Pickler;

namespace {
Result<Data> read(const std::string& bytes, Heap& heap) {
  return readPickle({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, "data/", heap);
}
std::string textAfter(const std::string& bytes) {
  Heap heap;
  auto data = read(bytes, heap);
  return data ? textOf(*data) : data.error().text();
}
} // namespace

TEST(TorchPickle, LiteralsAndContainers) {
  EXPECT_EQ(textAfter("\x80\x02K\x07."), "7");
  EXPECT_EQ(textAfter(Pickler().integer(-3).raw(".").bytes), "-3");
  EXPECT_EQ(textAfter(std::string("\x80\x02\x8a\x02\x00\x80.", 7)), "-32768");
  EXPECT_EQ(textAfter(std::string("\x80\x02G\x3f\xf8\x00\x00\x00\x00\x00\x00.", 12)), "1.5");
  EXPECT_EQ(textAfter(Pickler().raw("(").text("a").raw("\x88Nt.").bytes), "(a, True, None)");
  EXPECT_EQ(textAfter(Pickler().raw("](").integer(1).integer(2).raw("e.").bytes), "[1, 2]");
}

TEST(TorchPickle, RemembersValues) {
  EXPECT_EQ(textAfter(std::string("\x80\x02]q\x00K\x01"
                                  "ah\x00\x86.",
                                  12)),
            "([1], [1])");
  EXPECT_EQ(textAfter(Pickler().text("a").raw(std::string("q\0h\0\x86.", 6)).bytes), "(a, a)");
  EXPECT_NE(textAfter("\x80\x02h\x05.").find("recalls a value"), std::string::npos);
}

TEST(TorchPickle, RefusesForeignNames) {
  std::string message = textAfter(Pickler().global("os", "system").text("true").raw("\x85R.").bytes);
  EXPECT_NE(message.find("objects of the class os.system"), std::string::npos);
  EXPECT_NE(message.find("torch.jit.trace"), std::string::npos);
  // Names on the list cannot be called for what they are not.
  EXPECT_NE(
      textAfter(Pickler().global("torch", "FloatStorage").raw(")R.").bytes).find("calls what is no function"),
      std::string::npos);
  EXPECT_NE(textAfter(Pickler().global("collections", "OrderedDict").raw(")\x81.").bytes).find("is no class"),
            std::string::npos);
}

TEST(TorchPickle, DamagedFilesAreErrors) {
  const std::string whole = Pickler().raw("(").text("weight").tensor("0", {2, 3}, {3, 1}).raw("t.").bytes;
  for (size_t cut = 2; cut < whole.size(); ++cut) {
    Heap heap;
    EXPECT_FALSE(read(whole.substr(0, cut), heap).has_value()) << cut;
  }
  for (const char* bytes : {"\x80\x02R.", "\x80\x02t.",
                            "\x80\x02"
                            "0.",
                            "\x80\x02(s.", "\x80\x02Nb.", "\x80\x02\xff."})
    EXPECT_NE(textAfter(bytes).find("its pickle"), std::string::npos);
  EXPECT_NE(textAfter(std::string("\x80\x02X\xff\xff\xff\x7f"
                                  "a."))
                .find("ends too early"),
            std::string::npos);
}

TEST(TorchPickle, TensorsAreDescriptions) {
  Heap heap;
  auto data = read(Pickler().tensor("7", {2, 3}, {1, 2}, 4, "HalfStorage").raw(".").bytes, heap);
  ASSERT_TRUE(data.has_value()) << data.error().text();
  const StoredTensor& stored = *pointer<Tensor>(*data)->stored;
  EXPECT_EQ(stored.record, "data/7");
  EXPECT_EQ(stored.dtype, rt::DType::F16);
  EXPECT_EQ(stored.offset, 4);
  EXPECT_EQ(stored.sizes, (Ints{2, 3}));
  EXPECT_EQ(stored.strides, (Ints{1, 2}));
}
