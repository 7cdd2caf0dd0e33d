// SavedModels with checkpoints written here, byte by byte, from the definition of the format.
#include "lib/import/tensorflow/crc32c.h"
#include "lib/import/tensorflow/sstable.h"
#include "lib/import/tensorflow/test_graph.h"

#include <cstring>
#include <filesystem>
#include <fstream>

using namespace burin;
using namespace burin::tensorflow::test;
namespace fs = std::filesystem;

namespace {

std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 128; value >>= 7) out.push_back(static_cast<char>((value & 127) | 128));
  return out + static_cast<char>(value);
}
std::string fixed32(uint32_t value) { return std::string(reinterpret_cast<const char*>(&value), 4); }
uint32_t masked(const std::string& bytes) { return tensorflow::maskedCrc32c({bytes.data(), bytes.size()}); }

// A Snappy block of one literal and, where the last bytes repeat, a copy with a two-byte distance.
std::string packed(const std::string& bytes) {
  std::string out = varint(bytes.size());
  out += static_cast<char>(60 << 2 | 0);
  out += static_cast<char>(bytes.size() - 1);
  return out + bytes;
}

// Blocks of a sorted string table: pairs share the start of their keys with the pair before.
class Table {
public:
  explicit Table(bool compress = false) : compress_(compress) {}
  void add(const std::string& key, const std::string& value) { pairs_.emplace_back(key, value); }
  // A table of one block with these bytes, its checksum right.
  static std::string ofBlock(const std::string& content, int copies = 1) {
    Table table;
    std::string handle = table.append(content);
    return table.finish(
        std::vector<std::pair<std::string, std::string>>(static_cast<size_t>(copies), {"k", handle}));
  }
  std::string bytes() {
    std::string first = block(0, pairs_.size() / 2), second = block(pairs_.size() / 2, pairs_.size());
    return finish({{"m", first}, {"z", second}});
  }

private:
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  // The metaindex, the index and the footer behind the blocks.
  std::string finish(const Pairs& index) {
    std::string meta = append(contents({})), top = append(contents(index));
    std::string footer = meta + top;
    footer.resize(40, '\0');
    const uint64_t magic = 0xdb4775248b80fb57u;
    return file_ + footer + std::string(reinterpret_cast<const char*>(&magic), 8);
  }
  std::string block(size_t from, size_t to) {
    return append(
        contents(Pairs(pairs_.begin() + static_cast<long>(from), pairs_.begin() + static_cast<long>(to))));
  }
  static std::string contents(const Pairs& pairs) {
    std::string out, last;
    for (const auto& [key, value] : pairs) {
      size_t shared = 0;
      while (shared < last.size() && shared < key.size() && last[shared] == key[shared]) ++shared;
      out += varint(shared) + varint(key.size() - shared) + varint(value.size()) + key.substr(shared) + value;
      last = key;
    }
    return out + fixed32(0) + fixed32(1);
  }
  // The block's handle.
  std::string append(const std::string& content) {
    const bool compress = compress_ && content.size() < 256;
    std::string stored = compress ? packed(content) : content;
    std::string handle = varint(file_.size()) + varint(stored.size());
    stored += static_cast<char>(compress);
    file_ += stored + fixed32(masked(stored));
    return handle;
  }

  bool compress_;
  Pairs pairs_;
  std::string file_;
};

