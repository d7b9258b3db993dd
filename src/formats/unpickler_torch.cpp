#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/formats/safetensors.hpp"
#include "unpickler.hpp"

namespace smlp {
namespace {

constexpr std::size_t rank_limit = 64;

enum class Meaning { ordered_dict, storage, tensor, parameter, tensor_as_parameter, tensor_of_type };

// dtype: what a storage type holds.
struct Global {
  std::string_view name;
  Meaning meaning;
  std::string_view dtype{};
};
constexpr Global globals[] = {
    {"collections\nOrderedDict", Meaning::ordered_dict},
    {"torch._utils\n_rebuild_tensor", Meaning::tensor},
    {"torch._utils\n_rebuild_tensor_v2", Meaning::tensor},
    {"torch.nn.parameter\nParameter", Meaning::parameter},
    {"torch._utils\n_rebuild_parameter", Meaning::tensor_as_parameter},
    {"torch._utils\n_rebuild_parameter_with_state", Meaning::tensor_as_parameter},
    {"torch._tensor\n_rebuild_from_type_v2", Meaning::tensor_of_type},
    {"torch\nDoubleStorage", Meaning::storage, "F64"},
    {"torch\nFloatStorage", Meaning::storage, "F32"},
    {"torch\nHalfStorage", Meaning::storage, "F16"},
    {"torch\nBFloat16Storage", Meaning::storage, "BF16"},
    {"torch\nLongStorage", Meaning::storage, "I64"},
    {"torch\nIntStorage", Meaning::storage, "I32"},
    {"torch\nShortStorage", Meaning::storage, "I16"},
    {"torch\nCharStorage", Meaning::storage, "I8"},
    {"torch\nByteStorage", Meaning::storage, "U8"},
    {"torch\nBoolStorage", Meaning::storage, "BOOL"},
    {"torch\nComplexFloatStorage", Meaning::storage, "C64"},
    {"torch\nComplexDoubleStorage", Meaning::storage, "C128"},
    {"torch\nQInt8Storage", Meaning::storage, "I8"},  // of tensors that are passed over
    {"torch\nQUInt8Storage", Meaning::storage, "U8"},
    {"torch\nQInt32Storage", Meaning::storage, "I32"},
};

}  // namespace

// A class or function that is not in the table is an object, as is all that it would make.
void Unpickler::find_global(std::string_view whole) {
  for (std::size_t i = 0; i < std::size(globals); ++i)
    if (globals[i].name == whole) {
      push({.kind = Kind::global, .integer = static_cast<std::int64_t>(i), .text = whole});
      return;
    }
  push({.kind = Kind::object, .text = whole});
}

std::uint64_t PickledStorage::size() const {
  return static_cast<std::uint64_t>(count) * safetensors_item_size(dtype);
}

// ("storage", type, key, device, count) and, before 1.6, a view of another storage
void Unpickler::load_storage() {
  const PickledValue& id = result_.values[pop()];
  const auto item = [&](std::size_t i) -> const PickledValue& { return result_.values[id.items[i]]; };
  if (!id.is(Kind::tuple) || (id.items.size() != 5 && id.items.size() != 6) || item(0).text != "storage" ||
      !(item(1).is(Kind::global) || item(1).is(Kind::object)) || !item(2).is(Kind::text) ||
      !item(3).is(Kind::text) || !item(4).is(Kind::integer))
    refuse(fmt::format("{} is no storage as torch.save describes it", describe(id)));
  if (id.items.size() == 6 && !item(5).is(Kind::none))
    refuse(fmt::format("storage {} is a view of another: save it as .clone()", printable(item(2).text)));
  if (item(1).is(Kind::object)) {  // numbers of four bits, say
    push({.kind = Kind::object, .text = item(1).text});
    return;
  }
  const std::string_view dtype = globals[item(1).integer].dtype;
  if (dtype.empty()) refuse(fmt::format("{} is no storage type", describe(item(1))));
  add_storage({item(2).text, dtype, item(4).integer, {}});
}

void Unpickler::add_storage(PickledStorage storage) {
  std::uint64_t bytes = safetensors_item_size(storage.dtype);
  if (storage.count < 0 || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(storage.count), &bytes))
    refuse(fmt::format("a storage of {} elements", storage.count));
  const auto [known, added] = storage_of_key_.try_emplace(storage.key, result_.storages.size());
  if (added) result_.storages.push_back(storage);
  const PickledStorage& first = result_.storages[known->second];
  if (first.dtype != storage.dtype || first.count != storage.count)
    refuse(fmt::format("storage {} is of {} elements of {} here, and of {} of {} before",
                       printable(storage.key), storage.count, storage.dtype, first.count, first.dtype));
  push({.kind = Kind::storage, .integer = static_cast<std::int64_t>(known->second)});
}

