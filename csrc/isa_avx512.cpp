#define RECUERDO_ISA avx512
#define RECUERDO_BYTES 64
#define RECUERDO_ROWS 6  // 24 sums, 4 vectors of weights and one input in 32 registers
#define RECUERDO_PANEL 4
#include "kernels.h"

namespace recuerdo {
extern const Path avx512_path = {"avx512", &avx512::table<float>, &avx512::table<double>};
}
