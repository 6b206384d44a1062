# cmake -D IN=x.spv -D OUT=x.spv.h -D NAME=x -P EmbedSpirv.cmake: the words of a SPIR-V module as a C array, NAME_spirv.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(..)(..)(..)(..)" "0x\\4\\3\\2\\1,\n" words "${hex}")
file(WRITE ${OUT} "#include <stdint.h>\n\nstatic const uint32_t ${NAME}_spirv[] = {\n${words}};\n")
