#define RECUERDO_ISA emulated
#define RECUERDO_BYTES 16
#define RECUERDO_TILES "tile_emulated.h"
#include "kernels.h"

namespace recuerdo {
extern const Path emulated_path = {"emulated", &emulated::table<float>, nullptr};
}
