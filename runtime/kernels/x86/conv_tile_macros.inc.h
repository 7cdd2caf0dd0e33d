// What every instruction set's kernel file needs besides its BURIN_TARGET. No include guard: the macros
// follow the including file's target.
#define BURIN_MEMBER BURIN_TARGET __attribute__((always_inline)) inline
#define BURIN_INLINE BURIN_MEMBER static
#define BURIN_UNROLL _Pragma("GCC unroll 16")

#if defined(__GNUC__) && !defined(__clang__)
// GCC 12 takes the undefined pass-through operand inside its own intrinsics for a mistake of ours (GCC
// PR105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
