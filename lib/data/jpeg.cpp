#include "lib/data/image_codecs.h"

#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <vector>

// libjpeg's header needs size_t and FILE before it.
#include <jerror.h>
#include <jpeglib.h>

#ifndef JCS_EXTENSIONS
#error "libjpeg-turbo is needed: its colour conversion is part of what 'equal to OpenCV' means"
#endif

namespace burin {
namespace {

constexpr long kMaxWorkBytes = 1L << 30;  // coefficients of a progressive picture of 100 megapixels fit
constexpr int kMaxProgressiveScans = 500; // real files have about ten; each costs a pass over all blocks

// libjpeg reports errors by a function that must not return. It jumps back into decodeHeader() or
// decodePixels(), which hold no object with a destructor, as setjmp() demands.
struct JpegState {
  jpeg_decompress_struct decoder;
  jpeg_error_mgr errors;
  jpeg_progress_mgr progress;
  std::jmp_buf escape;
  char message[JMSG_LENGTH_MAX];
};

JpegState* stateOf(j_common_ptr info) { return static_cast<JpegState*>(info->client_data); }

[[noreturn]] void escapeWithMessage(j_common_ptr info) {
  JpegState* state = stateOf(info);
  info->err->format_message(info, state->message);
  std::longjmp(state->escape, 1);
}

// Warnings that leave every pixel as it was meant. All others (a premature end, a damaged code) mean invented
// pixels.
bool isHarmless(int code) {
  return code == JWRN_EXTRANEOUS_DATA || code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM;
}

void onMessage(j_common_ptr info, int level) {
  if (level < 0 && !isHarmless(info->err->msg_code)) escapeWithMessage(info);
}

void onOutput(j_common_ptr) {}

void onProgress(j_common_ptr info) {
  JpegState* state = stateOf(info);
  if (state->decoder.input_scan_number <= kMaxProgressiveScans) return;
  std::snprintf(state->message, sizeof state->message, "it has more than %d scans", kMaxProgressiveScans);
  std::longjmp(state->escape, 1);
}

void prepare(JpegState& state) {
  state = {};
  state.decoder.err = jpeg_std_error(&state.errors);
  state.errors.error_exit = escapeWithMessage;
  state.errors.emit_message = onMessage;
  state.errors.output_message = onOutput;
  state.decoder.client_data = &state;
  state.progress.progress_monitor = onProgress;
}

bool decodeHeader(JpegState& state, std::span<const uint8_t> file) {
  if (setjmp(state.escape)) return false;
  jpeg_create_decompress(&state.decoder);
  state.decoder.mem->max_memory_to_use = kMaxWorkBytes;
  state.decoder.progress = &state.progress;
  jpeg_mem_src(&state.decoder, file.data(), static_cast<unsigned long>(file.size()));
  jpeg_read_header(&state.decoder, TRUE);
  return true;
}

// OpenCV's conversion: Adobe stores inverted CMYK, so k = 255 is white.
void bgrFromCmyk(const uint8_t* cmyk, int32_t count, uint8_t* bgr) {
  for (int32_t i = 0; i < count; ++i, cmyk += 4, bgr += 3) {
    int k = cmyk[3];
    for (int c = 0; c < 3; ++c) bgr[2 - c] = static_cast<uint8_t>(k - ((255 - cmyk[c]) * k >> 8));
  }
}

// `cmykRow` holds one row of four components, or is null for the other colour spaces.
bool decodePixels(JpegState& state, uint8_t* pixels, uint8_t* cmykRow) {
  if (setjmp(state.escape)) return false;
  jpeg_decompress_struct& decoder = state.decoder;
  decoder.out_color_space = cmykRow ? JCS_CMYK : JCS_EXT_BGR;
  decoder.dct_method = JDCT_ISLOW;
  decoder.do_fancy_upsampling = TRUE;
  jpeg_start_decompress(&decoder);
  size_t rowBytes = static_cast<size_t>(decoder.output_width) * 3;
  while (decoder.output_scanline < decoder.output_height) {
    uint8_t* target = pixels + decoder.output_scanline * rowBytes;
    JSAMPROW row = cmykRow ? cmykRow : target;
    if (jpeg_read_scanlines(&decoder, &row, 1) != 1) return false;
    if (cmykRow) bgrFromCmyk(cmykRow, static_cast<int32_t>(decoder.output_width), target);
  }
  jpeg_finish_decompress(&decoder);
  return true;
}

Result<Image> decodeWith(JpegState& state, std::span<const uint8_t> file) {
  constexpr const char* kRemedy = "it is damaged or cut short: replace it";
  if (!decodeHeader(state, file)) return imageError("JPEG", state.message, kRemedy);
  BURIN_ASSIGN(Image image, allocateImage("JPEG", state.decoder.image_width, state.decoder.image_height));
  std::vector<uint8_t> cmykRow;
  if (state.decoder.num_components == 4) cmykRow.resize(static_cast<size_t>(image.width) * 4);
  if (!decodePixels(state, image.pixels.get(), cmykRow.empty() ? nullptr : cmykRow.data()))
    return imageError("JPEG", state.message, kRemedy);
  return image;
}

} // namespace

Result<Image> decodeJpeg(std::span<const uint8_t> file) {
  JpegState state;
  prepare(state);
  Result<Image> image = decodeWith(state, file);
  jpeg_destroy_decompress(&state.decoder);
  return image;
}

} // namespace burin
