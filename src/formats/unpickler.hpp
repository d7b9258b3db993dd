#pragma once
// Python's pickle (protocols 2 and 3) as torch.save writes it. Nothing is imported or called: the result is a
// list of values that refer to one another by index, so that neither shared nor cyclic values need care.
// Tensors and their containers are understood; whatever else a file would make is an object that holds
// nothing.
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace smlp {

struct PickledStorage {
  std::string_view key;
  std::string_view dtype;              // safetensors' name
  std::int64_t count = 0;              // elements
  std::span<const std::byte> bytes{};  // which the file's other parts give

  std::uint64_t size() const;  // in bytes
};

// Elements lie at offset + Σ index·stride of the storage, all within it. A view may be negated or conjugated,
// as torch.Tensor.is_neg() and is_conj() say.
struct PickledTensor {
  std::size_t storage = 0;
  std::int64_t offset = 0;
  std::int64_t count = 1;
  std::vector<std::int64_t> shape, strides;
  bool negated = false, conjugated = false;
};

struct PickledValue {
  enum class Kind {
    none,
    boolean,
    integer,
    number,
    text,
    tuple,
    list,
    dictionary,
    global,
    storage,
    tensor,
    object
  };

  Kind kind = Kind::none;
  int depth = 0;                     // containers inside one another
  std::int64_t integer = 0;          // or the index of a storage or tensor, or what a global means here
  std::string_view text{};           // lies in the pickle; of a global or object: "module\nname"
  std::vector<std::size_t> items{};  // a dictionary's: key, value, key, value, …

  bool is(Kind other) const { return kind == other; }
};

std::string describe(const PickledValue& value);  // "a tuple of 3"
std::string opcode_name(unsigned char opcode);    // "REDUCE"

struct Pickle {
  std::vector<PickledValue> values;
  std::vector<PickledStorage> storages;
  std::vector<PickledTensor> tensors;
  std::size_t top = 0;
  std::size_t length = 0;  // of the bytes that it took
};

class Unpickler {
 public:
  // `bytes` begin with the pickle; `part` names it in messages.
  Unpickler(std::span<const std::byte> bytes, std::string file, std::string part);
  Pickle read();  // Error(data) naming file, part, byte and opcode

 private:
  using Kind = PickledValue::Kind;

  [[noreturn]] void refuse(const std::string& reason) const;
  std::string_view take(std::size_t bytes);
  std::uint64_t take_number(std::size_t bytes);
  std::string_view take_line();

  std::size_t push(PickledValue value);
  void push_index(std::size_t index);
  std::size_t pop();
  std::vector<std::size_t> pop_to_mark();
  PickledValue& top();
  void add_item(PickledValue& container, std::size_t item);
  PickledValue& container(Kind kind);

  bool step(unsigned char opcode);  // false at STOP
  bool step_constant(unsigned char opcode);
  bool step_container(unsigned char opcode);
  void push_tuple(const std::vector<std::size_t>& items);
  void append(const std::vector<std::size_t>& items);
  void set_items(const std::vector<std::size_t>& items);
  void memo_put(std::uint64_t index);
  void memo_get(std::uint64_t index);
  void push_long(std::string_view bytes);

  // What torch.save adds: unpickler_torch.cpp.
  void find_global(std::string_view whole);
  void load_storage();
  void add_storage(PickledStorage storage);
  void reduce();
  PickledValue call(const PickledValue& callee, const std::vector<std::size_t>& arguments);
  PickledValue ordered_dict(const std::vector<std::size_t>& arguments);
  PickledValue rebuild_from_type(const std::vector<std::size_t>& arguments);
  PickledValue rebuild_tensor(const std::vector<std::size_t>& arguments);
  PickledValue rebuild_parameter(const std::vector<std::size_t>& arguments);
  PickledValue parameter(const std::vector<std::size_t>& arguments);
  PickledValue tensor_or_object(std::size_t index) const;
  bool flag(std::size_t metadata, std::string_view name) const;
  std::vector<std::int64_t> sizes(std::size_t index, std::string_view what) const;
  void check_bounds(PickledTensor& tensor) const;
  void check_no_hooks(std::size_t index) const;

  std::span<const std::byte> bytes_;
  std::string file_, part_;
  std::size_t position_ = 0, opcode_at_ = 0;
  unsigned char opcode_ = 0;
  Pickle result_;
  std::vector<std::size_t> stack_, marks_, memo_;
  std::map<std::string_view, std::size_t> storage_of_key_;
};

}  // namespace smlp
