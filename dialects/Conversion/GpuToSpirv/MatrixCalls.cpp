//===- MatrixCalls.cpp - calls that stand for instructions --------------------------------------------------------===//
// Answers: which words of a binary change where a call becomes an instruction of VK_NV_cooperative_matrix2?
//
// The numbers are those of SPV_NV_cooperative_matrix2. Declarations of the functions go, with their names and their
// linkage; all else of the module stays as it is.
//===--------------------------------------------------------------------------------------------------------------===//
#include "dialects/Conversion/GpuToSpirv/MatrixCalls.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace weft::matrix_calls {
namespace {

constexpr uint32_t opName = 5, opExtension = 10, opCapability = 17, opFunction = 54, opFunctionEnd = 56,
                   opFunctionCall = 57, opDecorate = 71, opFConvert = 115;
constexpr uint32_t opConvert = 5293, opReduce = 5366, opPerElement = 5369;
constexpr uint32_t reductions = 5430, conversions = 5431, perElementOperations = 5432; // capabilities
constexpr uint32_t linkageAttributes = 41, ofRows = 1;
constexpr StringLiteral extension = "SPV_NV_cooperative_matrix2";
constexpr size_t headerWords = 5;

using Words = ArrayRef<uint32_t>;
uint32_t opcodeOf(Words instruction) { return instruction[0] & 0xffff; }

/// A literal string: bytes up to the first 0.
StringRef textOf(Words words) {
  return StringRef(reinterpret_cast<const char *>(words.data()), words.size() * 4).take_until([](char c) {
    return !c;
  });
}

SmallVector<uint32_t> wordsOf(StringRef text) {
  SmallVector<uint32_t> words(text.size() / 4 + 1, 0);
  llvm::copy(text, reinterpret_cast<char *>(words.data()));
  return words;
}

class Expansion {
public:
  Expansion(spirv::ModuleOp module, Words binary) : module(module), header(binary.take_front(headerWords)) {
    for (Words rest = binary.drop_front(headerWords); !rest.empty(); rest = rest.drop_front(rest[0] >> 16))
      instructions.push_back(rest.take_front(rest[0] >> 16));
    for (Words instruction : instructions) {
      if (opcodeOf(instruction) == opName)
        functions[textOf(instruction.drop_front(2))] = instruction[1];
      if (opcodeOf(instruction) == opDecorate && instruction[2] == linkageAttributes)
        meant[instruction[1]] = textOf(instruction.drop_front(3));
    }
  }

  LogicalResult write(SmallVectorImpl<uint32_t> &binary) {
    size_t afterCapabilities = 0;
    bool isDeclaration = false;
    for (Words instruction : instructions) {
      uint32_t opcode = opcodeOf(instruction);
      isDeclaration |= opcode == opFunction && meant.contains(instruction[2]);
      bool isOfFunction = (opcode == opName || opcode == opDecorate) && meant.contains(instruction[1]);
      if (opcode == opFunctionCall && meant.contains(instruction[3])) {
        if (failed(writeInstruction(instruction)))
          return failure();
      } else if (!isDeclaration && !isOfFunction) {
        llvm::append_range(body, instruction);
      }
      isDeclaration &= opcode != opFunctionEnd;
      if (opcode == opCapability)
        afterCapabilities = body.size();
    }
    SmallVector<uint32_t> all(header);
    llvm::append_range(all, ArrayRef(body).take_front(afterCapabilities));
    body.erase(body.begin(), body.begin() + afterCapabilities);
    SmallVector<uint32_t> asked;
    std::swap(asked, body);
    for (uint32_t capability : capabilities)
      put(opCapability, {capability});
    put(opExtension, wordsOf(extension));
    llvm::append_range(all, body);
    llvm::append_range(all, asked);
    binary.assign(all.begin(), all.end());
    return success();
  }

private:
  void put(uint32_t opcode, Words operands) {
    body.push_back((operands.size() + 1) << 16 | opcode);
    llvm::append_range(body, operands);
  }

  /// The words of a call are its type, its result, the function and the arguments.
  LogicalResult writeInstruction(Words call) {
    StringRef name = meant[call[3]];
    SmallVector<uint32_t> operands = {call[1], call[2], call[4]};
    Words more = call.drop_front(5);
    if (name.starts_with(round)) {
      put(opFConvert, operands);
      return success();
    }
    if (name.starts_with(changeUse)) {
      capabilities.insert(conversions);
      put(opConvert, operands);
      return success();
    }
    bool isReduction = name.consume_front(reduceRows);
    if (!isReduction && !name.consume_front(perElement))
      return module.emitError("no instruction is called '") << name << "' (this is a defect of weft)";
    auto function = functions.find(name);
    if (function == functions.end())
      return module.emitError("there is no function '")
             << name << "' for elements of matrices (this is a defect of weft)";
    capabilities.insert(isReduction ? reductions : perElementOperations);
    if (isReduction)
      operands.push_back(ofRows);
    operands.push_back(function->second);
    llvm::append_range(operands, more);
    put(isReduction ? opReduce : opPerElement, operands);
    return success();
  }

  spirv::ModuleOp module;
  Words header;
  SmallVector<Words> instructions;
  llvm::StringMap<uint32_t> functions;       ///< their numbers, by name
  llvm::DenseMap<uint32_t, StringRef> meant; ///< what an external function stands for
  llvm::SmallSetVector<uint32_t, 4> capabilities;
  SmallVector<uint32_t> body;
};

} // namespace

bool isInstruction(StringRef function) {
  return llvm::any_of(ArrayRef({perElement, reduceRows, round, changeUse}),
                      [&](StringRef prefix) { return function.starts_with(prefix); });
}

bool areIn(spirv::ModuleOp module) {
  return llvm::any_of(module.getOps<spirv::FuncOp>(), [](spirv::FuncOp f) { return isInstruction(f.getName()); });
}

LogicalResult expand(spirv::ModuleOp module, SmallVectorImpl<uint32_t> &binary) {
  if (!areIn(module))
    return success();
  SmallVector<uint32_t> before(binary.begin(), binary.end());
  return Expansion(module, before).write(binary);
}

} // namespace weft::matrix_calls
