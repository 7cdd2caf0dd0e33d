// Arbitrary bytes as a picture: an error or an image, never a crash, a hang or unbounded memory.
#include "lib/data/image_file.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  burin::Result<burin::Image> image = burin::decodeImage({data, size});
  if (!image) return 0;
  // Every pixel must have been written: reading them lets a memory checker object.
  unsigned sum = 0;
  for (size_t i = 0; i < image->byteCount(); ++i) sum += image->pixels[i];
  if (image->width <= 0 || image->height <= 0 || sum > 255u * image->byteCount()) std::abort();
  return 0;
}
