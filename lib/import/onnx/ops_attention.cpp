// Scaled dot product attention and rotary embeddings, written out.
#include "lib/import/onnx/operators.h"
#include "lib/import/onnx/rules.h"

#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace burin::onnx {

namespace {
// [B, S, heads * D] -> [B, heads, S, D]; 4-D tensors are in that form already.
Value splitHeads(NodeContext& c, Value x, int64_t heads) {
  Ints dims = NodeContext::dims(x);
  if (dims.size() != 3) return x;
  if (heads < 1 || dims[2] % heads) {
    c.invalid(fmt::format("{} channels cannot be split into {} heads", dims[2], heads));
    return {};
  }
  return c.transpose(c.reshape(x, {dims[0], dims[1], heads, dims[2] / heads}), {0, 2, 1, 3});
}

// Grouped queries: every key and value head serves several query heads.
Value repeatHeads(NodeContext& c, Value x, int64_t heads) {
  Ints d = NodeContext::dims(x);
  if (d.size() != 4 || d[1] == heads) return x;
  if (d[1] < 1 || heads % d[1]) {
    c.invalid(fmt::format("{} query heads cannot share {} key heads", heads, d[1]));
    return {};
  }
  int64_t times = heads / d[1];
  return c.reshape(c.expand(c.reshape(x, {d[0], d[1], 1, d[2], d[3]}), {d[0], d[1], times, d[2], d[3]}),
                   {d[0], heads, d[2], d[3]});
}

// Query i sees keys up to i (plus what came before); the others get the lowest float.
Value causalMask(NodeContext& c, int64_t queries, int64_t keys, int64_t past) {
  std::vector<float> mask;
  for (int64_t i = 0; i < queries; ++i)
    for (int64_t k = 0; k < keys; ++k)
      mask.push_back(k > i + past ? std::numeric_limits<float>::lowest() : 0.0f);
  return c.constant(mask, {queries, keys});
}

Value addMask(NodeContext& c, Value scores, Value mask) {
  if (!mask) return scores;
  if (NodeContext::dtype(mask) != rt::DType::Bool) return c.add(scores, mask);
  return c.select(mask, scores,
                  c.scalarLike(static_cast<double>(std::numeric_limits<float>::lowest()), scores));
}

// softmax(scale * Q K' + mask) V of opset 23.
void importAttention(NodeContext& c) {
  if (c.wants(3) || c.has(6)) return c.unsupported("qk_matmul_output and nonpad_kv_seqlen are not supported");
  bool flat = NodeContext::rank(c.in(0)) == 3;
  int64_t queryHeads = c.integer("q_num_heads"), keyHeads = c.integer("kv_num_heads", queryHeads);
  Value q = splitHeads(c, c.in(0), queryHeads), k = splitHeads(c, c.in(1), keyHeads),
        v = splitHeads(c, c.in(2), keyHeads);
  int64_t past = c.has(4) && NodeContext::rank(c.in(4)) == 4 ? NodeContext::shape(c.in(4))[2] : 0;
  if (c.has(4) && c.has(5)) k = c.concat({c.in(4), k}, 2), v = c.concat({c.in(5), v}, 2);
  Ints dims = NodeContext::dims(q), keyDims = NodeContext::dims(k);
  if (c.failed() || dims.size() != 4 || keyDims.size() != 4)
    return c.invalid("its queries and keys are not [batch, heads, length, size]");
  Value presentKey = k, presentValue = v;
  k = repeatHeads(c, k, dims[1]), v = repeatHeads(c, v, dims[1]);
  float scale = c.real("scale", 1.0f / std::sqrt(static_cast<float>(dims[3])));
  Value scores =
      c.emit("matmul", {c.mul(q, c.scalarLike(scale, q)), k, c.none()}, c.attrs().b("trans_b", true));
  if (float cap = c.real("softcap"); cap > 0)
    scores = c.mul(c.unary("tanh", c.div(scores, c.scalarLike(cap, q))), c.scalarLike(cap, q));
  if (c.flag("is_causal")) {
    if (static_cast<double>(dims[2]) * static_cast<double>(keyDims[2]) > 1 << 24)
      return c.unsupported("its causal mask is too big");
    scores = addMask(c, scores, c.cast(causalMask(c, dims[2], keyDims[2], past), NodeContext::dtype(q)));
  }
  scores = addMask(c, scores, c.in(3));
  Value y = c.matmul(c.emit("softmax", {scores}, c.attrs().i("axis", 3).b("log", false)), v);
  if (flat && y)
    y = c.reshape(c.transpose(y, {0, 2, 1, 3}), {dims[0], dims[2], dims[1] * NodeContext::shape(y)[3]});
  c.set(0, y);
  if (c.wants(1)) c.set(1, presentKey);
  if (c.wants(2)) c.set(2, presentValue);
}

// Pairs (a, b) of each head turn by the angle of their position: (a cos - b sin, a sin + b cos). Pairs are
// the two halves of the rotated part, or neighbours when interleaved.
void importRotaryEmbedding(NodeContext& c) {
  bool flat = NodeContext::rank(c.in(0)) == 3;
  Value x = splitHeads(c, c.in(0), c.integer("num_heads")); // [B, heads, S, D]
  Ints d = NodeContext::dims(x);
  if (c.failed() || d.size() != 4) return c.invalid("its input is not [batch, heads, length, size]");
  int64_t rotated = c.integer("rotary_embedding_dim");
  if (rotated == 0) rotated = d[3];
  if (rotated < 2 || rotated > d[3] || rotated % 2)
    return c.invalid(fmt::format("{} of {} values cannot be rotated", rotated, d[3]));
  int64_t half = rotated / 2;
  auto angles = [&](Value table) { // [B, S, half] or by position [max, half] -> [B or 1, 1, S, half]
    if (c.has(3)) table = c.gather(table, c.in(3), 0);
    return c.unsqueeze(table, NodeContext::rank(table) == 3 ? 1 : 0);
  };
  Value cosine = angles(c.in(1)), sine = angles(c.in(2));
  bool interleaved = c.flag("interleaved");
  Value a = interleaved ? c.slice(x, 3, 0, half, 2) : c.slice(x, 3, 0, half);
  Value b = interleaved ? c.slice(x, 3, 1, half, 2) : c.slice(x, 3, half, half);
  Value real = c.sub(c.mul(a, cosine), c.mul(b, sine)), imaginary = c.add(c.mul(a, sine), c.mul(b, cosine));
  Value y = interleaved ? c.reshape(c.concat({c.unsqueeze(real, 4), c.unsqueeze(imaginary, 4)}, 4),
                                    {d[0], d[1], d[2], rotated})
                        : c.concat({real, imaginary}, 3);
  if (rotated < d[3]) y = c.concat({y, c.slice(x, 3, rotated, d[3] - rotated)}, 3);
  if (flat) y = c.reshape(c.transpose(y, {0, 2, 1, 3}), {d[0], d[2], d[1] * d[3]});
  c.set(0, y);
}

const OperatorRow kRows[] = {
    {"Attention", importAttention, 3, 7},
    {"RotaryEmbedding", importRotaryEmbedding, 3, 4},
};
} // namespace

const OperatorTable<OperatorRow> kAttentionOperators = {kRows, std::size(kRows)};

} // namespace burin::onnx
