#include "runtime/core/verify.h"

#include "schema/program_generated.h"

#include <cmath>

namespace burin::rt {

namespace {
constexpr int64_t kMaxElements = int64_t(1) << 40;
constexpr uint64_t kMaxArena = uint64_t(1) << 36;

class GraphLoader {
public:
  GraphLoader(const fb::Stage& stage, LoadSource& source, Graph& graph, std::string& error)
      : stage_(stage), source_(source), graph_(graph), error_(error) {}

  bool load() {
    if (!stage_.tensors() || !stage_.ops()) return fail("no tensors or no ops");
    graph_.arenaBytes = stage_.arena_bytes();
    if (graph_.arenaBytes > kMaxArena)
      return fail("arena of " + std::to_string(graph_.arenaBytes) + " bytes is beyond any machine");
    if (!source_.mayCopy(kTableBytes * (uint64_t{stage_.tensors()->size()} + stage_.ops()->size())))
      return fail("has more tensors and ops than the file");
    graph_.tensors.resize(stage_.tensors()->size());
    graph_.arenaOffset.resize(graph_.tensors.size());
    for (size_t i = 0; i < graph_.tensors.size(); ++i)
      if (!loadTensor(*stage_.tensors()->Get(static_cast<unsigned>(i)), i))
        return fail("tensor " + std::to_string(i) + " '" + graph_.tensors[i].name + "': " + error_);
    written_.assign(graph_.tensors.size(), false);
    if (!loadBoundary(stage_.inputs(), graph_.inputs, "input")) return false;
    for (int t : graph_.inputs) {
      if (graph_.tensors[t].constant) return fail("an input is a constant");
      written_[t] = true;
    }
    graph_.nodes.resize(stage_.ops()->size());
    for (size_t i = 0; i < graph_.nodes.size(); ++i)
      if (!loadOp(*stage_.ops()->Get(static_cast<unsigned>(i)), graph_.nodes[i]))
        return fail("op " + std::to_string(i) + " '" + graph_.nodes[i].name + "' (" + graph_.nodes[i].type +
                    "): " + error_);
    if (!loadBoundary(stage_.outputs(), graph_.outputs, "output")) return false;
    if (graph_.outputs.empty()) return fail("no outputs");
    for (int t : graph_.outputs)
      if (!graph_.tensors[t].constant && !written_[t])
        return fail("output '" + graph_.tensors[t].name + "' is never computed");
    return true;
  }

private:
  bool fail(std::string message) {
    error_ = std::move(message);
    return false;
  }

  // Of a vector or text that is about to be copied. FlatBuffers' verifier checks where it lies, but not that
  // its elements are aligned, which some processors insist on.
  template <class T>
  bool mayCopy(const flatbuffers::Vector<T>* v) {
    if (!v) return true;
    if (reinterpret_cast<uintptr_t>(v->Data()) % sizeof(T)) return fail("has a list that is not aligned");
    return source_.mayCopy(uint64_t{sizeof(T)} * v->size()) || fail("uses the same lists too often");
  }
  template <class... Vectors>
  bool mayCopyAll(const Vectors*... vectors) {
    return (mayCopy(vectors) && ...);
  }

  bool loadBoundary(const flatbuffers::Vector<int32_t>* list, std::vector<int>& out, const char* what) {
    if (!list) return true; // an empty list is not stored; a network of constants has no inputs
    if (!mayCopy(list)) return false;
    for (int32_t t : *list) {
      if (t < 0 || static_cast<size_t>(t) >= graph_.tensors.size())
        return fail(std::string(what) + " index out of range");
      out.push_back(t);
    }
    return true;
  }

  bool loadShape(const fb::Tensor& t, Tensor& tensor) {
    size_t rank = t.shape() ? t.shape()->size() : 0;
    if (rank > kMaxRank) return fail("rank " + std::to_string(rank) + " > 8");
    int64_t elements = 1;
    for (size_t i = 0; i < rank; ++i) {
      int64_t d = t.shape()->Get(static_cast<unsigned>(i));
      if (d < 0 || d > kMaxElements || (d && elements > kMaxElements / d))
        return fail("shape is negative or too large");
      elements *= d;
      tensor.type.shape.push(d);
    }
    uint8_t order[kMaxRank];
    bool seen[kMaxRank] = {};
    if (t.order() && t.order()->size()) {
      if (t.order()->size() != rank) return fail("memory order has the wrong length");
      for (size_t i = 0; i < rank; ++i) {
        order[i] = t.order()->Get(static_cast<unsigned>(i));
        if (order[i] >= rank || seen[order[i]]) return fail("memory order is no permutation");
        seen[order[i]] = true;
      }
    } else {
      for (size_t i = 0; i < rank; ++i) order[i] = static_cast<uint8_t>(i);
    }
    int64_t inner = t.inner_stride();
    if (inner < 0 || inner > (1 << 24) || (rank && inner && inner < tensor.type.shape[order[rank - 1]]))
      return fail("channel stride is invalid");
    int64_t span = computeStrides(tensor.type.shape, order, inner, tensor.stride);
    if (span < 0 || span > kMaxElements) return fail("shape is too large");
    bytes_ = static_cast<uint64_t>(span) * dtypeBytes(tensor.type.dtype);
    return true;
  }

