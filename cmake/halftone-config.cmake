# find_package(halftone) gives halftone::engine, halftone::cpu, halftone::onnx, halftone::data and the other layers.
include(CMakeFindDependencyMacro)
find_dependency(fmt)
find_dependency(OpenMP)
find_dependency(Protobuf)
find_dependency(ZLIB)
find_dependency(nlohmann_json)
find_package(CUDAToolkit QUIET)  # halftone::cuda, where it was built, links with it
include(${CMAKE_CURRENT_LIST_DIR}/halftone-targets.cmake)
