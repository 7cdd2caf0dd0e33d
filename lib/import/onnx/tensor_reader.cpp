#include "lib/import/onnx/tensor_reader.h"

#include "lib/import/finite.h"
#include "lib/import/stored_tensor.h"
