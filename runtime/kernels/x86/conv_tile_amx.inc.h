// Tiles of up to 32 rows by V * 16 channels on a unit of two-dimensional registers: 16 rows of 64 bytes each,
// products of 16 rows by 16 channels over 64 bytes of depth. Written over the operations of the unit, so that
// it can be tested where there is none. T has configure(), release(), load<t>(p, stride), store<t>(p, stride)
// and multiply<c, a, b>(). Included inside the namespace, after the macros.

constexpr int kUnitRows = 16, kUnitBytes = 64;

// Registers: sums 2h + v for rows 16h and vector v, rows 4 + h, weights 6 + v.
template <class T, int V>
struct AmxTile {
  // 16 rows of one segment: where they are, or a copy of them.
  struct Rows {
    const uint8_t* const* row;
    int count;
    int64_t stride; // 0: not evenly spaced

    BURIN_MEMBER Rows(const uint8_t* const* first, int valid) : row(first), count(valid), stride(0) {
      if (valid < kUnitRows) return;
      stride = row[1] - row[0];
      for (int r = 2; r < kUnitRows; ++r)
        if (row[r] - row[r - 1] != stride) {
          stride = 0;
          return;
        }
    }
    BURIN_MEMBER void copy(int64_t offset, int64_t bytes, uint8_t* buffer) const {
      const __mmask64 mask = _bzhi_u64(~uint64_t{0}, static_cast<unsigned>(bytes));
      for (int r = 0; r < count; ++r)
        _mm512_store_si512(buffer + r * kUnitBytes, _mm512_maskz_loadu_epi8(mask, row[r] + offset));
    }
  };

  template <int H>
  BURIN_INLINE void multiplyRows(const Rows& rows, int64_t offset, int64_t bytes, uint8_t* buffer) {
    if (rows.stride != 0 && bytes >= kUnitBytes) {
      T::template load<4 + H>(rows.row[0] + offset, rows.stride);
    } else {
      rows.copy(offset, bytes < kUnitBytes ? bytes : kUnitBytes, buffer);
      T::template load<4 + H>(buffer, kUnitBytes);
    }
    T::template multiply<2 * H, 4 + H, 6>();
    if (V > 1) T::template multiply<2 * H + 1, 4 + H, 7>();
  }

  template <int H>
  BURIN_INLINE void loadSums(const TileCall& call) {
    const uint8_t* start = call.start + H * kUnitRows * call.startStride;
    T::template load<2 * H>(start, call.startStride);
    if (V > 1) T::template load<2 * H + 1>(start + 64, call.startStride);
  }
  template <int H>
  BURIN_INLINE void storeSums(uint8_t* sums) {
    T::template store<2 * H>(sums + H * kUnitRows * V * 64, V * 64);
    if (V > 1) T::template store<2 * H + 1>(sums + H * kUnitRows * V * 64 + 64, V * 64);
  }

  BURIN_TARGET static void run(const TileCall& call) {
    alignas(64) uint8_t buffers[2][kUnitRows * kUnitBytes];
    alignas(64) uint8_t sums[2 * kUnitRows * V * 64];
    const bool hasSecond = call.rowCount > kUnitRows;
    loadSums<0>(call);
    if (hasSecond) loadSums<1>(call);
    const uint8_t* weights = call.weights;
    const uint8_t* const* table = call.rows;
    for (int64_t segment = 0; segment < call.segments; ++segment, table += call.rowStep) {
      const Rows first(table, hasSecond ? kUnitRows : call.rowCount);
      const Rows second(table + kUnitRows, hasSecond ? call.rowCount - kUnitRows : 0);
      for (int64_t k = 0; k < call.steps * 4; k += kUnitBytes, weights += kUnitRows * V * 64) {
        T::template load<6>(weights, V * 64);
        if (V > 1) T::template load<7>(weights + 64, V * 64);
        multiplyRows<0>(first, call.offset + k, call.rowBytes - k, buffers[0]);
        if (hasSecond) multiplyRows<1>(second, call.offset + k, call.rowBytes - k, buffers[1]);
      }
    }
    storeSums<0>(sums);
    if (hasSecond) storeSums<1>(sums);
    finish(call, sums);
  }

  BURIN_INLINE void finish(const TileCall& call, const uint8_t* sums) {
    const bool isRaw = call.store == TileStore::Raw;
    for (int r = 0; r < call.rowCount; ++r, sums += V * 64) {
      __m512i sum[V];
      for (int v = 0; v < V; ++v) sum[v] = _mm512_load_si512(sums + v * 64);
      uint8_t* out = call.out + r * call.outStride;
      if (isRaw) {
        for (int v = 0; v < V; ++v) _mm512_storeu_si512(out + v * 64, sum[v]);
      } else {
        ByteRowFinish512<V>(call).store(out, sum);
      }
    }
  }
};

template <class T>
constexpr TileEngine makeAmxEngine(const char* name) {
  TileEngine engine{name, RowElement::U8, 16, 4, 2, {}, {}};
  for (int rows = 1; rows <= 2 * kUnitRows; ++rows) {
    engine.tile[1][rows] = AmxTile<T, 1>::run;
    engine.tile[2][rows] = AmxTile<T, 2>::run;
  }
  engine.rows[1] = engine.rows[2] = 2 * kUnitRows;
  engine.rowUnit = kUnitRows;
  engine.stepUnit = kUnitBytes / 4;
  engine.begin = T::configure;
  engine.end = T::release;
  return engine;
}
