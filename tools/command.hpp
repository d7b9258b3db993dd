#pragma once
#include <CLI/CLI.hpp>
#include <functional>

namespace smlp {

// Runs a command whose options have been parsed; returns the exit code.
using Action = std::function<int()>;

// Declares a command's options on `app` and returns what runs it.
Action add_train_command(CLI::App& app);
Action add_finetune_command(CLI::App& app);
Action add_probe_command(CLI::App& app);
Action add_eval_command(CLI::App& app);
Action add_predict_command(CLI::App& app);
Action add_bench_command(CLI::App& app);
Action add_selftest_command(CLI::App& app);
Action add_fetch_command(CLI::App& app);
Action add_pack_command(CLI::App& app);
Action add_info_command(CLI::App& app);
Action add_runs_command(CLI::App& app);
Action add_sweep_command(CLI::App& app);
Action add_scaling_command(CLI::App& app);
Action add_viz_command(CLI::App& app);
Action add_import_command(CLI::App& app);
Action add_export_command(CLI::App& app);
Action add_config_command(CLI::App& app);

}  // namespace smlp
