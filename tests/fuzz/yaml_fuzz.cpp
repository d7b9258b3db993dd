// A configuration: YAML into fields of every type, its print read back, and the same text as an override.
#include "fuzz.hpp"
#include "smlp/config/print.hpp"
#include "smlp/config/read.hpp"

namespace {

using namespace smlp;

struct Inner {
  double rate = 0.5;
  std::array<double, 2> range{0, 1};
  void fields(FieldVisitor& v) {
    v.field("rate", rate, "", Bounds{.min = 0, .max = 1, .max_open = true});
    v.field("range", range, "");
  }
};

class Shape : public FieldGroup {};
struct Round : Shape {
  std::int64_t radius = 1;
  void fields(FieldVisitor& v) override { v.field("radius", radius, "", at_least(1)); }
};
struct Square : Shape {
  std::vector<double> sides;
  void fields(FieldVisitor& v) override { v.field("sides", sides, ""); }
};
const std::array<FamilyRow<Shape>, 2> shapes{
    FamilyRow<Shape>{"round", [] { return std::unique_ptr<Shape>(new Round); }},
    FamilyRow<Shape>{"square", [] { return std::unique_ptr<Shape>(new Square); }}};

struct Settings {
  std::int64_t epochs = 10;
  bool flag = false;
  int colour = 0;
  std::string text = "a";
  std::optional<std::string> maybe;
  std::optional<double> limit;
  std::vector<std::int64_t> steps;
  std::optional<Inner> inner = Inner{};
  std::vector<Inner> items;
  Chosen<Shape> shape = choose<Shape>(shapes, "round");

  void fields(FieldVisitor& v) {
    v.field("epochs", epochs, "", at_least(1));
    v.field("flag", flag, "");
    v.choice("colour", colour, {{"red", 0}, {"green", 1}}, "");
    v.field("text", text, "");
    v.field("maybe", maybe, "");
    v.field("limit", limit, "");
    v.field("steps", steps, "", at_least(0));
    v.section("inner", inner, "");
    v.list("items", items, "");
    v.family("shape", shape, shapes, "");
  }
};

// The settings of a document, printed.
std::string read(std::string_view text) {
  Settings settings;
  const auto fields = [&](FieldVisitor& v) { settings.fields(v); };
  Origins origins;
  read_config(parse_yaml(text, "fuzz.yaml"), fields, &origins);
  print_config(fields, &origins);
  return print_config(fields);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(fuzz::text_of(data, size));
  fuzz::count_refusal(fuzz::refuses_only_as(ErrorKind::usage, [&] {
    const std::string printed = read(text);
    try {
      fuzz::require(read(printed) == printed, "other settings when printed and read again");
    } catch (const Error& error) {
      fuzz::find(std::string("printed settings are refused: ") + error.what());
    }
  }));
  fuzz::count_refusal(fuzz::refuses_only_as(ErrorKind::usage, [&] {
    ConfigNode base = parse_yaml(text, "fuzz.yaml");
    const std::string families[] = {"shape"};
    merge(base, combine_overrides({parse_override(text), parse_override("epochs=3")}), families);
  }));
  return 0;
}
