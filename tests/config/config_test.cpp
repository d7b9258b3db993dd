#include <gtest/gtest.h>

#include "smlp/config/print.hpp"
#include "smlp/config/read.hpp"
#include "smlp/core/error.hpp"
#include "support/errors.hpp"

namespace smlp {
namespace {

enum class Colour { red, green };

struct Inner {
  double rate = 0.5;
  std::array<double, 2> range{0, 1};
  void fields(FieldVisitor& v) {
    v.field("rate", rate, "a rate", Bounds{.min = 0, .max = 1, .max_open = true});
    v.field("range", range, "a range");
  }
};

struct Item {
  std::string match;
  std::optional<double> lr;
  void fields(FieldVisitor& v) {
    v.field("match", match, "a pattern");
    v.field("lr", lr, "a rate");
  }
};

class Family : public FieldGroup {};
struct Round : Family {
  std::int64_t radius = 1;
  void fields(FieldVisitor& v) override { v.field("radius", radius, "its radius", at_least(1)); }
};
struct Square : Family {
  std::int64_t side = 2;
  void fields(FieldVisitor& v) override { v.field("side", side, "its side"); }
};
const std::array<FamilyRow<Family>, 2> family_table{
    FamilyRow<Family>{"round", [] { return std::unique_ptr<Family>(new Round); }},
    FamilyRow<Family>{"square", [] { return std::unique_ptr<Family>(new Square); }}};

struct Everything {
  std::int64_t epochs = 10;
  bool flag = false;
  std::string text = "a";
  std::optional<std::string> maybe;
  std::vector<std::int64_t> steps;
  Colour colour = Colour::red;
  Inner inner;
  std::optional<Inner> optional = Inner{};
  std::vector<Item> items;
  Chosen<Family> shape = choose<Family>(family_table, "round");

