#define RECUERDO_ISA avx2
#define RECUERDO_BYTES 32
#define RECUERDO_TILES "tile_emulated.h"
#include "bf16_path.h"

namespace recuerdo {
extern const Bf16Path bf16_avx2 = avx2::path("emulated, avx2", false, true);
}