void Unpickler::reduce() {
  const std::size_t arguments_at = pop(), callee_at = pop();
  const PickledValue &arguments = result_.values[arguments_at], &callee = result_.values[callee_at];
  if (!arguments.is(Kind::tuple)) refuse(fmt::format("its arguments are {}", describe(arguments)));
  push(call(callee, arguments.items));
}

PickledValue Unpickler::call(const PickledValue& callee, const std::vector<std::size_t>& arguments) {
  if (callee.is(Kind::object)) return {.kind = Kind::object, .text = callee.text};
  if (!callee.is(Kind::global)) refuse(fmt::format("it calls {}", describe(callee)));
  switch (globals[callee.integer].meaning) {
    case Meaning::ordered_dict:
      return ordered_dict(arguments);
    case Meaning::tensor:
      return rebuild_tensor(arguments);
    case Meaning::parameter:
      return parameter(arguments);
    case Meaning::tensor_as_parameter:
      return rebuild_parameter(arguments);
    case Meaning::tensor_of_type:
      return rebuild_from_type(arguments);
    case Meaning::storage:
      break;
  }
  refuse(fmt::format("it calls {}", describe(callee)));
}

// () or, as Python 2 writes it, ([[key, value], …])
PickledValue Unpickler::ordered_dict(const std::vector<std::size_t>& arguments) {
  PickledValue dictionary{.kind = Kind::dictionary};
  if (arguments.empty()) return dictionary;
  const PickledValue& pairs = result_.values[arguments[0]];
  if (arguments.size() != 1 || !pairs.is(Kind::list)) refuse("it makes an OrderedDict of something");
  for (const std::size_t each : pairs.items) {
    const PickledValue& pair = result_.values[each];
    if ((!pair.is(Kind::list) && !pair.is(Kind::tuple)) || pair.items.size() != 2)
      refuse(fmt::format("{} as an item of an OrderedDict", describe(pair)));
    for (const std::size_t item : pair.items) add_item(dictionary, item);
  }
  return dictionary;
}

// (storage, offset, shape, strides) of PyTorch before 0.4, then also (…, requires_grad, hooks[, metadata])
PickledValue Unpickler::rebuild_tensor(const std::vector<std::size_t>& arguments) {
  if (arguments.size() != 4 && arguments.size() != 6 && arguments.size() != 7)
    refuse(fmt::format("a tensor of {} arguments, not 4, 6 or 7", arguments.size()));
  const PickledValue &storage = result_.values[arguments[0]], &offset = result_.values[arguments[1]];
  if (storage.is(Kind::object)) return {.kind = Kind::object, .text = storage.text};
  if (!storage.is(Kind::storage)) refuse(fmt::format("a tensor of {}, not of a storage", describe(storage)));
  if (!offset.is(Kind::integer)) refuse(fmt::format("{} as a tensor's offset", describe(offset)));
  PickledTensor tensor;
  if (arguments.size() > 4) check_no_hooks(arguments[5]);
  if (arguments.size() > 6) {
    tensor.negated = flag(arguments[6], "neg");
    tensor.conjugated = flag(arguments[6], "conj");
  }
  tensor.storage = static_cast<std::size_t>(storage.integer);
  tensor.offset = offset.integer;
  tensor.shape = sizes(arguments[2], "shape");
  tensor.strides = sizes(arguments[3], "strides");
  check_bounds(tensor);
  result_.tensors.push_back(std::move(tensor));
  return {.kind = Kind::tensor, .integer = static_cast<std::int64_t>(result_.tensors.size() - 1)};
}

// What torch._utils.get_tensor_metadata() gives: {"neg": True}
bool Unpickler::flag(std::size_t metadata, std::string_view name) const {
  const PickledValue& dictionary = result_.values[metadata];
  if (dictionary.is(Kind::none)) return false;
  if (!dictionary.is(Kind::dictionary))
    refuse(fmt::format("{} as a tensor's metadata", describe(dictionary)));
  for (std::size_t i = 0; i + 1 < dictionary.items.size(); i += 2)
    if (result_.values[dictionary.items[i]].text == name)
      return result_.values[dictionary.items[i + 1]].integer != 0;
  return false;
}

