#define RECUERDO_ISA avx2
#define RECUERDO_BYTES 32
#define RECUERDO_ROWS 6  // 12 sums, 2 vectors of weights and one input in 16 registers
#define RECUERDO_PANEL 2
#include "kernels.h"

namespace recuerdo {
extern const Path avx2_path = {"avx2", &avx2::table<float>, &avx2::table<double>};
}
