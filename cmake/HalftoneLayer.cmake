# halftone_layer(NAME USES layers… LIBS libraries…): one folder of src/ as one static library `halftone_NAME`.
# Sources are globbed, so that a new operator, kernel or pass is a new file and nothing here.
# CUDA sources (*.cu) count where that language is enabled.
# A file named *_avx2.cpp, *_avx512.cpp or *_amx.cpp is compiled for that instruction set; the rest for x86-64-v3.

set(HALFTONE_ISA_BASE -march=x86-64-v3)
set(HALFTONE_ISA_AVX512 -march=x86-64-v4 -mavx512vnni -mprefer-vector-width=512)
set(HALFTONE_ISA_AMX ${HALFTONE_ISA_AVX512} -mavx512bf16 -mamx-tile -mamx-int8 -mamx-bf16)

function(halftone_layer NAME)
  cmake_parse_arguments(ARG "" "" "USES;LIBS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${NAME}/*.cpp)
  if(CMAKE_CUDA_COMPILER)
    file(GLOB_RECURSE cuda_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${NAME}/*.cu)
    list(APPEND sources ${cuda_sources})
  endif()
  if(sources)
    add_library(halftone_${NAME} STATIC ${sources})
    set(scope PUBLIC)
    set(options ${HALFTONE_ISA_BASE} -Wall -Wextra -Wpedantic -Wno-missing-field-initializers $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
        $<$<BOOL:${HALFTONE_WERROR}>:-Werror>)
    target_compile_options(halftone_${NAME} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${options}>
                           $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr -Xcompiler=-Wall,-Wextra>)
    foreach(source ${sources})
      if(source MATCHES "_avx512[a-z0-9_]*\\.cpp$")
        set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${HALFTONE_ISA_AVX512}")
      elseif(source MATCHES "_amx[a-z0-9_]*\\.cpp$")
        set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${HALFTONE_ISA_AMX}")
      endif()
    endforeach()
  else()
    add_library(halftone_${NAME} INTERFACE)
    set(scope INTERFACE)
  endif()
  add_library(halftone::${NAME} ALIAS halftone_${NAME})
  target_include_directories(halftone_${NAME} ${scope} $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/src> $<INSTALL_INTERFACE:include/halftone>)
  foreach(used ${ARG_USES})
    target_link_libraries(halftone_${NAME} ${scope} halftone_${used})
  endforeach()
  target_link_libraries(halftone_${NAME} ${scope} ${ARG_LIBS})
  target_compile_features(halftone_${NAME} ${scope} cxx_std_20)
  set_target_properties(halftone_${NAME} PROPERTIES EXPORT_NAME ${NAME})
  install(TARGETS halftone_${NAME} EXPORT halftone)
endfunction()
