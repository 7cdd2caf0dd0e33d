#include "lib/data/image_codecs.h"

#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <png.h>
#include <vector>

namespace burin {
namespace {

constexpr png_uint_32 kMaxSide = 1'000'000;
constexpr png_alloc_size_t kMaxChunkBytes =
    8'000'000; // of colour profiles and texts, which are skipped anyway

// As in jpeg.cpp: libpng's errors jump back into functions without any object that has a destructor.
struct PngState {
  std::span<const uint8_t> rest;
  std::jmp_buf escape;
  char message[160];
  png_structp png;
  png_infop info;
};

[[noreturn]] void onError(png_structp png, png_const_charp message) {
  auto* state = static_cast<PngState*>(png_get_error_ptr(png));
  std::snprintf(state->message, sizeof state->message, "%s", message);
  std::longjmp(state->escape, 1);
}

void onWarning(png_structp, png_const_charp) {}

void onRead(png_structp png, png_bytep out, size_t count) {
  auto* state = static_cast<PngState*>(png_get_io_ptr(png));
  if (state->rest.size() < count) png_error(png, "the file ends early");
  std::memcpy(out, state->rest.data(), count);
  state->rest = state->rest.subspan(count);
}

bool readHeader(PngState& state) {
  if (setjmp(state.escape)) return false;
  png_set_read_fn(state.png, &state, onRead);
  png_set_user_limits(state.png, kMaxSide, kMaxSide);
  png_set_chunk_malloc_max(state.png, kMaxChunkBytes);
  png_read_info(state.png, state.info);
  return true;
}

// Everything becomes 8-bit B, G, R: the transformations that OpenCV asks for. The high byte of 16 bits is
// kept, alpha is dropped, gamma and colour profiles are not applied.
bool readPixels(PngState& state, png_bytepp rows) {
  if (setjmp(state.escape)) return false;
  png_structp png = state.png;
  int colour = png_get_color_type(png, state.info);
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if ((colour & PNG_COLOR_MASK_COLOR) != 0) {
    png_set_bgr(png);
  } else {
    png_set_expand_gray_1_2_4_to_8(png);
    png_set_gray_to_rgb(png);
  }
  png_set_interlace_handling(png);
  png_read_update_info(png, state.info);
  png_size_t rowBytes = png_get_rowbytes(png, state.info);
  if (rowBytes != static_cast<png_size_t>(png_get_image_width(png, state.info)) * 3)
    png_error(png, "its pixels did not become three bytes each");
  png_read_image(png, rows);
  png_read_end(png, nullptr);
  return true;
}

Result<Image> decodeWith(PngState& state) {
  constexpr const char* kRemedy = "it is damaged or cut short: replace it";
  if (!state.png || !state.info) return fail(ErrorCode::Internal, "libpng could not start");
  if (!readHeader(state)) return imageError("PNG", state.message, kRemedy);
  BURIN_ASSIGN(Image image, allocateImage("PNG", png_get_image_width(state.png, state.info),
                                          png_get_image_height(state.png, state.info)));
  std::vector<png_bytep> rows(static_cast<size_t>(image.height));
  for (size_t y = 0; y < rows.size(); ++y)
    rows[y] = image.pixels.get() + y * static_cast<size_t>(image.width) * 3;
  if (!readPixels(state, rows.data())) return imageError("PNG", state.message, kRemedy);
  return image;
}

} // namespace

Result<Image> decodePng(std::span<const uint8_t> file) {
  PngState state{};
  state.rest = file;
  state.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, onError, onWarning);
  if (state.png) state.info = png_create_info_struct(state.png);
  Result<Image> image = decodeWith(state);
  png_destroy_read_struct(&state.png, &state.info, nullptr);
  return image;
}

} // namespace burin