// A SavedModel y = x * v + w in a folder of its own.
class SavedModelTest : public testing::Test {
protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("burin_saved_model_" + std::to_string(::getpid()));
    fs::create_directories(folder_ / "variables");
    auto& graph = *model_.add_meta_graphs();
    model_.set_saved_model_schema_version(1);
    graph.mutable_meta_info_def()->add_tags("serve");
    graph.mutable_meta_info_def()->set_tensorflow_version("2.3.2");
    Graph g;
    g.placeholder("serving_default_input", {-1, 2})
        .node("VarHandleOp", "kernel", {}, {text("shared_name", "kernel")});
    g.node("VariableV2", "bias", {});
    tfpb::FunctionDef f;
    f.mutable_signature()->set_name("model");
    for (const char* name : {"x", "v", "w"}) f.mutable_signature()->add_input_arg()->set_name(name);
    f.mutable_signature()->add_output_arg()->set_name("y");
    *f.add_node_def() = makeNode("ReadVariableOp", "read", {"v"});
    *f.add_node_def() = makeNode("Mul", "mul", {"x", "read:value:0"});
    *f.add_node_def() = makeNode("AddV2", "add", {"mul:z:0", "w"});
    (*f.mutable_ret())["y"] = "add:z:0";
    *g.proto.mutable_library()->add_function() = f;
    g.node("StatefulPartitionedCall", "StatefulPartitionedCall", {"serving_default_input", "kernel", "bias"},
           {function("f", "model")});
    addRestore(g);
    *graph.mutable_graph_def() = g.proto;
    auto& signature = (*graph.mutable_signature_def())["serving_default"];
    auto& input = (*signature.mutable_inputs())["input"];
    input.set_name("serving_default_input:0"), input.set_dtype(1);
    setShape(*input.mutable_tensor_shape(), {-1, 2});
    (*signature.mutable_outputs())["scores"].set_name("StatefulPartitionedCall:0");
  }
  void TearDown() override { fs::remove_all(folder_); }

  // The object graph's key of the kernel stands only in the restore function.
  static void addRestore(Graph& g) {
    tfpb::FunctionDef f;
    f.mutable_signature()->set_name("restore");
    for (const char* name : {"prefix", "kernel"}) f.mutable_signature()->add_input_arg()->set_name(name);
    f.mutable_signature()->add_output_arg()->set_name("done");
    tfpb::NodeDef names = makeNode("Const", "names", {}, {type("dtype", 7)});
    auto& list = *(*names.mutable_attr())["value"].mutable_tensor();
    list.set_dtype(7);
    list.add_string_val("other");
    list.add_string_val("layer-0/kernel/.ATTRIBUTES/VARIABLE_VALUE");
    *f.add_node_def() = names;
    *f.add_node_def() = makeNode("RestoreV2", "restore", {"prefix", "names:output:0", "names:output:0"});
    *f.add_node_def() = makeNode("Identity", "value", {"restore:tensors:1"});
    *f.add_node_def() = makeNode("AssignVariableOp", "assign", {"kernel", "value:output:0"});
    (*f.mutable_ret())["done"] = "prefix";
    *g.proto.mutable_library()->add_function() = f;
    g.node("Placeholder", "saver_filename", {}, {type("dtype", 7)});
    g.node("StatefulPartitionedCall", "StatefulPartitionedCall_1", {"saver_filename", "kernel"},
           {function("f", "restore")});
  }

  void write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
  }

  void writeAll(bool compress = false) {
    write("saved_model.pb", model_.SerializeAsString());
    const Floats values = {2, 3, 10, 20};
    data_.assign(reinterpret_cast<const char*>(values.data()), 16);
    write("variables/variables.data-00000-of-00001", data_);
    tfpb::BundleHeader header;
    header.set_num_shards(1);
    Table table(compress);
    table.add("", header.SerializeAsString());
    table.add("bias", entry(8));
    table.add("bias/other", entry(8));
    table.add("layer-0/kernel/.ATTRIBUTES/VARIABLE_VALUE", entry(0));
    index_ = table.bytes();
    write("variables/variables.index", index_);
  }
  std::string entry(int64_t offset) const {
    tfpb::BundleEntry e;
    e.set_dtype(1), e.set_offset(offset), e.set_size(8);
    setShape(*e.mutable_shape(), {2});
    e.set_crc32c(masked(data_.substr(static_cast<size_t>(offset), 8)));
    return e.SerializeAsString();
  }

  Imported import(const ImportOptions& options = {}) const {
    auto context = std::make_unique<mlir::MLIRContext>();
    nn::loadDialects(*context);
    auto result = importTensorflow(folder_.string(), options, *context);
    return {std::move(context), std::move(result)};
  }

  fs::path folder_;
  tfpb::SavedModel model_;
  std::string data_, index_;
};
} // namespace

