//===- WeightsObject.cpp - an ELF object of bytes -----------------------------------------------------------------===//
// Answers: how do hundreds of megabytes of weights come into an object file without passing through a compiler?
// The file: header, padding to a page, the bytes, a symbol table of one name, section headers.
//===--------------------------------------------------------------------------------------------------------------===//
#include "compiler/targets/WeightsObject.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>

namespace weft {
namespace {
using namespace llvm::ELF;

constexpr uint64_t pageSize = 4096; ///< where the bytes begin
constexpr auto sectionNames =
    llvm::StringLiteral::withInnerNUL("\0.weft_weights\0.symtab\0.strtab\0.shstrtab\0.note.GNU-stack\0");
enum Section { Null, Weights, Symbols, Strings, SectionNames, StackNote, SectionCount };

template <typename T> void write(llvm::raw_ostream &out, const T &value) {
  out.write(reinterpret_cast<const char *>(&value), sizeof(T));
}

uint64_t sectionHeadersAt(uint64_t bytes) { return llvm::alignTo(pageSize + bytes, alignof(Elf64_Shdr)); }

Elf64_Shdr section(llvm::StringRef name, unsigned type, uint64_t offset, uint64_t size, uint64_t alignment) {
  Elf64_Shdr section = {};
  section.sh_name = sectionNames.find(name);
  section.sh_type = type;
  section.sh_offset = offset;
  section.sh_size = size;
  section.sh_addralign = alignment;
  return section;
}

} // namespace

void beginWeightsObject(llvm::raw_ostream &out, uint64_t bytes) {
  Elf64_Ehdr header = {};
  std::memcpy(header.e_ident, ElfMagic, 4);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_shoff = sectionHeadersAt(bytes);
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = SectionCount;
  header.e_shstrndx = SectionNames;
  write(out, header);
  out.write_zeros(pageSize - sizeof(header));
}

void endWeightsObject(llvm::raw_ostream &out, llvm::StringRef symbol, uint64_t bytes) {
  uint64_t headers = sectionHeadersAt(bytes);
  out.write_zeros(headers - pageSize - bytes);

  Elf64_Sym symbols[2] = {};
  symbols[1].st_name = 1; // after the empty name
  symbols[1].setBindingAndType(STB_GLOBAL, STT_OBJECT);
  symbols[1].st_other = STV_HIDDEN;
  symbols[1].st_shndx = Weights;
  symbols[1].st_size = bytes;
  uint64_t symbolsAt = headers + SectionCount * sizeof(Elf64_Shdr);
  uint64_t stringsAt = symbolsAt + sizeof(symbols), stringBytes = symbol.size() + 2;
  uint64_t namesAt = stringsAt + stringBytes;

  Elf64_Shdr sections[SectionCount] = {};
  sections[Weights] = section(".weft_weights", SHT_PROGBITS, pageSize, bytes, pageSize);
  sections[Weights].sh_flags = SHF_ALLOC;
  sections[Symbols] = section(".symtab", SHT_SYMTAB, symbolsAt, sizeof(symbols), alignof(Elf64_Sym));
  sections[Symbols].sh_entsize = sizeof(Elf64_Sym);
  sections[Symbols].sh_link = Strings;
  sections[Symbols].sh_info = 1; // the first that is not local
  sections[Strings] = section(".strtab", SHT_STRTAB, stringsAt, stringBytes, 1);
  sections[SectionNames] = section(".shstrtab", SHT_STRTAB, namesAt, sectionNames.size(), 1);
  // Without this note a linker would make the stack executable.
  sections[StackNote] = section(".note.GNU-stack", SHT_PROGBITS, namesAt + sectionNames.size(), 0, 1);

  write(out, sections);
  write(out, symbols);
  out << '\0' << symbol << '\0' << sectionNames;
}

} // namespace weft
