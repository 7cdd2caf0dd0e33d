// The loader refuses what a kernel or a small machine could not bear, however right the checksum is.
#include "runtime/core/container.h"
#include "runtime/core/program.h"

#include "schema/program_generated.h"

#include <cstring>
#include <gtest/gtest.h>

namespace burin::rt {
namespace {

fb::TensorT tensor(const char* name) {
  fb::TensorT t;
  t.name = name;
  t.dtype = fb::DType::f32;
  t.shape = {1, 4};
  return t;
}

// y = relu(x), both in the arena.
fb::ProgramT relu() {
  fb::StageT stage;
  for (const char* name : {"x", "y"}) stage.tensors.push_back(std::make_unique<fb::TensorT>(tensor(name)));
  stage.tensors[1]->offset = 64;
  fb::OpT op;
  op.type = "nn.unary";
  op.name = "relu";
  op.inputs = {0};
  op.outputs = {1};
  fb::AttrT kind;
  kind.name = "fn";
  kind.text = "relu";
  op.attrs.push_back(std::make_unique<fb::AttrT>(kind));
  stage.ops.push_back(std::make_unique<fb::OpT>(std::move(op)));
  stage.inputs = {0};
  stage.outputs = {1};
  stage.arena_bytes = 128;
  fb::NetT net;
  net.name = "main";
  net.stages.push_back(std::make_unique<fb::StageT>(std::move(stage)));
  fb::ProgramT program;
  program.nets.push_back(std::make_unique<fb::NetT>(std::move(net)));
  return program;
}

std::vector<uint8_t> graphBytes(const fb::ProgramT& program) {
  flatbuffers::FlatBufferBuilder builder;
  builder.Finish(fb::Program::Pack(builder, &program), fb::ProgramIdentifier());
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

std::vector<uint8_t> container(std::vector<uint8_t> graph) {
  ContainerHeader header;
  header.graphOffset = sizeof header;
  header.graphBytes = graph.size();
  graph.resize((graph.size() + 63) / 64 * 64);
  header.weightsOffset = sizeof header + graph.size();
  header.checksum = checksum(graph.data(), graph.size());
  std::vector<uint8_t> file(sizeof header);
  memcpy(file.data(), &header, sizeof header);
  file.insert(file.end(), graph.begin(), graph.end());
  return file;
}

// Empty when the file is a valid program.
std::string problem(const std::vector<uint8_t>& graph) {
  const std::vector<uint8_t> file = container(graph);
  std::string error;
  auto program = Program::openMemory(file.data(), file.size(), error);
  EXPECT_EQ(program == nullptr, !error.empty());
  return error;
}

TEST(Program, Opens) { EXPECT_EQ(problem(graphBytes(relu())), ""); }

// Shifts a shape by half an element: the word before it becomes its length, its second word the first half.
TEST(Program, RefusesListsThatAreNotAligned) {
  fb::ProgramT program = relu();
  program.nets[0]->stages[0]->tensors[0]->shape = {0x100000002, 7, 5};
  std::vector<uint8_t> graph = graphBytes(program);
  const int64_t marks[] = {0x100000002, 7, 5};
  auto at = std::search(graph.begin(), graph.end(), reinterpret_cast<const uint8_t*>(marks),
                        reinterpret_cast<const uint8_t*>(marks + 3));
  ASSERT_NE(at, graph.end());
  // The tensor's offset to its shape is the word that points at the length, four bytes before the marks.
  const size_t length = static_cast<size_t>(at - graph.begin()) - 4;
  int moved = 0;
  for (size_t field = 0; field + 4 <= length; field += 4) {
    uint32_t offset;
    memcpy(&offset, graph.data() + field, sizeof offset);
    if (field + offset != length) continue;
    offset += 4;
    memcpy(graph.data() + field, &offset, sizeof offset);
    ++moved;
  }
  ASSERT_EQ(moved, 1);
  EXPECT_NE(problem(graph).find("not aligned"), std::string::npos) << problem(graph);
}

// Builds ten thousand attributes of one op that are all the same 40 kB: 400 MB once they are copied.
TEST(Program, RefusesListsThatManyShare) {
  flatbuffers::FlatBufferBuilder b;
  auto shape = b.CreateVector(std::vector<int64_t>{1, 4});
  std::vector<flatbuffers::Offset<fb::Tensor>> tensors;
  for (uint64_t offset : {0, 64})
    tensors.push_back(
        fb::CreateTensor(b, b.CreateString("t"), fb::DType::f32, shape, 0, 0, fb::Storage::arena, offset));
  auto ints = b.CreateVector(std::vector<int64_t>(5000, 1));
  std::vector<flatbuffers::Offset<fb::Attr>> attrs(10000, fb::CreateAttr(b, b.CreateString("a"), ints));
  auto inputs = b.CreateVector(std::vector<int32_t>{0}), outputs = b.CreateVector(std::vector<int32_t>{1});
  auto op = fb::CreateOp(b, b.CreateString("nn.unary"), 0, inputs, outputs, b.CreateVector(attrs));
  auto stage = fb::CreateStage(b, b.CreateVector(tensors), b.CreateVector(&op, 1), inputs, outputs, 128);
  auto net = fb::CreateNet(b, 0, b.CreateVector(&stage, 1));
  b.Finish(fb::CreateProgram(b, 0, 0, 0, 0, b.CreateVector(&net, 1)), fb::ProgramIdentifier());
  const std::string error = problem({b.GetBufferPointer(), b.GetBufferPointer() + b.GetSize()});
  EXPECT_NE(error.find("too often"), std::string::npos) << error;
}

} // namespace
} // namespace burin::rt
