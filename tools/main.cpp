#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>
#include <vector>

#include "command.hpp"
#include "refusals.hpp"
#include "smlp/core/error.hpp"
#include "smlp/core/log.hpp"
#include "smlp/core/paths.hpp"
#include "smlp/core/signals.hpp"
#include "smlp/core/standard_output.hpp"
#include "smlp/core/standard_streams.hpp"
#include "smlp/core/version.hpp"
#include "smlp/device/errors.hpp"
#include "smlp/device/patient_waiting.hpp"

namespace {

using namespace smlp;

struct CommandRow {
  const char* name;
  const char* summary;
  Action (*add)(CLI::App&);
};

constexpr std::array command_table{
    CommandRow{"train", "train a model from a configuration", add_train_command},
    CommandRow{"finetune", "train a checkpoint's model on another data set", add_finetune_command},
    CommandRow{"probe", "train a new head on a checkpoint's features", add_probe_command},
    CommandRow{"eval", "measure a trained model on a data set", add_eval_command},
    CommandRow{"predict", "say what images show, by a trained model", add_predict_command},
    CommandRow{"bench", "time a step, the loader or models, and compare", add_bench_command},
    CommandRow{"selftest", "check that this machine trains as it should", add_selftest_command},
    CommandRow{"fetch", "download a data set's archive or published weights", add_fetch_command},
    CommandRow{"pack", "turn a raw data set into a packed one", add_pack_command},
    CommandRow{"info", "describe a model, a checkpoint, a data set, or this system", add_info_command},
    CommandRow{"runs", "table, compare, follow and delete runs", add_runs_command},
    CommandRow{"sweep", "train a grid of runs and what follows each", add_sweep_command},
    CommandRow{"scaling", "fit scaling laws, and plan by them", add_scaling_command},
    CommandRow{"viz", "draw the first layer's weights", add_viz_command},
    CommandRow{"import", "make a checkpoint of published weights (.pt, safetensors)", add_import_command},
    CommandRow{"export", "write a checkpoint's weights for other programs", add_export_command},
    CommandRow{"config", "show a resolved configuration, or every key", add_config_command},
};

int report(ErrorKind kind, const std::string& message) {
  log().error("{}", message);
  return static_cast<int>(kind);
}

int run_guarded(const Action& action) {
  try {
    return with_errors(action);
  } catch (const Interrupted& error) {
    report(error.kind(), error.what());
    return 128 + stop_signal();
  } catch (const Error& error) {
    return report(error.kind(), error.what());
  }
}

int refuse_unknown_command(const std::string& word) {
  std::vector<std::string> names;
  for (const CommandRow& row : command_table) names.emplace_back(row.name);
  return report(ErrorKind::usage, unknown_command(word, names));
}

// "~/" of a word that the shell left as it is: in quotes, or after "--data=".
std::string with_home(const std::string& word) {
  const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string::npos;
  const std::size_t begin = equals == std::string::npos ? 0 : equals + 1;
  return word.substr(0, begin) + expand_home(word.substr(begin));
}

int run_command(int argc, const char* const* argv) {
  CLI::App app{"Trains and studies multi-layer perceptrons at scale.", "smlp"};
  app.require_subcommand(1);
  app.set_version_flag("--version", fmt::format("smlp {} {}", version(), git_revision()));
  std::array<Action, command_table.size()> actions;
  std::array<CLI::App*, command_table.size()> apps;
  for (std::size_t i = 0; i < command_table.size(); ++i) {
    apps[i] = app.add_subcommand(command_table[i].name, command_table[i].summary);
    actions[i] = command_table[i].add(*apps[i]);
  }
  const auto is_named = [&](const CommandRow& row) { return argc > 1 && row.name == std::string(argv[1]); };
  if (argc > 1 && argv[1][0] != '-' && std::none_of(command_table.begin(), command_table.end(), is_named))
    return refuse_unknown_command(argv[1]);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    return report(ErrorKind::usage, refusal(app, error));
  }
  catch_stop_signals();
  report_lost_mappings();
  for (std::size_t i = 0; i < command_table.size(); ++i)
    if (apps[i]->parsed()) return run_guarded(actions[i]);
  return static_cast<int>(ErrorKind::usage);
}

// The exit code.
int run_program(int argc, char** argv) {
  open_standard_streams();
  report_size_limits();
  const PatientWaiting waiting;
  StandardOutput output;
  std::vector<std::string> words = spread_assignments({argv, argv + argc});
  std::vector<const char*> arguments;
  const int code = run_guarded([&] {
    for (std::string& word : words) arguments.push_back((word = with_home(word)).c_str());
    return run_command(static_cast<int>(arguments.size()), arguments.data());
  });
  const int error = output.flush();
  if (error == EPIPE) return 128 + SIGPIPE;  // whoever read has left
  if (error == 0) return code;
  const int lost = report(ErrorKind::failed, fmt::format("cannot write standard output: {}",
                                                         std::generic_category().message(error)));
  return code == 0 ? lost : code;
}

}  // namespace

// Without the destructors of static objects: LibTorch's take its operators out of its tables one by one, for
// a tenth of a second.
int main(int argc, char** argv) {
  const int code = run_program(argc, argv);
  std::fflush(nullptr);
  std::_Exit(code);
}
