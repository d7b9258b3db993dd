#include "unpickler.hpp"

#include <utility>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"

namespace smlp {
namespace {

// A state dictionary needs about 20 values and 150 bytes of pickle a tensor.
constexpr std::size_t pickle_limit = 16 << 20, value_limit = 1'000'000, stack_limit = 100'000;
constexpr std::size_t line_limit = 256;
constexpr int depth_limit = 64;

}  // namespace

Unpickler::Unpickler(std::span<const std::byte> bytes, std::string file, std::string part)
    : bytes_(bytes), file_(std::move(file)), part_(std::move(part)) {}

void Unpickler::refuse(const std::string& reason) const {
  fail(ErrorKind::data, "{}: {}, byte {}, {}: {}", file_, part_, opcode_at_, opcode_name(opcode_), reason);
}

std::string_view Unpickler::take(std::size_t bytes) {
  if (bytes > bytes_.size() - position_)
    refuse(fmt::format("{} bytes are needed, {} are left", bytes, bytes_.size() - position_));
  const char* begin = reinterpret_cast<const char*>(bytes_.data()) + position_;
  position_ += bytes;
  return {begin, bytes};
}

std::uint64_t Unpickler::take_number(std::size_t bytes) {
  std::uint64_t value = 0;
  const std::string_view text = take(bytes);
  for (std::size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(text[i]);
  return value;
}

std::string_view Unpickler::take_line() {
  const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + position_,
                              std::min(bytes_.size() - position_, line_limit));
  const std::size_t length = rest.find('\n');
  if (length == std::string_view::npos)
    refuse(fmt::format("a name that does not end within {} bytes", line_limit));
  return take(length + 1).substr(0, length);
}

std::size_t Unpickler::push(PickledValue value) {
  if (result_.values.size() >= value_limit) refuse(fmt::format("more than {} values", value_limit));
  result_.values.push_back(std::move(value));
  push_index(result_.values.size() - 1);
  return result_.values.size() - 1;
}

void Unpickler::push_index(std::size_t index) {
  if (stack_.size() >= stack_limit) refuse(fmt::format("more than {} values on the stack", stack_limit));
  stack_.push_back(index);
}

PickledValue& Unpickler::top() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse("nothing on the stack");
  return result_.values[stack_.back()];
}

std::size_t Unpickler::pop() {
  top();
  const std::size_t index = stack_.back();
  stack_.pop_back();
  return index;
}

