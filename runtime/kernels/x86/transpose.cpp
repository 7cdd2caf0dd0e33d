// Transposes in SSE registers (every x86-64 has SSE2), and three columns interleaved: pictures, bytes with
// AVX2's byte shuffles.
#include "runtime/kernels/transpose.h"

#include <immintrin.h>

namespace burin::rt {

namespace {
template <class T>
void transposeRest(const T* source, int64_t columnStep, T* target, int64_t rowStep, int64_t rows,
                   int64_t columns, int64_t doneRows, int64_t doneColumns) {
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = r < doneRows ? doneColumns : 0; c < columns; ++c)
      target[r * rowStep + c] = source[c * columnStep + r];
}

__m128i loadRow(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
void storeRow(void* p, __m128i v) { _mm_storeu_si128(static_cast<__m128i*>(p), v); }

// 8 columns of 16 bytes become 16 rows of 8: bytes, then pairs, then quads are interleaved.
void transpose16x8(const uint8_t* source, int64_t columnStep, uint8_t* target, int64_t rowStep) {
  __m128i a[8], b[8];
  for (int c = 0; c < 8; ++c) a[c] = loadRow(source + c * columnStep);
  for (int i = 0; i < 4; ++i) {
    b[2 * i] = _mm_unpacklo_epi8(a[2 * i], a[2 * i + 1]);
    b[2 * i + 1] = _mm_unpackhi_epi8(a[2 * i], a[2 * i + 1]);
  }
  for (int half = 0; half < 2; ++half) { // rows 0-7, rows 8-15
    const __m128i p0 = _mm_unpacklo_epi16(b[half], b[2 + half]),
                  p1 = _mm_unpackhi_epi16(b[half], b[2 + half]);
    const __m128i q0 = _mm_unpacklo_epi16(b[4 + half], b[6 + half]),
                  q1 = _mm_unpackhi_epi16(b[4 + half], b[6 + half]);
    const __m128i rows[4] = {_mm_unpacklo_epi32(p0, q0), _mm_unpackhi_epi32(p0, q0),
                             _mm_unpacklo_epi32(p1, q1), _mm_unpackhi_epi32(p1, q1)};
    for (int i = 0; i < 4; ++i) {
      uint8_t* to = target + (half * 8 + i * 2) * rowStep;
      _mm_storel_epi64(reinterpret_cast<__m128i*>(to), rows[i]);
      _mm_storel_epi64(reinterpret_cast<__m128i*>(to + rowStep), _mm_unpackhi_epi64(rows[i], rows[i]));
    }
  }
}

// 4 columns of 16 bytes become 16 rows of 4.
void transpose16x4(const uint8_t* source, int64_t columnStep, uint8_t* target, int64_t rowStep) {
  const __m128i a = loadRow(source), b = loadRow(source + columnStep);
  const __m128i c = loadRow(source + 2 * columnStep), d = loadRow(source + 3 * columnStep);
  const __m128i p[2] = {_mm_unpacklo_epi8(a, b), _mm_unpackhi_epi8(a, b)};
  const __m128i q[2] = {_mm_unpacklo_epi8(c, d), _mm_unpackhi_epi8(c, d)};
  for (int half = 0; half < 2; ++half) {
    alignas(16) uint32_t rows[8];
    storeRow(rows, _mm_unpacklo_epi16(p[half], q[half]));
    storeRow(rows + 4, _mm_unpackhi_epi16(p[half], q[half]));
    for (int i = 0; i < 8; ++i) __builtin_memcpy(target + (half * 8 + i) * rowStep, &rows[i], 4);
  }
}

void transposeBytes(const void* from, int64_t columnStep, void* to, int64_t rowStep, int64_t rows,
                    int64_t columns) {
  const uint8_t* source = static_cast<const uint8_t*>(from);
  uint8_t* target = static_cast<uint8_t*>(to);
  const int64_t doneRows = rows / 16 * 16, doneColumns = columns / 4 * 4;
  for (int64_t c = 0; c + 8 <= columns; c += 8)
    for (int64_t r = 0; r < doneRows; r += 16)
      transpose16x8(source + c * columnStep + r, columnStep, target + r * rowStep + c, rowStep);
  if (columns % 8 >= 4)
    for (int64_t r = 0, c = columns / 8 * 8; r < doneRows; r += 16)
      transpose16x4(source + c * columnStep + r, columnStep, target + r * rowStep + c, rowStep);
  transposeRest(source, columnStep, target, rowStep, rows, columns, doneRows, doneColumns);
}

// 3 columns of 16 bytes become 48 bytes. Byte k of the result is column k % 3, row k / 3; each shuffle places
// the bytes of one column and zeroes the others (index 0x80).
__attribute__((target("avx2"))) void interleaveThree(const uint8_t* source, int64_t columnStep,
                                                     uint8_t* target) {
  const char z = static_cast<char>(0x80);
  const __m128i shuffle[3][3] = {{_mm_setr_epi8(0, z, z, 1, z, z, 2, z, z, 3, z, z, 4, z, z, 5),
                                  _mm_setr_epi8(z, 0, z, z, 1, z, z, 2, z, z, 3, z, z, 4, z, z),
                                  _mm_setr_epi8(z, z, 0, z, z, 1, z, z, 2, z, z, 3, z, z, 4, z)},
                                 {_mm_setr_epi8(z, z, 6, z, z, 7, z, z, 8, z, z, 9, z, z, 10, z),
                                  _mm_setr_epi8(5, z, z, 6, z, z, 7, z, z, 8, z, z, 9, z, z, 10),
                                  _mm_setr_epi8(z, 5, z, z, 6, z, z, 7, z, z, 8, z, z, 9, z, z)},
                                 {_mm_setr_epi8(z, 11, z, z, 12, z, z, 13, z, z, 14, z, z, 15, z, z),
                                  _mm_setr_epi8(z, z, 11, z, z, 12, z, z, 13, z, z, 14, z, z, 15, z),
                                  _mm_setr_epi8(10, z, z, 11, z, z, 12, z, z, 13, z, z, 14, z, z, 15)}};
  const __m128i a = loadRow(source), b = loadRow(source + columnStep), c = loadRow(source + 2 * columnStep);
  for (int i = 0; i < 3; ++i) {
    const __m128i ab = _mm_or_si128(_mm_shuffle_epi8(a, shuffle[i][0]), _mm_shuffle_epi8(b, shuffle[i][1]));
    storeRow(target + 16 * i, _mm_or_si128(ab, _mm_shuffle_epi8(c, shuffle[i][2])));
  }
}

void transposeBytesAvx2(const void* from, int64_t columnStep, void* to, int64_t rowStep, int64_t rows,
                        int64_t columns) {
  if (columns != 3 || rowStep != 3) return transposeBytes(from, columnStep, to, rowStep, rows, columns);
  const uint8_t* source = static_cast<const uint8_t*>(from);
  uint8_t* target = static_cast<uint8_t*>(to);
  int64_t r = 0;
  for (; r + 16 <= rows; r += 16) interleaveThree(source + r, columnStep, target + 3 * r);
  transposeRest(source + r, columnStep, target + 3 * r, rowStep, rows - r, columns, 0, 0);
}

// 4 columns of 4 words become 4 rows of 4.
void transpose4x4(const uint32_t* source, int64_t columnStep, uint32_t* target, int64_t rowStep) {
  const __m128i a = loadRow(source), b = loadRow(source + columnStep);
  const __m128i c = loadRow(source + 2 * columnStep), d = loadRow(source + 3 * columnStep);
  const __m128i p0 = _mm_unpacklo_epi32(a, b), p1 = _mm_unpackhi_epi32(a, b);
  const __m128i q0 = _mm_unpacklo_epi32(c, d), q1 = _mm_unpackhi_epi32(c, d);
  storeRow(target, _mm_unpacklo_epi64(p0, q0));
  storeRow(target + rowStep, _mm_unpackhi_epi64(p0, q0));
  storeRow(target + 2 * rowStep, _mm_unpacklo_epi64(p1, q1));
  storeRow(target + 3 * rowStep, _mm_unpackhi_epi64(p1, q1));
}

// 3 columns of 4 words become 12 words: abca bcab cabc.
void interleaveThreeWords(const uint32_t* source, int64_t columnStep, uint32_t* target) {
  const __m128 a = _mm_castsi128_ps(loadRow(source)), b = _mm_castsi128_ps(loadRow(source + columnStep)),
               c = _mm_castsi128_ps(loadRow(source + 2 * columnStep));
  const __m128 c0a1 = _mm_shuffle_ps(c, a, _MM_SHUFFLE(1, 1, 0, 0)),
               b1c1 = _mm_shuffle_ps(b, c, _MM_SHUFFLE(1, 1, 1, 1)),
               a2b2 = _mm_shuffle_ps(a, b, _MM_SHUFFLE(2, 2, 2, 2)),
               c2a3 = _mm_shuffle_ps(c, a, _MM_SHUFFLE(3, 3, 2, 2));
  const __m128 rows[3] = {_mm_shuffle_ps(_mm_unpacklo_ps(a, b), c0a1, _MM_SHUFFLE(2, 0, 1, 0)),
                          _mm_shuffle_ps(b1c1, a2b2, _MM_SHUFFLE(2, 0, 2, 0)),
                          _mm_shuffle_ps(c2a3, _mm_unpackhi_ps(b, c), _MM_SHUFFLE(3, 2, 2, 0))};
  for (int i = 0; i < 3; ++i) storeRow(target + 4 * i, _mm_castps_si128(rows[i]));
}

void transposeWords(const void* from, int64_t columnStep, void* to, int64_t rowStep, int64_t rows,
                    int64_t columns) {
  const uint32_t* source = static_cast<const uint32_t*>(from);
  uint32_t* target = static_cast<uint32_t*>(to);
  const int64_t doneRows = rows / 4 * 4;
  if (columns == 3 && rowStep == 3) {
    for (int64_t r = 0; r < doneRows; r += 4) interleaveThreeWords(source + r, columnStep, target + 3 * r);
    return transposeRest(source, columnStep, target, rowStep, rows, columns, doneRows, columns);
  }
  const int64_t doneColumns = columns / 4 * 4;
  for (int64_t r = 0; r < doneRows; r += 4)
    for (int64_t c = 0; c < doneColumns; c += 4)
      transpose4x4(source + c * columnStep + r, columnStep, target + r * rowStep + c, rowStep);
  transposeRest(source, columnStep, target, rowStep, rows, columns, doneRows, doneColumns);
}
} // namespace

TransposeTile transposeTileX86(size_t bytes, Isa isa);
TransposeTile transposeTileX86(size_t bytes, Isa isa) {
  if (bytes == 1) return isa >= Isa::Avx2 ? transposeBytesAvx2 : transposeBytes;
  return bytes == 4 ? transposeWords : nullptr;
}

} // namespace burin::rt
