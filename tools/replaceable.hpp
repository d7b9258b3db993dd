#pragma once
#include <string>
#include <string_view>

namespace smlp {

// How the files begin that commands write.
inline constexpr const char* npy_start = "\x93NUMPY";
inline constexpr const char* predictions_start = "name,label";
inline constexpr const char* confusion_start = "label,predicted,count\n";

// An output may replace an earlier output of its kind, or an empty file; anything else that is there, such as
// an image that was meant as an input or a file of the run, is not lost: Error(usage).
void check_replaceable(const std::string& path, std::string_view start);

// The same of a float32 [N, M], written as NumPy's format whatever the file is called: another ending, or an
// array of another kind there, is Error(usage).
void check_array(const std::string& option, const std::string& path);

}  // namespace smlp