  bool loadQuant(const fb::Tensor& t, Tensor& tensor) {
    if (!t.scale() || t.scale()->size() == 0) return true;
    tensor.quant.axis = t.axis();
    size_t count = t.scale()->size();
    int axis = t.axis();
    if (axis >= tensor.type.shape.rank) return fail("quantization axis out of range");
    size_t expected = axis < 0 ? 1 : static_cast<size_t>(tensor.type.shape[axis]);
    if (count != expected)
      return fail("has " + std::to_string(count) + " scales, expected " + std::to_string(expected));
    for (float s : *t.scale()) {
      if (!(s > 0) || !std::isfinite(s)) return fail("scale is not positive and finite");
      tensor.quant.scale.push_back(s);
    }
    size_t zeroPoints = t.zero_point() ? t.zero_point()->size() : 0;
    if (zeroPoints != 0 && zeroPoints != count) return fail("zero points and scales differ in number");
    tensor.quant.zeroPoint.assign(count, 0);
    for (size_t i = 0; i < zeroPoints; ++i) {
      int32_t z = t.zero_point()->Get(static_cast<unsigned>(i));
      if (z < -32768 || z > 65535) return fail("zero point is out of range");
      tensor.quant.zeroPoint[i] = z;
    }
    return true;
  }

  bool loadTensor(const fb::Tensor& t, size_t index) {
    Tensor& tensor = graph_.tensors[index];
    if (!mayCopyAll(t.name(), t.shape(), t.order(), t.scale(), t.zero_point())) return false;
    if (t.name()) tensor.name = t.name()->str();
    if (static_cast<int>(t.dtype()) >= kDTypeCount) return fail("unknown element type");
    tensor.type.dtype = static_cast<DType>(t.dtype());
    if (!loadShape(t, tensor) || !loadQuant(t, tensor)) return false;
    if (t.storage() != fb::Storage::arena && t.storage() != fb::Storage::constant)
      return fail("unknown storage");
    tensor.constant = t.storage() == fb::Storage::constant;
    uint64_t limit = tensor.constant ? source_.weightsBytes : graph_.arenaBytes;
    if (t.offset() > limit || bytes_ > limit - t.offset()) return fail("lies outside its memory");
    if (t.offset() % 64) return fail("is not aligned");
    if (tensor.constant) tensor.data = const_cast<uint8_t*>(source_.weights + t.offset());
    graph_.arenaOffset[index] = t.offset();
    return true;
  }

  bool loadOp(const fb::Op& op, Node& node) {
    if (!mayCopyAll(op.type(), op.name(), op.inputs(), op.outputs())) return false;
    node.type = op.type()->str();
    if (op.name()) node.name = op.name()->str();
    if (op.attrs() && !source_.mayCopy(kTableBytes * op.attrs()->size()))
      return fail("uses the same attributes too often");
    if (op.attrs())
      for (const fb::Attr* a : *op.attrs()) {
        if (!mayCopyAll(a->name(), a->ints(), a->floats(), a->text())) return false;
        Attr attr;
        attr.name = a->name()->str();
        if (a->ints()) attr.ints.assign(a->ints()->begin(), a->ints()->end());
        if (a->floats()) attr.floats.assign(a->floats()->begin(), a->floats()->end());
        if (a->text()) attr.text = a->text()->str();
        node.attrs.list.push_back(std::move(attr));
      }
    return loadOperands(op, node) && checkTypes(node);
  }

  bool loadOperands(const fb::Op& op, Node& node) {
    if (op.inputs())
      for (int32_t t : *op.inputs()) {
        if (t < -1 || t >= static_cast<int64_t>(graph_.tensors.size()))
          return fail("operand index out of range");
        if (t >= 0 && !graph_.tensors[t].constant && !written_[t])
          return fail("reads '" + graph_.tensors[t].name + "' before it is computed");
        node.inputs.push_back(t < 0 ? nullptr : &graph_.tensors[t]);
      }
    if (!op.outputs() || op.outputs()->size() == 0) return fail("has no results");
    for (int32_t t : *op.outputs()) {
      if (t < 0 || t >= static_cast<int64_t>(graph_.tensors.size())) return fail("result index out of range");
      if (graph_.tensors[t].constant || written_[t]) return fail("writes a constant or a tensor twice");
      written_[t] = true;
      node.outputs.push_back(&graph_.tensors[t]);
    }
    return true;
  }

  bool checkTypes(const Node& node) {
    Signature signature{node.attrs, {}};
    for (const Tensor* t : node.inputs) signature.inputs.push_back(t ? &t->type : nullptr);
    std::vector<TensorType> types;
    if (!inferTypes(node.type, signature, types, error_)) return false;
    if (types.size() < node.outputs.size()) return fail("has too many results");
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const TensorType& have = node.outputs[i]->type;
      // The element type of a quantized op's result is the program's choice; its kernel factory checks it.
      bool sameType = have.dtype == types[i].dtype || node.type.compare(0, 4, "qnn.") == 0 ||
                      (isFloat(have.dtype) && isFloat(types[i].dtype));
      if (!sameType || have.shape != types[i].shape)
        return fail("result " + std::to_string(i) + " is " + dtypeName(have.dtype) + " " +
                    toString(have.shape) + ", its operands give " + dtypeName(types[i].dtype) + " " +
                    toString(types[i].shape));
    }
    return types.size() == node.outputs.size() || fail("has too few results");
  }

  const fb::Stage& stage_;
  LoadSource& source_;
  Graph& graph_;
  std::string& error_;
  std::vector<bool> written_;
  uint64_t bytes_ = 0; // span of the tensor just loaded
};
} // namespace

bool loadGraph(const fb::Stage& stage, LoadSource& source, Graph& graph, std::string& error) {
  return GraphLoader(stage, source, graph, error).load();
}

} // namespace burin::rt
