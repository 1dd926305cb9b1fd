#define RECUERDO_ISA avx512bf16
#define RECUERDO_BYTES 64
#define RECUERDO_TILES "tile_avx512bf16.h"
#include "bf16_path.h"

namespace recuerdo {
extern const Bf16Path bf16_avx512bf16 = avx512bf16::path("avx512bf16", true, true);
}
