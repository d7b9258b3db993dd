// What a program of one's own does with the installed library: trains, evaluates, saves, times a step.
#include <iostream>

#include "smlp/analysis/benchmarks.hpp"
#include "smlp/data/open_dataset.hpp"
#include "smlp/train/config_files.hpp"
#include "smlp/train/evaluator.hpp"
#include "smlp/train/import_weights.hpp"
#include "smlp/train/saved_model.hpp"
#include "smlp/train/session.hpp"

int main(int, char** argv) {
  using namespace smlp;
  RunConfig config = load_run_config("quickstart.yaml",
                                     {parse_override("data.per_class=50"), parse_override("device.type=cpu"),
                                      parse_override("train.epochs=2"), parse_override("model.depth=2"),
                                      make_override("run.output", argv[1], "consumer")});
  const Outcome outcome = run_session(std::move(config));
  const SavedModel saved = open_saved_model(outcome.run, /*best=*/false);
  const auto result =
      evaluate(*saved.model, Device{}, open_dataset(saved.config.data.root, "test"), {},
               saved.state.normalization, {.image_size = static_cast<int>(saved.config.data.image_size)});
  export_weights(saved.checkpoint, std::filesystem::path(argv[1]) / "exported", /*pt=*/false);
  std::cout << "steps " << outcome.step << ", images " << result->images << ", top1 " << result->top1 << "\n";
  std::cout << bench_step(saved.config, {.classes = 10, .repeats = 1, .repeat_seconds = 0.01}).images_per_s
            << " images/s\n";
}