TEST_F(SavedModelTest, SignatureNamesAndVariables) {
  for (bool compress : {false, true}) {
    writeAll(compress);
    Imported m = import();
    ASSERT_TRUE(m.ok()) << m.error();
    EXPECT_EQ(m.result->info.producer, "tensorflow 2.3.2");
    nn::InputOp input;
    m.module().walk([&](nn::InputOp op) { input = op; });
    EXPECT_EQ(input.getName(), "input");
    EXPECT_EQ(nn::valueName(m.output()), "scores");
    auto mul = m.find("binary");
    EXPECT_EQ(nn::constantFloats(mul->getOperand(1)), (Floats{2, 3}));
    std::vector<Floats> constants;
    m.module().walk([&](nn::ConstantOp op) { constants.push_back(nn::constantFloats(op.getY())); });
    EXPECT_EQ(constants, (std::vector<Floats>{{2, 3}, {10, 20}}));
  }
}

TEST_F(SavedModelTest, FlagsTakeBothNames) {
  writeAll();
  for (const char* name : {"input", "serving_default_input", "serving_default_input:0"}) {
    ImportOptions options;
    options.inputShapes[name] = {5, 2};
    options.outputs = {"StatefulPartitionedCall:0"};
    Imported m = import(options);
    ASSERT_TRUE(m.ok()) << m.error();
    EXPECT_EQ(m.shape(), "5x2");
  }
  ImportOptions inner;
  inner.outputs = {"StatefulPartitionedCall/mul"};
  EXPECT_EQ(nn::valueName(import(inner).output()), "StatefulPartitionedCall/mul");
}

TEST_F(SavedModelTest, OtherVariablesAreOtherModels) {
  writeAll();
  std::string hash = import().result->info.hash;
  tfpb::BundleEntry changed;
  const Floats values = {2, 3, 10, 21};
  data_.assign(reinterpret_cast<const char*>(values.data()), 16);
  tfpb::BundleHeader header;
  header.set_num_shards(1);
  Table table;
  table.add("", header.SerializeAsString());
  table.add("bias", entry(8));
  table.add("layer-0/kernel/.ATTRIBUTES/VARIABLE_VALUE", entry(0));
  write("variables/variables.index", table.bytes());
  write("variables/variables.data-00000-of-00001", data_);
  ASSERT_TRUE(import().ok()) << import().error();
  EXPECT_NE(import().result->info.hash, hash);
}

TEST_F(SavedModelTest, DamageIsNamed) {
  writeAll();
  write("variables/variables.data-00000-of-00001", data_.substr(0, 12));
  EXPECT_TRUE(has(import().error(), "variable 'bias'") && has(import().error(), "cut short"))
      << import().error();
  std::string wrong = data_;
  wrong[0] ^= 1;
  write("variables/variables.data-00000-of-00001", wrong);
  EXPECT_TRUE(has(import().error(), "checksum of its data")) << import().error();
  fs::remove(folder_ / "variables/variables.data-00000-of-00001");
  EXPECT_FALSE(import().ok());
  writeAll();
  for (size_t i = 0; i < index_.size(); ++i) { // no damage of the index goes unnoticed or does harm
    std::string broken = index_;
    broken[i] ^= 0x40;
    write("variables/variables.index", broken);
    Imported m = import();
    const bool padding = i >= index_.size() - 48 && i < index_.size() - 8;
    EXPECT_TRUE(!m.ok() || padding) << "byte " << i;
  }
  write("variables/variables.index", index_.substr(0, 30));
  EXPECT_TRUE(has(import().error(), "no checkpoint index")) << import().error();
  fs::remove(folder_ / "variables/variables.index");
  EXPECT_TRUE(has(import().error(), "value of a variable is not in the graph")) << import().error();
}

