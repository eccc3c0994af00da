#pragma once

namespace halftone::cuda {

/// The compute capability (major * 10 + minor) that the code was compiled for which the current device runs: of this
/// build's machine code where it has some for the device, else of the PTX that the driver compiles. 0 where it has
/// neither. A file named *_smNN.cu has code from that capability on alone, so what is in it may be launched from there
/// on.
int code_capability();

}  // namespace halftone::cuda