  void fields(FieldVisitor& v) {
    v.field("epochs", epochs, "how many", at_least(1));
    v.field("flag", flag, "a flag");
    v.field("text", text, "some text");
    v.field("maybe", maybe, "perhaps text");
    v.field("steps", steps, "steps", at_least(0));
    v.choice("colour", colour, {{"red", Colour::red}, {"green", Colour::green}}, "a colour");
    v.section("inner", inner, "a section");
    v.section("optional", optional, "a section or null");
    v.list("items", items, "sections");
    v.family("shape", shape, family_table, "a family");
  }
  std::string yaml() {
    return print_config([this](FieldVisitor& v) { fields(v); });
  }
};

Everything read(const std::string& yaml, Origins* origins = nullptr) {
  Everything config;
  read_config(
      parse_yaml(yaml, "f.yaml"), [&](FieldVisitor& v) { config.fields(v); }, origins);
  return config;
}

template <class Action>
void expect_refused(const std::vector<std::string>& parts, const Action& action) {
  const std::string message = testing::error_of(ErrorKind::usage, action);
  for (const std::string& part : parts)
    EXPECT_NE(message.find(part), std::string::npos) << message << "\nlacks: " << part;
}

TEST(Config, EveryKindOfValueIsReadAndPrintsBackToItself) {
  Everything config = read(
      "epochs: 3\nflag: true\ntext: 'null'\nmaybe: \"a: b # \\\"c\\\"\\n\"\nsteps: [1, 2]\ncolour: green\n"
      "inner: {rate: 1e-3, range: [0.25, 1]}\noptional: null\nitems: [{match: 'x.*', lr: 0.1}, {match: y}]\n"
      "shape: {name: square, side: 7}\n");
  EXPECT_EQ(config.epochs, 3);
  EXPECT_TRUE(config.flag);
  EXPECT_EQ(config.text, "null");
  EXPECT_EQ(config.maybe, "a: b # \"c\"\n");
  EXPECT_EQ(config.steps, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(config.colour, Colour::green);
  EXPECT_EQ(config.inner.rate, 1e-3);
  EXPECT_FALSE(config.optional.has_value());
  ASSERT_EQ(config.items.size(), 2u);
  EXPECT_EQ(config.items[0].lr, 0.1);
  EXPECT_FALSE(config.items[1].lr.has_value());
  EXPECT_EQ(config.shape.name, "square");
  EXPECT_EQ(dynamic_cast<Square&>(*config.shape.config).side, 7);

  const std::string printed = config.yaml();
  EXPECT_EQ(read(printed).yaml(), printed);
}

TEST(Config, EveryRefusalNamesPlaceKeyExpectationAndNearestKey) {
  const auto refuses = [](const std::string& yaml, const std::vector<std::string>& parts) {
    expect_refused(parts, [&] { read(yaml); });
  };
  refuses("epocs: 3\n", {"f.yaml:1:8", "'epocs'", "did you mean 'epochs'"});
  refuses("inner:\n  rat: 1\n", {"f.yaml:2:8", "'inner.rat'", "did you mean 'rate'"});
  refuses("flag: true\nepochs: 1\nepochs: 2\n", {"f.yaml:3:1", "'epochs' is said twice"});
  refuses("epochs: many\n", {"f.yaml:1:9", "epochs is 'many'", "an integer ≥ 1"});
  refuses("epochs: 1.5\n", {"an integer"});
  refuses("epochs: 0\n", {"epochs is '0'", "≥ 1"});
  refuses("epochs: 99999999999999999999\n", {"an integer"});
  refuses("epochs: [1]\n", {"epochs is a list"});
  refuses("epochs:\n", {"epochs is null"});
  refuses("flag: yes\n", {"true or false"});
  refuses("inner: {rate: 1}\n", {"inner.rate", "≥ 0, < 1"});
  refuses("inner: {rate: .nan}\n", {"inner.rate"});
  refuses("inner: {range: [1, 0]}\n", {"inner.range", "[low, high]"});
  refuses("inner: 5\n", {"inner is '5'", "a section"});
  refuses("colour: gren\n", {"one of red, green", "did you mean 'green'"});
  refuses("items: [{mach: x}]\n", {"items[0].mach"});
  refuses("shape: {name: round, side: 1}\n", {"shape.side", "radius"});
  refuses("shape: {name: oval}\n", {"shape.name is 'oval'", "round, square"});
  refuses("- 1\n", {"the document"});
  refuses("epochs: [1\n", {"f.yaml:2", "not valid YAML"});
  refuses("epochs: 1\n---\nepochs: 2\n", {"more than one document"});
  refuses("inner:\n\trate: 1\n", {"f.yaml:2", "tabs"});
  refuses("? [a]\n: 1\n", {"a key must be a word"});
  refuses("epochs: *nowhere\n", {"f.yaml:1"});
  refuses("a: &a [*a]\n", {"f.yaml:1"});
}

TEST(Config, MergeKeysBringWhatTheSectionDoesNotSay) {
  const Everything config = read(
      "items:\n- &first {match: a, lr: 0.5}\n- {<<: *first, match: b}\n- {match: c, <<: [{lr: 1}, *first]}\n"
      "inner: {<<: {rate: 0.25}}\n");
  EXPECT_EQ(config.items.at(1).match, "b");
  EXPECT_EQ(config.items.at(1).lr, 0.5);
  EXPECT_EQ(config.items.at(2).match, "c");
  EXPECT_EQ(config.items.at(2).lr, 1) << "the first of a list goes before the others";
  EXPECT_EQ(config.inner.rate, 0.25);
  expect_refused({"f.yaml:1:13", "'<<' takes a section"}, [] { read("inner: {<<: 3}\n"); });
  expect_refused({"f.yaml:1:14", "'<<' takes a section"}, [] { read("inner: {<<: [3]}\n"); });
  expect_refused({"unknown key 'inner.rat'"}, [] { read("inner: {<<: {rat: 1}}\n"); });
}

// As YAML 1.2, and 1.1's underscores.
TEST(Config, NumbersAndWordsAreYamls) {
  for (const auto& [text, value] : std::vector<std::pair<std::string, std::int64_t>>{
           {"+3", 3}, {"1_024", 1024}, {"0x1f", 31}, {"0o17", 15}})
    EXPECT_EQ(read("epochs: " + text + "\n").epochs, value) << text;
  for (const auto& [text, value] : std::vector<std::pair<std::string, double>>{
           {"+1.0e-2", 0.01}, {".5", 0.5}, {"+.5", 0.5}, {"5e-1", 0.5}, {"0.000_1", 0.0001}})
    EXPECT_EQ(read("inner: {rate: " + text + "}\n").inner.rate, value) << text;
  for (const char* text : {"+", "++1", "+-1", "1_", "_1", "1__0", "0x", "0x-1", "0o8", "1 000", "1,000"})
    expect_refused({"an integer"}, [&] { read("epochs: '" + std::string(text) + "'\n"); });
  EXPECT_TRUE(read("flag: True\n").flag);
  EXPECT_FALSE(read("flag: FALSE\n").flag);
}

TEST(Config, NoneIsRefusedWhereNullIsMeant) {
  expect_refused({"maybe is 'None'", "null"}, [] { read("maybe: None\n"); });
  expect_refused({"text is 'None'", "null"}, [] { read("text: None\n"); });
  expect_refused({"optional is 'None'", "or null"}, [] { read("optional: None\n"); });
  EXPECT_EQ(read("maybe: Null\n").maybe, std::nullopt);
  Everything quoted = read("maybe: \"None\"\n");
  EXPECT_EQ(quoted.maybe, "None");
  EXPECT_EQ(read(quoted.yaml()).maybe, "None");
}

TEST(Config, AValueOfTheCommandLineIsNotCutAtASpaceAndHash) {
  const auto set = [](const std::string& assignment) {
    Everything config;
    read_config(combine_overrides({parse_override(assignment)}), [&](FieldVisitor& v) { config.fields(v); });
    return config;
  };
  EXPECT_EQ(set("text=exp #3").text, "exp #3");
  EXPECT_EQ(set("text= #3 ").text, "#3");
  EXPECT_EQ(set("text='a' #b").text, "a");
  EXPECT_EQ(set("maybe=null").maybe, std::nullopt);
  EXPECT_EQ(set("maybe=null #3").maybe, "null #3");
  expect_refused({"3 #4", "an integer"}, [&] { set("epochs=3 #4"); });
}

TEST(Config, TextIsUtf8) {
  expect_refused({"f.yaml", "not UTF-8"}, [] { read("text: caf\xe9\n"); });
  expect_refused({"--set text=caf\\xe9", "symbolic link"}, [] { parse_override("text=caf\xe9"); });
  expect_refused({"--text caf\\xe9", "symbolic link"},
                 [] { make_override("text", "caf\xe9", "--text caf\xe9"); });
}

TEST(Config, LimitsHoldBeforeMemoryIsSpent) {
  expect_refused({"bytes"}, [] { parse_yaml(std::string(max_config_bytes + 1, ' '), "f"); });
  std::string deep, close;
  for (int i = 0; i <= max_config_depth; ++i) deep += "[", close += "]";
  expect_refused({"nested"}, [&] { parse_yaml("a: " + deep + close, "f"); });
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string below = "*a" + std::to_string(i - 1);
    bomb += fmt::format("a{}: &a{} [{}]\n", i, i, fmt::join(std::vector<std::string>(10, below), ","));
  }
  expect_refused({"more than 100000 values"}, [&] { parse_yaml(bomb, "f"); });
  std::string wide = "a: [";
  for (std::size_t i = 0; i <= max_config_nodes; ++i) wide += "1,";
  expect_refused({"more than 100000 values"}, [&] { parse_yaml(wide + "1]", "f"); });
}

TEST(Config, OverridesAreCheckedLikeTheFileAndRemembered) {
  ConfigNode tree = parse_yaml("epochs: 3\nshape: {name: round, radius: 4}\n", "f.yaml");
  std::vector<ConfigNode> overrides;
  overrides.push_back(parse_override("inner.rate=0.25"));
  overrides.push_back(parse_override("items=[{match: a=b}]"));
  overrides.push_back(make_override("shape.name", "square", "--shape"));
  merge(tree, combine_overrides(std::move(overrides)), std::vector<std::string>{"shape"});
  Everything config;
  Origins origins;
  read_config(
      tree, [&](FieldVisitor& v) { config.fields(v); }, &origins);
  EXPECT_EQ(config.inner.rate, 0.25);
  EXPECT_EQ(config.items.at(0).match, "a=b");
  EXPECT_EQ(config.shape.name, "square") << "radius belongs to the family that was left";
  EXPECT_EQ(origins.at("epochs"), "f.yaml:1:9");
  EXPECT_EQ(origins.at("inner.rate"), "--set inner.rate=0.25");
  EXPECT_EQ(origins.at("shape.name"), "--shape");
  const std::string shown = print_config([&](FieldVisitor& v) { config.fields(v); }, &origins);
  EXPECT_NE(shown.find("# f.yaml:1:9"), std::string::npos);
  EXPECT_NE(shown.find("# default"), std::string::npos);

  for (const std::string bad : {"epochs", "=1", "a..b=1", ".=1", "epochs="})
    expect_refused({"--set " + bad}, [&] { parse_override(bad); });
  expect_refused({"epochs", "already set"}, [] {
    std::vector<ConfigNode> twice;
    twice.push_back(parse_override("epochs=1"));
    twice.push_back(make_override("epochs", "2", "--epochs 2"));
    combine_overrides(std::move(twice));
  });
}

// As presets, weights and flags say it.
TEST(Config, AListMayBeOneWord) {
  const auto steps = [](const std::string& value) {
    Everything config;
    read_config(make_override("steps", value, "a preset"), [&](FieldVisitor& v) { config.fields(v); });
    return config.steps;
  };
  EXPECT_EQ(steps("[3, 4]"), (std::vector<std::int64_t>{3, 4}));
  EXPECT_TRUE(steps("[]").empty());
  expect_refused({"a preset", "steps", "an integer"}, [&] { steps("[3, x]"); });
  expect_refused({"steps", "an integer"}, [&] { steps("[[3]]"); });
  expect_refused({"a preset", "not valid YAML"}, [&] { steps("[3"); });
  expect_refused({"a preset", "steps is '3'", "a list of numbers"}, [&] { steps("3"); });
  expect_refused({"steps", "a list of numbers"}, [] { read("steps: \"[3]\"\n"); });
}

TEST(Config, ListedKeysCarryTypeDefaultBoundsAndHelp) {
  Everything config;
  const std::vector<KeyRow> rows = list_keys([&](FieldVisitor& v) { config.fields(v); });
  const auto row = [&](const std::string& path) {
    for (const KeyRow& r : rows)
      if (r.path == path) return r;
    ADD_FAILURE() << path << " is not listed";
    return KeyRow{};
  };
  EXPECT_EQ(row("epochs").bounds, " ≥ 1");
  EXPECT_EQ(row("epochs").value, "10");
  EXPECT_EQ(row("colour").type, "red | green");
  EXPECT_EQ(row("shape.radius").help, "its radius");
  EXPECT_EQ(row("items[].match").type, "text");
}

}  // namespace
}  // namespace smlp
