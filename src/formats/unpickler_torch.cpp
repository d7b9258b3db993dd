#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"
#include "smlp/formats/safetensors.hpp"
#include "unpickler.hpp"

namespace smlp {
namespace {

constexpr std::size_t rank_limit = 64;

// dtype: what a storage type holds; empty for the others.
struct Global {
  std::string_view name, dtype;
};
constexpr Global globals[] = {
    {"collections.OrderedDict", ""},
    {"torch._utils._rebuild_tensor_v2", ""},
    {"torch._utils._rebuild_parameter", ""},
    {"torch.DoubleStorage", "F64"},
    {"torch.FloatStorage", "F32"},
    {"torch.HalfStorage", "F16"},
    {"torch.BFloat16Storage", "BF16"},
    {"torch.LongStorage", "I64"},
    {"torch.IntStorage", "I32"},
    {"torch.ShortStorage", "I16"},
    {"torch.CharStorage", "I8"},
    {"torch.ByteStorage", "U8"},
    {"torch.BoolStorage", "BOOL"},
};
constexpr std::int64_t ordered_dict = 0, rebuild_tensor_v2 = 1;

}  // namespace

void Unpickler::find_global(std::string_view module, std::string_view name) {
  const std::string whole = fmt::format("{}.{}", module, name);
  for (std::size_t i = 0; i < std::size(globals); ++i)
    if (globals[i].name == whole) {
      push({.kind = Kind::global, .integer = static_cast<std::int64_t>(i), .text = globals[i].name});
      return;
    }
  refuse(
      fmt::format("\"{}\" is not accepted, since only dictionaries of tensors are read, no code and no other "
                  "objects. If you trust the file, load it in PyTorch and save the tensors alone: "
                  "torch.save(model.state_dict(), \"new.pt\")",
                  printable(whole)));
}

// ("storage", type, key, device, count)
void Unpickler::load_storage() {
  const PickledValue& id = result_.values[pop()];
  const auto item = [&](std::size_t i) -> const PickledValue& { return result_.values[id.items[i]]; };
  if (!id.is(Kind::tuple) || id.items.size() != 5 || item(0).text != "storage" || !item(1).is(Kind::global) ||
      !item(2).is(Kind::text) || !item(3).is(Kind::text) || !item(4).is(Kind::integer))
    refuse(fmt::format("{} is no storage as torch.save describes it", describe(id)));
  const std::string_view dtype = globals[item(1).integer].dtype;
  if (dtype.empty()) refuse(fmt::format("{} is no storage type", item(1).text));

  PickledStorage storage{item(2).text, dtype, item(4).integer, {}};
  const auto [known, added] = storage_of_key_.try_emplace(storage.key, result_.storages.size());
  if (added) {
    const auto record = records_(storage.key);
    if (!record) refuse(fmt::format("there is no record data/{}", printable(storage.key)));
    storage.bytes = *record;
    std::uint64_t wanted = safetensors_item_size(dtype);
    if (storage.count < 0 ||
        __builtin_mul_overflow(wanted, static_cast<std::uint64_t>(storage.count), &wanted) ||
        wanted != storage.bytes.size())
      refuse(fmt::format("record data/{} has {} bytes, which is not {} elements of {}",
                         printable(storage.key), storage.bytes.size(), storage.count, dtype));
    result_.storages.push_back(storage);
  }
  const PickledStorage& first = result_.storages[known->second];
  if (first.dtype != storage.dtype || first.count != storage.count)
    refuse(fmt::format("storage {} is of {} elements of {} here, and of {} of {} before",
                       printable(storage.key), storage.count, storage.dtype, first.count, first.dtype));
  push({.kind = Kind::storage, .integer = static_cast<std::int64_t>(known->second)});
}

void Unpickler::reduce() {
  const std::size_t arguments_at = pop(), callee_at = pop();
  const PickledValue &arguments = result_.values[arguments_at], &callee = result_.values[callee_at];
  if (!callee.is(Kind::global) || !globals[callee.integer].dtype.empty())
    refuse(fmt::format("it calls {}", describe(callee)));
  if (!arguments.is(Kind::tuple)) refuse(fmt::format("its arguments are {}", describe(arguments)));
  if (callee.integer != ordered_dict) {
    push(callee.integer == rebuild_tensor_v2 ? rebuild_tensor(arguments.items)
                                             : rebuild_parameter(arguments.items));
    return;
  }
  if (!arguments.items.empty()) refuse("it makes an OrderedDict of something");
  push({.kind = Kind::dictionary, .ordered = true});
}

// An OrderedDict's attributes: nn.Module.state_dict() adds _metadata, the versions of the modules.
void Unpickler::build() {
  const PickledValue& state = result_.values[pop()];
  const PickledValue& object = top();
  const auto item = [&](std::size_t i) -> const PickledValue& { return result_.values[state.items[i]]; };
  if (!object.is(Kind::dictionary) || !object.ordered)
    refuse(fmt::format("it sets attributes of {}", describe(object)));
  if (!state.is(Kind::dictionary) || state.items.size() != 2 || item(0).text != "_metadata" ||
      !item(1).is(Kind::dictionary))
    refuse("it gives an OrderedDict other attributes than _metadata");
}

// (storage, offset, shape, strides, requires_grad, hooks)
PickledValue Unpickler::rebuild_tensor(const std::vector<std::size_t>& arguments) {
  if (arguments.size() != 6)
    refuse(
        fmt::format("a tensor of {} arguments, 6 are accepted: conjugate, negated and other special tensors "
                    "need .clone() or .resolve_neg() before saving",
                    arguments.size()));
  const PickledValue &storage = result_.values[arguments[0]], &offset = result_.values[arguments[1]];
  if (!storage.is(Kind::storage)) refuse(fmt::format("a tensor of {}, not of a storage", describe(storage)));
  if (!offset.is(Kind::integer)) refuse(fmt::format("{} as a tensor's offset", describe(offset)));
  check_no_hooks(arguments[5]);
  PickledTensor tensor;
  tensor.storage = static_cast<std::size_t>(storage.integer);
  tensor.offset = offset.integer;
  tensor.shape = sizes(arguments[2], "shape");
  tensor.strides = sizes(arguments[3], "strides");
  check_bounds(tensor);
  result_.tensors.push_back(std::move(tensor));
  return {.kind = Kind::tensor, .integer = static_cast<std::int64_t>(result_.tensors.size() - 1)};
}

// (tensor, requires_grad, hooks)
PickledValue Unpickler::rebuild_parameter(const std::vector<std::size_t>& arguments) {
  if (arguments.size() != 3) refuse(fmt::format("a parameter of {} arguments, not 3", arguments.size()));
  const PickledValue& tensor = result_.values[arguments[0]];
  if (!tensor.is(Kind::tensor)) refuse(fmt::format("a parameter of {}, not of a tensor", describe(tensor)));
  check_no_hooks(arguments[2]);
  return tensor;
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