TEST_F(SavedModelTest, SignaturesWithOtherNames) {
  auto& signatures = *model_.mutable_meta_graphs(0)->mutable_signature_def();
  signatures["zeta"] = signatures["serving_default"];
  signatures["alpha"] = signatures["serving_default"];
  (*signatures["alpha"].mutable_outputs())["first"].set_name("StatefulPartitionedCall:0");
  signatures.erase("serving_default");
  writeAll();
  Imported m = import();
  ASSERT_TRUE(m.ok()) << m.error();
  EXPECT_EQ(m.outputOp()->getNumOperands(), 2u); // first and scores, the same tensor
  ASSERT_EQ(m.result->info.warnings.size(), 1u);
  EXPECT_TRUE(has(m.result->info.warnings[0], "'alpha' is taken"));
}

TEST(Table, DamageBehindAGoodChecksum) {
  auto read = [](const std::string& block, int copies = 1) {
    std::string file = Table::ofBlock(block, copies);
    return tensorflow::readTable({file.data(), file.size()});
  };
  const std::string restarts = fixed32(0) + fixed32(1), pair = varint(0) + varint(1) + varint(2) + "kvv";
  auto good = read(pair + varint(1) + varint(1) + varint(0) + "2" + restarts);
  ASSERT_TRUE(good.has_value()) << good.error().text();
  EXPECT_EQ(*good, (std::map<std::string, std::string>{{"k", "vv"}, {"k2", ""}}));
  EXPECT_FALSE(read("").has_value());                                           // no room for restarts
  EXPECT_FALSE(read(pair + fixed32(0) + fixed32(9)).has_value());               // more than there are
  EXPECT_FALSE(read(varint(1) + varint(0) + varint(0) + restarts).has_value()); // shares with nothing
  EXPECT_FALSE(
      read(varint(0) + varint(1u << 30) + varint(0) + "k" + restarts).has_value()); // a key beyond the end
  EXPECT_FALSE(read(varint(0) + varint(1) + varint(~uint64_t{0}) + "k" + restarts).has_value());
  EXPECT_FALSE(read(pair + varint(1) + restarts).has_value());
  // A small file whose index names one block again and again.
  EXPECT_TRUE(has(read(pair + restarts, 50).error().text(), "overlap"));
}

TEST(Snappy, LiteralsAndCopies) {
  auto unpack = [](const std::string& bytes, size_t limit = 1000) {
    return tensorflow::unpackSnappy({bytes.data(), bytes.size()}, limit);
  };
  // "abcd", a copy of 4 from 4 back (1-byte form), a copy of 3 from 1 back (2-byte form).
  std::string stream = varint(11) + static_cast<char>(3 << 2) + "abcd" + static_cast<char>(0 << 2 | 1) +
                       '\4' + static_cast<char>(2 << 2 | 2) + '\1' + '\0';
  auto out = unpack(stream);
  ASSERT_TRUE(out.has_value()) << out.error().text();
  EXPECT_EQ(*out, "abcdabcdddd");
  // 4-byte form, and a literal whose length takes a byte.
  std::string longer = varint(67) + static_cast<char>(60 << 2) + static_cast<char>(61) +
                       std::string(62, 'x') + static_cast<char>(4 << 2 | 3) + std::string("\x02\0\0\0", 4);
  ASSERT_TRUE(unpack(longer).has_value());
  EXPECT_EQ(*unpack(longer), std::string(67, 'x'));
  EXPECT_FALSE(unpack(stream, 10).has_value());                              // larger than allowed
  EXPECT_FALSE(unpack(stream.substr(0, stream.size() - 1)).has_value());     // cut short
  EXPECT_FALSE(unpack(varint(4) + static_cast<char>(1) + '\1').has_value()); // a copy from before the start
  EXPECT_FALSE(unpack(varint(3) + static_cast<char>(3 << 2) + "abcd").has_value()); // more than it says
}

TEST(Crc32c, KnownSums) {
  auto sum = [](const std::string& text) { return tensorflow::crc32c({text.data(), text.size()}); };
  EXPECT_EQ(sum("123456789"), 0xe3069283u);           // the check value of the polynomial
  EXPECT_EQ(sum(std::string(32, '\0')), 0x8a9136aau); // RFC 3720, B.4
  EXPECT_EQ(tensorflow::crc32c({"6789", 4}, sum("12345")), 0xe3069283u);
}