std::vector<std::size_t> Unpickler::pop_to_mark() {
  if (marks_.empty()) refuse("no MARK before it");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<std::size_t> items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

void Unpickler::add_item(PickledValue& container, std::size_t item) {
  container.depth = std::max(container.depth, result_.values[item].depth + 1);
  if (container.depth > depth_limit)
    refuse(fmt::format("more than {} containers in one another", depth_limit));
  container.items.push_back(item);
}

void Unpickler::push_tuple(const std::vector<std::size_t>& items) {
  PickledValue tuple{.kind = Kind::tuple};
  for (const std::size_t item : items) add_item(tuple, item);
  push(std::move(tuple));
}

// An object's items are passed over.
PickledValue& Unpickler::container(Kind kind) {
  PickledValue& found = top();
  if (!found.is(kind) && !found.is(Kind::object)) refuse(fmt::format("it adds items to {}", describe(found)));
  return found;
}

void Unpickler::append(const std::vector<std::size_t>& items) {
  PickledValue& list = container(Kind::list);
  if (!list.is(Kind::object))
    for (const std::size_t item : items) add_item(list, item);
}

void Unpickler::set_items(const std::vector<std::size_t>& items) {
  PickledValue& dictionary = container(Kind::dictionary);
  if (items.size() % 2 != 0) refuse("a key without a value");
  if (!dictionary.is(Kind::object))
    for (const std::size_t item : items) add_item(dictionary, item);
}

// Pickle numbers what it remembers from 0 on.
void Unpickler::memo_put(std::uint64_t index) {
  top();
  if (index > memo_.size() || index >= value_limit)
    refuse(fmt::format("memo {} follows {} others", index, memo_.size()));
  if (index == memo_.size()) memo_.push_back(0);
  memo_[index] = stack_.back();
}

void Unpickler::memo_get(std::uint64_t index) {
  if (index >= memo_.size()) refuse(fmt::format("there is no memo {}", index));
  push_index(memo_[index]);
}

// Little-endian two's complement. Nothing here needs integers beyond 64 bits: they are just numbers.
void Unpickler::push_long(std::string_view bytes) {
  if (bytes.size() > 8) {
    push({.kind = Kind::number});
    return;
  }
  std::uint64_t value = !bytes.empty() && (bytes.back() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  push({.kind = Kind::integer, .integer = static_cast<std::int64_t>(value)});
}

bool Unpickler::step_constant(unsigned char opcode) {
  const auto push_integer = [&](std::int64_t value) { push({.kind = Kind::integer, .integer = value}); };
  switch (opcode) {
    case 'N':
      push({});
      return true;
    case 0x88:
      push({.kind = Kind::boolean, .integer = 1});
      return true;
    case 0x89:
      push({.kind = Kind::boolean});
      return true;
    case 'J':
      push_integer(static_cast<std::int32_t>(take_number(4)));
      return true;
    case 'K':
      push_integer(static_cast<std::int64_t>(take_number(1)));
      return true;
    case 'M':
      push_integer(static_cast<std::int64_t>(take_number(2)));
      return true;
    case 0x8a:
      push_long(take(take_number(1)));
      return true;
    case 'G':
      take(8);
      push({.kind = Kind::number});
      return true;
    case 'U':
    case 'X': {
      const std::string_view text = take(take_number(opcode == 'U' ? 1 : 4));
      if (!is_utf8(text)) refuse("a string that is not UTF-8");
      push({.kind = Kind::text, .text = text});
      return true;
    }
    default:
      return false;
  }
}

bool Unpickler::step_container(unsigned char opcode) {
  const auto pop_last = [&](std::size_t count) {
    std::vector<std::size_t> items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = pop();
    return items;
  };
  switch (opcode) {
    case '(':
      if (marks_.size() >= depth_limit) refuse(fmt::format("more than {} open MARKs", depth_limit));
      marks_.push_back(stack_.size());
      return true;
    case ')':
      push({.kind = Kind::tuple});
      return true;
    case 't':
      push_tuple(pop_to_mark());
      return true;
    case 0x85:
    case 0x86:
    case 0x87:
      push_tuple(pop_last(opcode - 0x84u));
      return true;
    case ']':
      push({.kind = Kind::list});
      return true;
    case '}':
      push({.kind = Kind::dictionary});
      return true;
    case 'a':
      append(pop_last(1));
      return true;
    case 'e':
      append(pop_to_mark());
      return true;
    case 's':
      set_items(pop_last(2));
      return true;
    case 'u':
      set_items(pop_to_mark());
      return true;
    default:
      return false;
  }
}

bool Unpickler::step(unsigned char opcode) {
  if (step_constant(opcode) || step_container(opcode)) return true;
  switch (opcode) {
    case 'q':
      memo_put(take_number(1));
      return true;
    case 'r':
      memo_put(take_number(4));
      return true;
    case 'h':
      memo_get(take_number(1));
      return true;
    case 'j':
      memo_get(take_number(4));
      return true;
    case 'c': {
      const std::string_view module = take_line(), name = take_line();
      find_global({module.data(), module.size() + 1 + name.size()});
      return true;
    }
    case 'Q':
      load_storage();
      return true;
    case 'R':
    case 0x81:
      reduce();
      return true;
    case 'b':  // attributes, such as the _metadata of nn.Module.state_dict()
      pop();
      top();
      return true;
    case '.':
      return false;
    default:
      refuse(
          "not what torch.save writes. If you trust the file, load it in PyTorch and save the tensors alone: "
          "torch.save(model.state_dict(), \"new.pt\")");
  }
}

Pickle Unpickler::read() {
  const auto is = [&](std::size_t at, int value) { return bytes_[at] == std::byte(value); };
  if (bytes_.size() < 2 || !is(0, 0x80) || !(is(1, 2) || is(1, 3)))
    fail(ErrorKind::data,
         "{}: {} is not of pickle protocol 2 or 3: save it again with torch.save's default "
         "pickle_protocol",
         file_, part_);
  position_ = 2;
  do {
    opcode_at_ = position_;
    if (position_ == bytes_.size())
      fail(ErrorKind::data, "{}: {} ends at byte {} without STOP", file_, part_, position_);
    opcode_ = static_cast<unsigned char>(bytes_[position_++]);
    if (position_ > pickle_limit) refuse(fmt::format("more than {} bytes", pickle_limit));
  } while (step(opcode_));
  if (!marks_.empty() || stack_.size() != 1)
    refuse(fmt::format("{} values and {} MARKs are left over", stack_.size(), marks_.size()));
  result_.top = stack_.back();
  result_.length = position_;
  return std::move(result_);
}

}  // namespace smlp
