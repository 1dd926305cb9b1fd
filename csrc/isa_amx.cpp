#define RECUERDO_ISA amx
#define RECUERDO_BYTES 64
#define RECUERDO_TILES "tile_amx.h"
#include "kernels.h"

namespace recuerdo {
extern const Path amx_path = {"amx", &amx::table<float>, nullptr};
}
