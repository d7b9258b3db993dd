#include "smlp/core/text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace smlp {
namespace {

TEST(Utf8, AcceptsWellFormedTextOnly) {
  for (const char* good :
       {"", "a", "größe", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"})
    EXPECT_TRUE(is_utf8(good)) << good;
  for (const char* bad : {"\x80", "\xc3", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xe2\x82",
                          "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe2(\xa1"})
    EXPECT_FALSE(is_utf8(bad)) << printable(bad);
}

TEST(Printable, HidesControlCharactersAndForeignBytes) {
  EXPECT_EQ(printable("größe"), "größe");
  EXPECT_EQ(printable("a\x1b[2Jb\n"), "a\\x1b[2Jb\\x0a");
  EXPECT_EQ(printable("gr\xf6sse"), "gr\\xf6sse");
}

TEST(Text, LinesOfAFileFromWindowsAreThoseOfOneFromElsewhere) {
  const std::vector<std::string> lines{"cat", " dog ", "owl"};
  for (const char* text : {"cat\n dog \nowl\n",
                           "\xEF\xBB\xBF"
                           "cat\r\n dog \r\nowl",
                           "cat\r dog \r\rowl\n\n"})
    EXPECT_EQ(text_lines(text), lines) << text;
  EXPECT_TRUE(text_lines("\xEF\xBB\xBF").empty());
}

TEST(DisplayWidth, CountsTheColumnsOfATerminal) {
  for (const auto& [text, columns] :
       {std::pair("", 0), std::pair("abc", 3), std::pair("größe", 5), std::pair("猫", 2),
        std::pair("한글", 4), std::pair("e\u0301", 1), std::pair("😀", 2), std::pair("gr\xf6sse", 6)})
    EXPECT_EQ(display_width(text), static_cast<std::size_t>(columns)) << text;
}

TEST(DisplayWidth, CutsBetweenWholeCharacters) {
  EXPECT_EQ(cut_to_width("größe", 3), "grö");
  EXPECT_EQ(cut_to_width("猫と犬", 3), "猫");
  EXPECT_EQ(cut_to_width("e\u0301a", 1), "e\u0301");
  EXPECT_EQ(cut_to_width("abc", 9), "abc");
}

}  // namespace
}  // namespace smlp
