#define RECUERDO_ISA amx
#define RECUERDO_BYTES 64
#define RECUERDO_TILES "tile_amx.h"
#include "bf16_path.h"

namespace recuerdo {
extern const Bf16Path bf16_amx = amx::path("amx", false, true);
}
