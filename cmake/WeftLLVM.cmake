# Finds LLVM and MLIR 22 (Debian: libmlir-22-dev), or explains in one sentence what to do.
find_package(MLIR 22.1 CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
if(NOT MLIR_FOUND)
  message(FATAL_ERROR "LLVM/MLIR 22.1 was not found: run './dev build', which installs Debian's libmlir-22-dev, "
                      "or set MLIR_DIR to the folder that holds MLIRConfig.cmake")
endif()
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
set(WEFT_LLVM_BIN ${LLVM_TOOLS_BINARY_DIR})
find_program(WEFT_MLIR_TBLGEN mlir-tblgen HINTS ${WEFT_LLVM_BIN} REQUIRED)
