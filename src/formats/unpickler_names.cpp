#include <spdlog/fmt/fmt.h>

#include <algorithm>

#include "smlp/core/text.hpp"
#include "unpickler.hpp"

namespace smlp {
namespace {

std::string dotted(std::string_view global) {
  std::string name(global);
  std::replace(name.begin(), name.end(), '\n', '.');
  return printable(name);
}

}  // namespace

std::string describe(const PickledValue& value) {
  switch (value.kind) {
    case PickledValue::Kind::none:
      return "None";
    case PickledValue::Kind::boolean:
      return value.integer != 0 ? "True" : "False";
    case PickledValue::Kind::integer:
      return fmt::format("the integer {}", value.integer);
    case PickledValue::Kind::number:
      return "a number";
    case PickledValue::Kind::text:
      return fmt::format("\"{}\"", printable(value.text));
    case PickledValue::Kind::tuple:
      return fmt::format("a tuple of {}", value.items.size());
    case PickledValue::Kind::list:
      return fmt::format("a list of {}", value.items.size());
    case PickledValue::Kind::dictionary:
      return fmt::format("a dictionary of {}", value.items.size() / 2);
    case PickledValue::Kind::global:
      return fmt::format("the global {}", dotted(value.text));
    case PickledValue::Kind::storage:
      return "a storage";
    case PickledValue::Kind::tensor:
      return "a tensor";
    case PickledValue::Kind::object:
      return fmt::format("an object of {}", dotted(value.text));
  }
  return "";
}

std::string opcode_name(unsigned char opcode) {
  static const std::map<unsigned char, const char*> names = {{'(', "MARK"},
                                                             {')', "EMPTY_TUPLE"},
                                                             {'.', "STOP"},
                                                             {'0', "POP"},
                                                             {'2', "DUP"},
                                                             {'B', "BINBYTES"},
                                                             {'C', "SHORT_BINBYTES"},
                                                             {'F', "FLOAT"},
                                                             {'G', "BINFLOAT"},
                                                             {'I', "INT"},
                                                             {'J', "BININT"},
                                                             {'K', "BININT1"},
                                                             {'L', "LONG"},
                                                             {'M', "BININT2"},
                                                             {'N', "NONE"},
                                                             {'P', "PERSID"},
                                                             {'Q', "BINPERSID"},
                                                             {'R', "REDUCE"},
                                                             {'S', "STRING"},
                                                             {'T', "BINSTRING"},
                                                             {'U', "SHORT_BINSTRING"},
                                                             {'V', "UNICODE"},
                                                             {'X', "BINUNICODE"},
                                                             {']', "EMPTY_LIST"},
                                                             {'a', "APPEND"},
                                                             {'b', "BUILD"},
                                                             {'c', "GLOBAL"},
                                                             {'d', "DICT"},
                                                             {'e', "APPENDS"},
                                                             {'h', "BINGET"},
                                                             {'i', "INST"},
                                                             {'j', "LONG_BINGET"},
                                                             {'l', "LIST"},
                                                             {'o', "OBJ"},
                                                             {'q', "BINPUT"},
                                                             {'r', "LONG_BINPUT"},
                                                             {'s', "SETITEM"},
                                                             {'t', "TUPLE"},
                                                             {'u', "SETITEMS"},
                                                             {'}', "EMPTY_DICT"},
                                                             {0x80, "PROTO"},
                                                             {0x81, "NEWOBJ"},
                                                             {0x82, "EXT1"},
                                                             {0x83, "EXT2"},
                                                             {0x84, "EXT4"},
                                                             {0x85, "TUPLE1"},
                                                             {0x86, "TUPLE2"},
                                                             {0x87, "TUPLE3"},
                                                             {0x88, "NEWTRUE"},
                                                             {0x89, "NEWFALSE"},
                                                             {0x8a, "LONG1"},
                                                             {0x8b, "LONG4"},
                                                             {0x8c, "SHORT_BINUNICODE"},
                                                             {0x8f, "EMPTY_SET"},
                                                             {0x92, "NEWOBJ_EX"},
                                                             {0x93, "STACK_GLOBAL"},
                                                             {0x94, "MEMOIZE"},
                                                             {0x95, "FRAME"}};
  const auto found = names.find(opcode);
  return found == names.end() ? fmt::format("opcode 0x{:02x}", opcode) : found->second;
}

}  // namespace smlp
