# weft_library(NAME [LINK libs...])         a static library of the folder's sources (every *.cpp below it)
# weft_tablegen(LIBRARY TD out generator...) one generated file, made before the library is compiled
# weft_embed(FILE OUT)                      a text file as a string literal
#
# Everything links the two shared libraries libMLIR and libLLVM and no component library beside them: two copies of
# MLIR in one process break TypeID and command-line registration.

function(weft_compile_settings target)
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
  target_include_directories(${target} SYSTEM PUBLIC ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wno-unused-parameter
                         $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions>)
  if(NOT LLVM_ENABLE_RTTI)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>)
  endif()
  if(WEFT_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=address,undefined -fno-sanitize=vptr,function
                           -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
  endif()
endfunction()

function(weft_library name)
  cmake_parse_arguments(ARG "NO_PCH" "" "LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  if(NOT sources)
    add_library(${name} INTERFACE)
    return()
  endif()
  add_library(${name} STATIC ${sources})
  weft_compile_settings(${name})
  target_link_libraries(${name} PUBLIC ${ARG_LINK} MLIR LLVM)
  # One precompiled header for all: parsing MLIR's headers is most of the build.
  if(NOT ARG_NO_PCH)
    if(NOT TARGET weft_pch)
      file(WRITE ${CMAKE_BINARY_DIR}/pch_stub.cpp "// Carries the precompiled header that all libraries share.\n")
      add_library(weft_pch OBJECT ${CMAKE_BINARY_DIR}/pch_stub.cpp)
      weft_compile_settings(weft_pch)
      target_precompile_headers(weft_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch.h)
      # ccache knows a precompiled header by this sum: its own bytes name the build folder, so that clones would never
      # share what they have compiled with it.
      file(SHA256 ${CMAKE_SOURCE_DIR}/cmake/pch.h content)
      string(SHA256 sum "${content} ${LLVM_PACKAGE_VERSION} ${CMAKE_CXX_COMPILER_VERSION} ${CMAKE_BUILD_TYPE} \
${CMAKE_CXX_FLAGS} ${WEFT_SANITIZE}")
      file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/weft_pch.dir/cmake_pch.hxx.pch.sum "${sum}\n")
    endif()
    target_precompile_headers(${name} REUSE_FROM weft_pch)
  endif()
endfunction()

# A file of text becomes part of the compiler: a string literal, line by line, in OUT of the binary folder.
function(weft_embed file out)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  file(READ ${file} text)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n\"" text "${text}")
  file(CONFIGURE OUTPUT ${out} CONTENT "\"@text@\"\n" @ONLY)
endfunction()

function(weft_tablegen library td out)
  cmake_path(GET td PARENT_PATH folder)
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${CMAKE_SOURCE_DIR} OUTPUT_VARIABLE here)
  set(output ${CMAKE_BINARY_DIR}/${here}/${folder}/${out})
  file(GLOB_RECURSE tds CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.td)
  file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/${here}/${folder})
  add_custom_command(OUTPUT ${output}
    COMMAND ${WEFT_MLIR_TBLGEN} ${ARGN} ${CMAKE_CURRENT_SOURCE_DIR}/${td} -I ${CMAKE_SOURCE_DIR}
            -I ${CMAKE_CURRENT_SOURCE_DIR}/${folder} -I ${MLIR_INCLUDE_DIRS} -o ${output}
    DEPENDS ${tds} COMMENT "tablegen ${here}/${folder}/${out}" VERBATIM)
  string(MAKE_C_IDENTIFIER "gen_${here}_${folder}_${out}" id)
  add_custom_target(${id} DEPENDS ${output})
  add_dependencies(${library} ${id})
  set_property(GLOBAL APPEND PROPERTY WEFT_GENERATED ${id})
endfunction()
