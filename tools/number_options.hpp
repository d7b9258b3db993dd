#pragma once
#include <spdlog/fmt/fmt.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <limits>

namespace smlp {

// CLI11's own ranges let NaN through, since it is neither below nor above anything.
inline CLI::Validator number_between(double least, double most) {
  return {[least, most](std::string& text) {
            double value = std::nan("");
            if (CLI::detail::lexical_cast(text, value) && value >= least && value <= most)
              return std::string();
            return most == std::numeric_limits<double>::max()
                       ? fmt::format("{} is not a number above 0", text)
                       : fmt::format("{} is not a number from {} to {}", text, least, most);
          },
          "NUMBER"};
}

inline const CLI::Validator above_zero =
    number_between(std::numeric_limits<double>::denorm_min(), std::numeric_limits<double>::max());

}  // namespace smlp
