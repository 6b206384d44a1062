//===- ModelContract.h - the attributes that carry a model's outside through the phases -----------------*- C++ -*-===//
// Answers: how does a pass learn the names and axes of an entry point's inputs, states and outputs?
//
// On the module:        weft.model = "stories"                      the model's name
//                       weft.axes = ["batch", "seq"]                axes whose size is known when running
// On each entry point:  weft.entry = "sequence" | "step"
//                       weft.position_axis = "seq", weft.context = 512 : i64       (step only)
// On its arguments and results (argument and result attributes):
//                       weft.name = "tokens"
//                       weft.dims = ["batch", "seq", "64"]          an axis' name where its size is known when running,
//                                                                   else the number; weft.axis_names the names of all
//                       weft.state (unit)                           on the arguments that are caches
// A step's arguments are: inputs, past : index, states. Its results are the outputs alone.
//===--------------------------------------------------------------------------------------------------------------===//
#pragma once
#include "llvm/ADT/StringRef.h"

namespace weft::contract {
inline constexpr llvm::StringLiteral model = "weft.model";
inline constexpr llvm::StringLiteral axes = "weft.axes";
inline constexpr llvm::StringLiteral entry = "weft.entry";
inline constexpr llvm::StringLiteral positionAxis = "weft.position_axis";
inline constexpr llvm::StringLiteral context = "weft.context";
inline constexpr llvm::StringLiteral name = "weft.name";
inline constexpr llvm::StringLiteral dims = "weft.dims";
inline constexpr llvm::StringLiteral axisNames = "weft.axis_names";
inline constexpr llvm::StringLiteral state = "weft.state";
/// On the module after `fused`: array of dictionaries, how each parameter's bytes are made (see Weights.h).
inline constexpr llvm::StringLiteral parameters = "weft.parameters";
inline constexpr llvm::StringLiteral parameterBytes = "weft.parameter_bytes";
/// On the module after `tiled`: labels that generated code reports by number (an array of strings).
inline constexpr llvm::StringLiteral labels = "weft.labels";
/// A symbol, of code that counts the time of its kernels: an array of 64-bit numbers (see compiler/inspect/Profile.h).
inline constexpr llvm::StringLiteral ticks = "weft_profile_ticks";
/// On a launch of a kernel whose time is counted: its element of `ticks`.
inline constexpr llvm::StringLiteral tick = "weft.tick";
/// On the module after `llvm` for a GPU: the kernels, in the order of their numbers in calls of weft_dispatch. Each is
/// a dictionary of name, local_size, subgroup_size (0: any), matrix, shared_bytes, features (WEFT_ABI_VK_ bits of
/// abi.h) and spirv, a string of the binary's bytes.
inline constexpr llvm::StringLiteral kernels = "weft.kernels";
} // namespace weft::contract
