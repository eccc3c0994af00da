# Installs BUILD into a scratch folder, builds examples/ against that alone, as a user would, and runs what comes of it.
set(scratch ${BUILD}/install_test)
file(REMOVE_RECURSE ${scratch})

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}: ${status}\n${output}")
  endif()
  set(output ${output} PARENT_SCOPE)
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${scratch}/prefix)
run(${CMAKE_COMMAND} -S ${SOURCE}/examples -B ${scratch}/examples -G Ninja -DCMAKE_BUILD_TYPE=Release
    -DCMAKE_PREFIX_PATH=${scratch}/prefix -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_FLAGS=${FLAGS})
run(${CMAKE_COMMAND} --build ${scratch}/examples)

set(model ${SOURCE}/examples/fashion_mnist)
run(${scratch}/examples/classify ${model}/model.onnx ${model}/ankle_boot.png fashion_mnist ${model}/classes.txt)
if(NOT output MATCHES "^[^\n]*Ankle boot\n[^\n]+\n[^\n]+\n[^\n]+\n[^\n]+\n$")
  message(FATAL_ERROR "classify took an ankle boot for\n${output}")
endif()
