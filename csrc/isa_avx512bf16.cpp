#define RECUERDO_ISA avx512bf16
#define RECUERDO_BYTES 64
#define RECUERDO_TILES "tile_avx512bf16.h"
#include "kernels.h"

namespace recuerdo {
extern const Path avx512bf16_path = {"avx512bf16", &avx512bf16::table<float>, nullptr};
}
