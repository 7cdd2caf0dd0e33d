// Convolution and pooling ops from a Window, with all checks.
#pragma once

#include "lib/import/window.h"

namespace burin {

// Are all lists of the right length and their values in range? `x` is [N, C, spatial...].
bool checkWindow(RuleContext& c, const Window& w, Value x);
// Works out `sizes`; false (with an error) when the window does not fit into the padded input.
bool sizeWindow(RuleContext& c, Window& w, Value x, Rounding rounding);

// The output of a transposed convolution without output pads, where nothing in it can overflow.
std::optional<Ints> transposedSizes(RuleContext& c, const Window& w, Value x);

Value emitConv(RuleContext& c, Value x, Value w, Value bias, const Window& window, int64_t groups);
Value emitConvTranspose(RuleContext& c, Value x, Value w, Value bias, const Window& window,
                        const Ints& outputPads, int64_t groups);
Value emitMaxPool(RuleContext& c, Value x, const Window& window);
Value emitAveragePool(RuleContext& c, Value x, const Window& window, bool countIncludePad);
// Output i covers floor(i * in / out) up to ceil((i + 1) * in / out), for every spatial axis. fn: mean, max.
Value emitAdaptivePool(RuleContext& c, Value x, const Ints& sizes, const char* fn);

} // namespace burin
