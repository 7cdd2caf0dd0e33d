// The depthwise tile, written once. Included inside a namespace by one file per instruction set, after the
// macros. An engine E has Vector (of sums) and Weights, kVectors (of a set), kSets, kWeights (vectors of
// weights per group), kSlotPixels, kTapRows (rows of the table per group), kSumBytes, kWeightBytes, Mask,
// mask(call),
//   loadSums(p), loadWeights(p),
//   accumulate(sums of a slot, rows, rowStep, offset, pixels of the slot, weights, mask): adds one group of
//   taps, storeRaw(p, sum), and Finish: made from the call, with store(call, first pixel of the slot, sums,
//   mask).
// No include guard: each including file is its own instance.

template <class E, int P>
BURIN_TARGET void depthwiseTile(const DepthwiseCall& call) {
  constexpr int kSums = E::kVectors * E::kSets;
  // Pixels beyond the last are read as the last and not stored.
  int64_t pixel[P * E::kSlotPixels];
  BURIN_UNROLL
  for (int i = 0; i < P * E::kSlotPixels; ++i) pixel[i] = i < call.pixels ? i : call.pixels - 1;
  typename E::Vector sum[P][kSums];
  BURIN_UNROLL
  for (int p = 0; p < P; ++p) {
    BURIN_UNROLL
    for (int v = 0; v < kSums; ++v) sum[p][v] = E::loadSums(call.start + v % E::kVectors * E::kSumBytes);
  }
  const typename E::Mask mask = E::mask(call);
  const uint8_t* weights = call.weights;
  const uint8_t* const* rows = call.rows;
  const int64_t rowStep = call.rowStep, offset = call.offset;
  for (int64_t group = 0; group < call.tapGroups; ++group, rows += E::kTapRows * rowStep) {
    typename E::Weights w[E::kWeights];
    BURIN_UNROLL
    for (int v = 0; v < E::kWeights; ++v) w[v] = E::loadWeights(weights + v * E::kWeightBytes);
    weights += E::kWeights * E::kWeightBytes;
    BURIN_UNROLL
    for (int p = 0; p < P; ++p)
      E::accumulate(sum[p], rows, rowStep, offset, pixel + p * E::kSlotPixels, w, mask);
  }
  if (call.store == TileStore::Raw) {
    BURIN_UNROLL
    for (int p = 0; p < P; ++p) {
      BURIN_UNROLL
      for (int v = 0; v < kSums; ++v) E::storeRaw(call.out + (p * kSums + v) * E::kSumBytes, sum[p][v]);
    }
    return;
  }
  const typename E::Finish finish(call);
  BURIN_UNROLL
  for (int p = 0; p < P; ++p) finish.store(call, p * E::kSlotPixels, sum[p], mask);
}

template <class E, int... P>
constexpr void addDepthwiseTiles(DepthwiseEngine& engine, std::integer_sequence<int, P...>) {
  engine.slots = sizeof...(P);
  ((engine.tile[P + 1] = depthwiseTile<E, P + 1>), ...);
}