PickledValue Unpickler::tensor_or_object(std::size_t index) const {
  const PickledValue& tensor = result_.values[index];
  if (!tensor.is(Kind::tensor) && !tensor.is(Kind::object))
    refuse(fmt::format("a parameter of {}, not of a tensor", describe(tensor)));
  return tensor;
}

// (tensor[, requires_grad]), as PyTorch before 1.0 writes them
PickledValue Unpickler::parameter(const std::vector<std::size_t>& arguments) {
  if (arguments.size() != 1 && arguments.size() != 2)
    refuse(fmt::format("a parameter of {} arguments, not 1 or 2", arguments.size()));
  return tensor_or_object(arguments[0]);
}

// (tensor, requires_grad, hooks[, attributes])
PickledValue Unpickler::rebuild_parameter(const std::vector<std::size_t>& arguments) {
  if (arguments.size() != 3 && arguments.size() != 4)
    refuse(fmt::format("a parameter of {} arguments, not 3 or 4", arguments.size()));
  check_no_hooks(arguments[2]);
  return tensor_or_object(arguments[0]);
}

// (function, type, its arguments, attributes): a tensor that has attributes or is of a type derived from it
PickledValue Unpickler::rebuild_from_type(const std::vector<std::size_t>& arguments) {
  if (arguments.size() != 4)
    refuse(fmt::format("a tensor of a type of {} arguments, not 4", arguments.size()));
  const PickledValue &function = result_.values[arguments[0]], &inner = result_.values[arguments[2]];
  const bool rebuilds = function.is(Kind::object) ||
                        (function.is(Kind::global) && globals[function.integer].meaning == Meaning::tensor);
  if (!rebuilds) refuse(fmt::format("it calls {} for a tensor", describe(function)));
  if (!inner.is(Kind::tuple)) refuse(fmt::format("its arguments are {}", describe(inner)));
  return call(function, inner.items);
}

void Unpickler::check_no_hooks(std::size_t index) const {
  const PickledValue& hooks = result_.values[index];
  if (!hooks.is(Kind::dictionary) || !hooks.items.empty())
    refuse(fmt::format("{} as a tensor's backward hooks", describe(hooks)));
}

std::vector<std::int64_t> Unpickler::sizes(std::size_t index, std::string_view what) const {
  const PickledValue& tuple = result_.values[index];
  if (!tuple.is(Kind::tuple)) refuse(fmt::format("{} as a tensor's {}", describe(tuple), what));
  if (tuple.items.size() > rank_limit) refuse(fmt::format("more than {} dimensions", rank_limit));
  std::vector<std::int64_t> numbers;
  for (const std::size_t item : tuple.items) {
    const PickledValue& number = result_.values[item];
    if (!number.is(Kind::integer) || number.integer < 0)
      refuse(fmt::format("{} in a tensor's {}", describe(number), what));
    numbers.push_back(number.integer);
  }
  return numbers;
}

void Unpickler::check_bounds(PickledTensor& tensor) const {
  const PickledStorage& storage = result_.storages[tensor.storage];
  if (tensor.shape.size() != tensor.strides.size())
    refuse(fmt::format("{} sizes and {} strides", tensor.shape.size(), tensor.strides.size()));
  std::int64_t bytes = 0;
  for (const std::int64_t size : tensor.shape)
    if (__builtin_mul_overflow(tensor.count, size, &tensor.count)) refuse("a shape beyond 64 bits");
  if (__builtin_mul_overflow(tensor.count, safetensors_item_size(storage.dtype), &bytes))
    refuse("a shape beyond 64 bits");
  std::int64_t end = tensor.offset, reach = 0;
  bool fits = tensor.offset >= 0;
  if (tensor.count > 0) {
    for (std::size_t i = 0; i < tensor.shape.size(); ++i)
      fits = fits && !__builtin_mul_overflow(tensor.shape[i] - 1, tensor.strides[i], &reach) &&
             !__builtin_add_overflow(end, reach, &end);
    fits = fits && !__builtin_add_overflow(end, 1, &end);
  }
  if (!fits || end > storage.count)
    refuse(fmt::format("a tensor that goes beyond its storage of {} elements", storage.count));
}

}  // namespace smlp
