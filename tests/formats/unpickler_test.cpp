// Pickles made by hand, one for each rule of the reader of `.pt` files.
#include <gtest/gtest.h>

#include "smlp/formats/torch_file.hpp"
#include "support/errors.hpp"
#include "support/stored_zip.hpp"

namespace smlp {
namespace {

using testing::little_endian;

const std::string ordered_dict = "ccollections\nOrderedDict\n)R";

std::string text(const std::string& value) {
  return "X" + little_endian(value.size(), 4) + value;
}

std::string integer(std::int64_t value) {
  return "\x8a\x08" + little_endian(static_cast<std::uint64_t>(value), 8);
}

std::string tuple(const std::vector<std::int64_t>& values) {
  std::string items;
  for (const std::int64_t value : values) items += integer(value);
  return "(" + items + "t";
}

std::string storage(std::int64_t count = 6, const std::string& type = "FloatStorage",
                    const std::string& key = "0") {
  return "(" + text("storage") + "ctorch\n" + type + "\n" + text(key) + text("cpu") + integer(count) + "tQ";
}

std::string tensor_of(const std::string& arguments) {
  return "ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + "tR";
}

std::string tensor(std::int64_t offset, const std::vector<std::int64_t>& shape,
                   const std::vector<std::int64_t>& strides, const std::string& from = storage()) {
  return tensor_of(from + integer(offset) + tuple(shape) + tuple(strides) + "\x89" + ordered_dict);
}

const std::string good = tensor(0, {2, 3}, {3, 1});

std::string named(const std::string& value, const std::string& name = "w") {
  return "}" + text(name) + value + "s";
}

// A file whose data.pkl is `body` with PROTO and STOP, and whose storage "0" has 24 bytes.
std::string file_of(const std::string& body) {
  return testing::stored_zip({{"a/data.pkl", "\x80\x02" + body + "."},
                              {"a/data/0", "0123456789abcdefghijklmn"},
                              {"a/data/1", ""},
                              {"a/version", "3\n"}});
}

std::string read(const std::string& body) {
  const std::string bytes = file_of(body);
  const TorchFile file(std::as_bytes(std::span(bytes)), "x.pt");
  std::string all;
  for (const SafetensorsEntry& entry : file.entries())
    all += entry.name + "=" +
           std::string(reinterpret_cast<const char*>(entry.bytes.data()), entry.bytes.size()) + ";";
  return all;
}

void expect_error(const std::string& body, const std::string& words) {
  const std::string message = testing::error_of(ErrorKind::data, [&] { read(body); });
  EXPECT_TRUE(message.starts_with("x.pt: ")) << message;
  EXPECT_NE(message.find(words), std::string::npos) << message;
}

std::string repeated(const std::string& part, std::size_t times) {
  std::string all;
  for (std::size_t i = 0; i < times; ++i) all += part;
  return all;
}

TEST(Unpickler, ReadsTensorsWhereverTheyLieInTheirStorage) {
  EXPECT_EQ(read(named(good)), "w=0123456789abcdefghijklmn;");
  EXPECT_EQ(read(named(tensor(1, {2, 2}, {1, 3}))), "w=4567ghij89abklmn;");
  EXPECT_EQ(read(named(tensor(4, {3}, {0}))), "w=ghijghijghij;");
  EXPECT_EQ(read(named(tensor(5, {}, {}))), "w=klmn;");
  EXPECT_EQ(read(named(tensor(6, {0, 7}, {99, 1}))), "w=;");
  EXPECT_EQ(read(named(tensor(0, {1, 6}, {INT64_MAX, 1}))), "w=0123456789abcdefghijklmn;");
}

TEST(Unpickler, NamesEachTensorByTheWayToIt) {
  const std::string all = "=0123456789abcdefghijklmn;";
  const std::string numbers = std::string("(NK\1M\1\1J\1\1\1\1\x8a\0\x8a\x09", 16) + std::string(9, '\xff') +
                              "G" + std::string(8, 'x') + "\x88U\1xt";
  EXPECT_EQ(read("}(" + text("model") + named(good) + text("numbers") + numbers + "K\7]N" + "a(" + good +
                 "NNe" + "u"),
            "model.w" + all + "7.1" + all);
  EXPECT_EQ(read(good), all);
  EXPECT_EQ(read(named(named(named(good), "a b"), "c.d")), "c.d.a b.w" + all);
  EXPECT_EQ(read("}" + text("here") + named(good) + std::string("q\0s", 3) + text("there") +
                 std::string("h\0s", 3)),
            "here.w" + all)
      << "a container is read at its first place";
  EXPECT_EQ(read(std::string("}q\0", 3) + text("itself") + std::string("h\0s", 3) + text("w") + good + "s"),
            "w" + all);
}

TEST(Unpickler, PassesOverWhatOtherProgramsPutBesideTheTensors) {
  const std::string all = "=0123456789abcdefghijklmn;";
  const std::string counter = "ccollections\nCounter\n}K\5K\1s\x85R";
  const std::string scalar = "cnumpy._core.multiarray\nscalar\ncnumpy\ndtype\n" + text("f8") +
                             "\x89\x88\x87R(K\3NNtb" + "c_codecs\nencode\n" + text("x") + text("latin1") +
                             "\x86R\x86R";
  const std::string names_space = "cargparse\nNamespace\n)\x81}" + text("lr") + "K\1sb";
  const std::string items = "ccollections\ndefaultdict\n)R" + text("w") + good + "s(" + good + "e";
  for (const std::string& other : {counter, scalar, names_space, items}) {
    EXPECT_EQ(read("}" + text("state_dict") + named(good) + "s" + text("other") + other + "s"),
              "state_dict.w" + all);
  }
  const std::string bytes = file_of("}" + text("a") + names_space + "s" + text("w") + good + "s");
  const TorchFile file(std::as_bytes(std::span(bytes)), "x.pt");
  EXPECT_EQ(file.objects(), std::vector<std::string>{"a: an object of argparse.Namespace"});
}

TEST(Unpickler, ReadsTensorsAndParametersThatHaveAttributes) {
  const std::string all = "w=0123456789abcdefghijklmn;", hooks = ordered_dict;
  const std::string state = "}" + text("no_weight_decay") + "\x88s";
  EXPECT_EQ(read(named("ctorch._utils\n_rebuild_parameter\n(" + good + "\x88" + hooks + "tR")), all);
  EXPECT_EQ(
      read(named("ctorch._utils\n_rebuild_parameter_with_state\n(" + good + "\x88" + hooks + state + "tR")),
      all);
  EXPECT_EQ(read(named("ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\nctorch\n"
                       "Tensor\n(" +
                       storage() + integer(0) + tuple({2, 3}) + tuple({3, 1}) + "\x89" + hooks + "t" + state +
                       "tR")),
            all);
}

TEST(Unpickler, ReadsWhatEarlierPyTorchAndPython2Wrote) {
  const std::string all = "w=0123456789abcdefghijklmn;";
  const std::string first =
      "ctorch._utils\n_rebuild_tensor\n(" + storage() + integer(0) + tuple({2, 3}) + tuple({3, 1}) + "tR";
  EXPECT_EQ(read(named(first)), all);
  EXPECT_EQ(read(named("ctorch.nn.parameter\nParameter\n" + first + "\x85R(\x88\x89" + ordered_dict + "tb")),
            all);
  EXPECT_EQ(read(named("ctorch.nn.parameter\nParameter\n" + first + "\x88\x86R")), all);
  EXPECT_EQ(read("ccollections\nOrderedDict\n](](U\1w" + first + "ee\x85R"), all);
}

TEST(Unpickler, ReadsNegatedViews) {
  const auto view = [](const std::string& metadata) {
    return read(named(
        tensor_of(storage() + integer(4) + tuple({2}) + tuple({1}) + "\x89" + ordered_dict + metadata)));
  };
  EXPECT_EQ(view("}" + text("neg") + "\x88s"), "w=ghi\xeaklm\xee;");
  EXPECT_EQ(view("}" + text("neg") + "\x89s"), "w=ghijklmn;");
  EXPECT_EQ(view("N"), "w=ghijklmn;");
}

TEST(Unpickler, SaysWhatAFileWithoutTensorsHolds) {
  expect_error(named("N", "model"), "\"model\": None");
  expect_error("}" + text("model") + "}ss", "data.pkl, byte");
  expect_error("}" + repeated("NNs", 30), "None: None and 10 more");
  expect_error("K\7", "it holds the integer 7");
  expect_error("}" + text("\x1b[2J") + "Ns", "\\x1b[2J");
  expect_error("cmy.models\nMlp\n)\x81}" + text("w") + good + "sb", "it holds an object of my.models.Mlp");
}

// Each list goes into the last, which has its place already.
TEST(Unpickler, RefusesContainersThatAreTooDeep) {
  const auto number = [](int i) { return std::string(1, static_cast<char>(i)); };
  std::string lists = "(";
  for (int i = 0; i < 80; ++i) lists += "]q" + number(i);
  for (int i = 0; i + 1 < 80; ++i) lists += "h" + number(i) + "h" + number(i + 1) + "a";
  expect_error(lists + "t", "nested more than 64 deep");
}

TEST(Unpickler, RefusesNamesThatAreDoubledOrTooLong) {
  expect_error("}" + text("w") + good + "s" + text("w") + good + "s", "\"w\" is there twice");
  expect_error(named(good, std::string(2000, 'n')), "a tensor's name of 2000 bytes");
  expect_error(named(good, "\xff"), "a string that is not UTF-8");
}

TEST(Unpickler, RefusesWhatIsNotOnItsLists) {
  expect_error("cposix\nsystem\n(" + text("true") + "tR", "it holds an object of posix.system");
  expect_error("c" + std::string(300, 'm') + "\nx\n", "does not end within 256 bytes");
  expect_error("c\x1b[2J\nx\n", "\\x1b[2J.x");
  expect_error("N)\x81", "data.pkl, byte 4, NEWOBJ: it calls None");
  for (const auto& [body, opcode] :
       {std::pair("\x93", "STACK_GLOBAL"), std::pair("iposix\nsystem\n", "INST"), std::pair("(o", "OBJ"),
        std::pair("Pid\n", "PERSID"), std::pair("\xff", "opcode 0xff"), std::pair("\x80\2N", "PROTO")})
    expect_error(body, std::string(opcode) + ": not what torch.save writes");
}

TEST(Unpickler, RefusesCallsThatTorchSaveDoesNotWrite) {
  expect_error(")" + std::string(")R"), "REDUCE: it calls a tuple of 0");
  expect_error("ctorch\nFloatStorage\n)R", "it calls the global torch.FloatStorage");
  expect_error(text("os.system") + "(" + text("true") + "tR", "it calls \"os.system\"");
  expect_error(good + ")R", "it calls a tensor");
  expect_error("ccollections\nOrderedDict\nNR", "its arguments are None");
  expect_error("ccollections\nOrderedDict\nN\x85R", "an OrderedDict of something");
  expect_error("ccollections\nOrderedDict\n]Na\x85R", "None as an item of an OrderedDict");
  expect_error("ctorch.nn.parameter\nParameter\n)R", "a parameter of 0 arguments");
  expect_error("ctorch.nn.parameter\nParameter\nN\x85R", "a parameter of None");
  expect_error("ctorch._utils\n_rebuild_parameter\n)R", "a parameter of 0 arguments");
  expect_error("ctorch._utils\n_rebuild_parameter\n(N\x88" + ordered_dict + "tR", "a parameter of None");
  expect_error("ctorch._utils\n_rebuild_parameter\n(" + good + "\x88NtR",
               "None as a tensor's backward hooks");
}

TEST(Unpickler, AttributesChangeNothing) {
  for (const std::string& state : {named("}", "_metadata"), named("N", "__class__"), std::string("N")})
    EXPECT_EQ(read(ordered_dict + text("w") + good + "s" + state + "b"), "w=0123456789abcdefghijklmn;");
  expect_error("Nb", "nothing on the stack");
}

TEST(Unpickler, RefusesStoragesThatAreNotTheirRecordsSize) {
  const auto first = [](const std::string& from) { return named(tensor(0, {1}, {1}, from)); };
  expect_error(first(storage(5)), "record data/0 has 24 bytes, which is not 5 elements of F32");
  expect_error(first(storage(7)), "not 7 elements");
  expect_error(first(storage(6, "DoubleStorage")), "not 6 elements of F64");
  expect_error(first(storage(-1)), "a storage of -1 elements");
  expect_error(first(storage((std::int64_t{1} << 62) + 6)), "a storage of 4611686018427387910 elements");
  expect_error(first(storage(6, "FloatStorage", "9")), "no record data/9");
  expect_error(first(storage(6, "FloatStorage", "../version")), "no record data/");
  expect_error(first(storage(6, "QUInt4x2Storage")), "an object of torch.QUInt4x2Storage");
  expect_error("(" + text("storage") + "ccollections\nOrderedDict\n" + text("0") + text("cpu") + "K\6tQ",
               "collections.OrderedDict is no storage type");
  expect_error("(" + text("module") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + "K\6tQ",
               "a tuple of 5 is no storage");
  expect_error("K\1Q", "the integer 1 is no storage");
  expect_error(named(good) + "(" + storage(12, "HalfStorage"),
               "storage 0 is of 12 elements of F16 here, and of 6 of F32 before");
}

TEST(Unpickler, RefusesTensorsBeyondTheirStorage) {
  constexpr std::int64_t most = INT64_MAX;
  const std::string beyond = "goes beyond its storage of 6 elements";
  expect_error(named(tensor(0, {7}, {1})), beyond);
  expect_error(named(tensor(1, {2, 3}, {3, 1})), beyond);
  expect_error(named(tensor(0, {2, 3}, {4, 1})), beyond);
  expect_error(named(tensor(6, {}, {})), beyond);
  expect_error(named(tensor(7, {0}, {1})), beyond);
  expect_error(named(tensor(-1, {1}, {1})), beyond);
  expect_error(named(tensor(most, {2}, {1})), beyond);
  expect_error(named(tensor(most, {}, {})), beyond);
  expect_error(named(tensor(0, {3}, {most})), beyond);
  expect_error(named(tensor(0, {2, 2, 2}, {most, most, most})), beyond);
  expect_error(named(tensor(0, {-2}, {1})), "the integer -2 in a tensor's shape");
  expect_error(named(tensor(5, {2}, {-1})), "the integer -1 in a tensor's strides");
  expect_error(named(tensor(0, {most, most}, {0, 0})), "a shape beyond 64 bits");
  expect_error(named(tensor(0, {most}, {0})), "a shape beyond 64 bits");
  expect_error(named(tensor(0, {2, 3}, {1})), "2 sizes and 1 strides");
  expect_error(named(tensor(0, std::vector<std::int64_t>(65, 1), std::vector<std::int64_t>(65, 1))),
               "more than 64 dimensions");
}

TEST(Unpickler, RefusesTensorsOfOtherArguments) {
  const std::string sizes = tuple({6}) + tuple({1}) + "\x89";
  expect_error(tensor_of(""), "a tensor of 0 arguments");
  expect_error(tensor_of(storage() + "K\1" + sizes), "a tensor of 5 arguments");
  expect_error(tensor_of(storage() + "K\1" + sizes + ordered_dict + "K\1"),
               "the integer 1 as a tensor's metadata");
  expect_error(tensor_of("NK\1" + sizes + ordered_dict), "a tensor of None, not of a storage");
  expect_error(tensor_of(storage() + "N" + sizes + ordered_dict), "None as a tensor's offset");
  expect_error(tensor_of(storage() + "K\1N" + tuple({1}) + "\x89" + ordered_dict),
               "None as a tensor's shape");
  expect_error(tensor_of(storage() + "K\1" + tuple({1}) + "]\x89" + ordered_dict),
               "a list of 0 as a tensor's strides");
  expect_error(tensor_of(storage() + "K\1N\x85" + tuple({1}) + "\x89" + ordered_dict),
               "None in a tensor's shape");
  expect_error(tensor_of(storage() + "K\1" + sizes + ordered_dict + "K\1Ns"),
               "a dictionary of 1 as a tensor's backward hooks");
}

TEST(Unpickler, BoundsWhatItKeeps) {
  expect_error(repeated("N", 100'001), "more than 100000 values on the stack");
  expect_error("}" + repeated("NNs", 500'001), "more than 1000000 values");
  expect_error(repeated("(", 65), "more than 64 open MARKs");
  expect_error("N" + repeated("\x85", 65), "more than 64 containers in one another");
  expect_error("]q" + std::string(1, '\0') + repeated(std::string("h\0a", 3), 65),
               "more than 64 containers in one another");  // a list that holds itself
  expect_error(std::string("Nq\1", 3), "memo 1 follows 0 others");
  expect_error("Nr" + little_endian(0xffffffff, 4), "memo 4294967295 follows 0 others");
  expect_error(std::string("h\0", 2), "there is no memo 0");
  expect_error("Nj" + little_endian(0xffffffff, 4), "there is no memo 4294967295");
  expect_error(repeated(std::string("X\xff\xff\x0f\0", 5) + std::string(0xfffff, 'x'), 17),
               "more than 16777216 bytes");
}

TEST(Unpickler, BoundsTheSumOfAllTensors) {
  std::string body = "}";
  for (int i = 0; i < 3; ++i) body += text(std::to_string(i)) + tensor(0, {120'000}, {0}) + "s";
  expect_error(body, "its tensors need more than");
}

TEST(Unpickler, RefusesAnUnbalancedStack) {
  expect_error("", "STOP: 0 values and 0 MARKs are left over");
  expect_error("NN", "STOP: 2 values");
  expect_error("(N", "1 MARKs");
  expect_error("N.", "data.pkl ends at byte 4, 1 are left over");
  expect_error("q", "BINPUT: nothing on the stack");
  expect_error("t", "TUPLE: no MARK");
  expect_error("N(\x85", "TUPLE1: nothing on the stack");
  expect_error("](NNe", "it holds a list of 2");
  expect_error("N(Ne", "it adds items to None");
  expect_error("NNa", "it adds items to None");
  expect_error("NNNs", "it adds items to None");
  expect_error("}(Nu", "a key without a value");
  expect_error("X\xff\xff\xff\x7f", "2147483647 bytes are needed");
  expect_error("X\x9", "bytes are needed");
}

TEST(Unpickler, RefusesAPickleThatEndsWithoutStop) {
  const std::string bytes = testing::stored_zip({{"a/data.pkl", "\x80\x02N"}, {"a/version", "3\n"}});
  const std::string message =
      testing::error_of(ErrorKind::data, [&] { TorchFile file(std::as_bytes(std::span(bytes)), "x.pt"); });
  EXPECT_NE(message.find("ends at byte 3 without STOP"), std::string::npos) << message;
}

}  // namespace
}  // namespace smlp
