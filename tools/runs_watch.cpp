#include <poll.h>
#include <spdlog/fmt/fmt.h>
#include <spdlog/fmt/ranges.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>
#include <map>
#include <thread>

#include "run_groups.hpp"
#include "runs_commands.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/core/stopwatch.hpp"
#include "smlp/core/text.hpp"

namespace smlp {
namespace {

std::size_t screen_lines() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 2 ? size.ws_row : 24;
}

// The screen from its top, without a flicker of emptiness.
void draw(const std::vector<Row>& rows, const TableOptions& options) {
  const RunTable table = format_runs(rows, options, output_width());
  std::vector<std::string> lines = text_lines(rows.empty() ? "no runs yet" : table.text);
  if (const std::size_t room = screen_lines() - 1; lines.size() > room) {
    const std::size_t hidden = lines.size() - room + 1;
    lines.resize(room - 1);
    lines.push_back(fmt::format("… {} more rows: --filter and --sort choose", hidden));
  }
  std::cout << fmt::format("\x1b[H{}\x1b[K\n\x1b[J", fmt::join(lines, "\x1b[K\n")) << std::flush;
}

// What is worth a line: not every step.
void print_changes(const std::vector<Row>& rows, std::map<std::string, std::string>& printed) {
  for (const Row& row : rows) {
    std::string line = fmt::format("{}  {}", cell_text(row, "run"), cell_text(row, "status"));
    for (const char* column : {"best_top1", "last_top1", "last_loss"})
      if (const std::string text = cell_text(row, column); !text.empty())
        line += fmt::format("  {} {}", column, text);
    std::string& before = printed[row.at("path").get<std::string>()];
    if (line == before) continue;
    before = line;
    std::cout << line << "  epoch " << cell_text(row, "epoch") << "\n";
  }
  std::cout << std::flush;
}

// As in `smlp runs watch | head`, where there may be nothing more to write for hours.
bool nobody_reads() {
  pollfd out{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
  return ::poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

bool goes_on() {
  return stop_signal() == 0 && std::cout && !nobody_reads();
}

void wait(double seconds) {
  for (Stopwatch waited; waited.seconds() < seconds && goes_on();)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

}  // namespace

// Looking takes at most a tenth of the time: the cores are the runs'.
int watch_runs(const ListOptions& options, double seconds) {
  const bool screen = ::isatty(STDOUT_FILENO) == 1;
  std::map<std::string, std::string> printed;
  while (goes_on()) {
    const Stopwatch looking;
    const std::vector<Row> rows = chosen_runs(options);
    if (screen)
      draw(rows, options.table);
    else
      print_changes(rows, printed);
    wait(std::max(seconds, 9 * looking.seconds()));
  }
  return stop_signal() == 0 ? 0 : 128 + stop_signal();
}

}  // namespace smlp
