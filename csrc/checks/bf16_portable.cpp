#define RECUERDO_ISA portable
#define RECUERDO_BYTES 16
#define RECUERDO_TILES "tile_emulated.h"
#include "bf16_path.h"

namespace recuerdo {
extern const Bf16Path bf16_portable = portable::path("emulated, portable", false, false);
}
