// Scaled dot product attention, and the whole layers that PyTorch runs as one operator at inference.
#include "lib/import/torch/rules.h"

#include <cmath>
#include <fmt/format.h>
#include <limits>

namespace burin::torch {

namespace {
constexpr double kLowest = std::numeric_limits<float>::lowest();

// Query i sees keys up to i; the others get the lowest float.
Value causalMask(Call& c, int64_t queries, int64_t keys) {
  if (static_cast<double>(queries) * static_cast<double>(keys) > 1 << 24) {
    c.unsupported("its causal mask is too big");
    return {};
  }
  std::vector<float> mask;
  for (int64_t i = 0; i < queries; ++i)
    for (int64_t k = 0; k < keys; ++k) mask.push_back(k > i ? static_cast<float>(kLowest) : 0.0f);
  return c.constant(mask, {queries, keys});
}

// softmax(scale * Q K' + mask) V over the last two axes. A bool mask is true where a query may look.
Value emitAttention(Call& c, Value q, Value k, Value v, Value mask, bool causal, double scale) {
  Value scores =
      c.emit("matmul", {c.mul(q, c.scalarLike(scale, q)), k, c.none()}, c.attrs().b("trans_b", true));
  if (!scores) return {};
  const Ints dims = Call::dims(scores);
  if (causal) scores = c.add(scores, causalMask(c, dims[dims.size() - 2], dims.back()));
  if (mask && Call::dtype(mask) == rt::DType::Bool)
    scores = c.select(mask, scores, c.scalarLike(kLowest, scores));
  else if (mask)
    scores = c.add(scores, c.cast(mask, Call::dtype(scores)));
  return c.matmul(
      c.emit("softmax", {scores}, c.attrs().i("axis", static_cast<int64_t>(dims.size()) - 1).b("log", false)),
      v);
}

void scaledDotProduct(Call& c) {
  Value q = c.tensor("query"), k = c.tensor("key"), v = c.tensor("value");
  if (Call::rank(q) < 2 || Call::rank(k) < 2) return c.invalid("its queries and keys are not matrices");
  if (c.flag("enable_gqa") && Call::dims(q) != Call::dims(k) && Call::rank(q) == 4 &&
      Call::dims(q)[1] != Call::dims(k)[1])
    return c.unsupported("query heads that share key heads are not supported");
  const double scale =
      c.given("scale") ? c.real("scale") : 1 / std::sqrt(static_cast<double>(Call::dims(q).back()));
  c.give(emitAttention(c, q, k, v, c.tensor("attn_mask"), c.flag("is_causal"), scale));
}

// [B, S, heads * D] -> [B, heads, S, D]
Value splitHeads(Call& c, Value x, int64_t heads) {
  const Ints d = Call::dims(x);
  return c.transpose(c.reshape(x, {d[0], d[1], heads, d[2] / heads}), {0, 2, 1, 3});
}

// Self attention of a module: one matrix makes queries, keys and values.
Value selfAttention(Call& c, Value x, int64_t heads, Value qkvWeight, Value qkvBias, Value weight,
                    Value bias) {
  const Ints d = Call::dims(x);
  if (d.size() != 3 || heads < 1 || d[2] % heads) {
    c.invalid("its input does not divide into heads");
    return {};
  }
  Value qkv = emitLinear(c, x, qkvWeight, qkvBias);
  auto part = [&](int64_t i) { return splitHeads(c, c.slice(qkv, 2, i * d[2], d[2]), heads); };
  const double scale = 1 / std::sqrt(static_cast<double>(d[2] / heads));
  Value y = emitAttention(c, part(0), part(1), part(2), {}, false, scale);
  return y ? emitLinear(c, c.reshape(c.transpose(y, {0, 2, 1, 3}), d), weight, bias) : Value();
}

void nativeMultiHead(Call& c) {
  const bool isSelf = c.variable("query") == c.variable("key") && c.variable("key") == c.variable("value");
  if (!isSelf || c.given("mask"))
    return c.unsupported("this fused attention is supported for one input without a mask only",
                         "export it without torch.no_grad() or with torch.jit.script");
  c.set(0, selfAttention(c, c.tensor("query"), c.integer("num_head"), c.tensor("qkv_weight"),
                         c.tensor("qkv_bias"), c.tensor("proj_weight"), c.tensor("proj_bias")));
}

void encoderLayer(Call& c) {
  if (c.given("mask"))
    return c.unsupported("this fused layer is supported without a mask only",
                         "export it without torch.no_grad()");
  const bool normFirst = c.flag("norm_first");
  auto norm = [&](Value x, const char* weight, const char* bias) {
    return c.emit("layer_norm", {x, c.tensor(weight), c.tensor(bias)},
                  c.attrs().i("axis", Call::rank(x) - 1).f("epsilon", static_cast<float>(c.real("eps"))));
  };
  auto attend = [&](Value x) {
    return selfAttention(c, x, c.integer("num_heads"), c.tensor("qkv_weight"), c.tensor("qkv_bias"),
                         c.tensor("proj_weight"), c.tensor("proj_bias"));
  };
  auto feedForward = [&](Value x) {
    Value hidden = emitLinear(c, x, c.tensor("ffn_weight_1"), c.tensor("ffn_bias_1"));
    hidden = c.unary(c.flag("use_gelu") ? "gelu" : "relu", hidden);
    return emitLinear(c, hidden, c.tensor("ffn_weight_2"), c.tensor("ffn_bias_2"));
  };
  Value x = c.tensor("src");
  if (normFirst) {
    x = c.add(x, attend(norm(x, "norm_weight_1", "norm_bias_1")));
    return c.give(c.add(x, feedForward(norm(x, "norm_weight_2", "norm_bias_2"))));
  }
  x = norm(c.add(x, attend(x)), "norm_weight_1", "norm_bias_1");
  c.give(norm(c.add(x, feedForward(x)), "norm_weight_2", "norm_bias_2"));
}

const OperatorRow kRows[] = {
    {"scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float "
     "dropout_p=0.0, "
     "bool is_causal=False, *, float? scale=None, bool enable_gqa=False)",
     scaledDotProduct},
    {"_native_multi_head_attention(Tensor query, Tensor key, Tensor value, int embed_dim, int num_head, "
     "Tensor qkv_weight, Tensor qkv_bias, Tensor proj_weight, Tensor proj_bias, Tensor? mask=None, bool "
     "need_weights=True, "
     "bool average_attn_weights=True, int? mask_type=None) -> (Tensor, Tensor)",
     nativeMultiHead},
    {"_transformer_encoder_layer_fwd(Tensor src, int embed_dim, int num_heads, Tensor qkv_weight, Tensor "
     "qkv_bias, "
     "Tensor proj_weight, Tensor proj_bias, bool use_gelu, bool norm_first, float eps, Tensor norm_weight_1, "
     "Tensor norm_bias_1, Tensor norm_weight_2, Tensor norm_bias_2, Tensor ffn_weight_1, Tensor ffn_bias_1, "
     "Tensor ffn_weight_2, Tensor ffn_bias_2, Tensor? mask=None, int? mask_type=None)",
     encoderLayer},
};
} // namespace

const OperatorTable<OperatorRow> kAttentionOperators = {kRows, std::size(kRows)};

} // namespace burin::torch
