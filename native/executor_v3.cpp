#define ISA isa_v3
#include "executor.inc"
