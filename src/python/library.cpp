// What the Python module is made of: torch.classes.smlp and torch.ops.smlp. They need none of Python's
// headers, so that one library serves every Python.
#include <torch/custom_class.h>
#include <torch/library.h>

#include "image_stream.hpp"
#include "network.hpp"
#include "packed_images.hpp"
#include "run_writer.hpp"
#include "smlp/core/error.hpp"
#include "smlp/device/fused.hpp"
#include "smlp/train/loss.hpp"
#include "smlp/train/run_folder.hpp"

namespace smlp {
namespace {

torch::Tensor loss_of(const torch::Tensor& logits, const torch::Tensor& labels,
                      const std::optional<torch::Tensor>& partners, const std::optional<torch::Tensor>& share,
                      double label_smoothing) {
  if (!(label_smoothing >= 0 && label_smoothing <= 1))
    fail(ErrorKind::usage, "label_smoothing is {}, expected 0 to 1", label_smoothing);
  const auto given = [](const std::optional<torch::Tensor>& each) { return each.value_or(torch::Tensor()); };
  return cross_entropy(logits, {labels, given(partners), given(share)}, label_smoothing).mean;
}

// The folder a run of this configuration is written to, named now if it has no name yet.
std::tuple<std::string, std::string> run_place(const std::string& source,
                                               const std::vector<std::string>& settings) {
  const RunConfig config = config_of(source, settings);
  return {config.run.output, config.run.name.value_or(default_run_name(config))};
}

// The kernels of our own are for the trainer's step: not every use of autograd is made for them.
const bool without_kernels = (set_fused_kernels(false), true);

TORCH_LIBRARY(smlp, library) {
  library.class_<Network>("Network")
      .def_static("load", &Network::load)
      .def("copy", &Network::copy)
      .def("features", &Network::features)
      .def("head", &Network::head)
      .def("forward", &Network::forward)
      .def("train", &Network::train)
      .def("parameters", &Network::parameters)
      .def("buffers", &Network::buffers)
      .def("config", &Network::config)
      .def("checkpoint", &Network::checkpoint)
      .def("classes", &Network::classes)
      .def("image_size", &Network::image_size)
      .def("mean", &Network::mean)
      .def("std", &Network::std);
  library.class_<ImageStream>("ImageStream")
      .def(torch::init<std::string, std::vector<std::string>, std::string, torch::Device, std::int64_t,
                       std::int64_t>())
      .def("next", &ImageStream::next)
      .def("step", &ImageStream::step)
      .def("seek", &ImageStream::seek)
      .def("step_of_epoch", &ImageStream::step_of_epoch)
      .def("epochs_at", &ImageStream::epochs_at)
      .def("config", &ImageStream::config)
      .def("batch_size", &ImageStream::batch_size)
      .def("seed", &ImageStream::seed)
      .def("epochs", &ImageStream::epochs)
      .def("images", &ImageStream::images)
      .def("image_size", &ImageStream::image_size)
      .def("classes", &ImageStream::classes)
      .def("mean", &ImageStream::mean)
      .def("std", &ImageStream::std);
  library.class_<PackedImages>("PackedImages")
      .def(torch::init<std::string, std::string>())
      .def("images", &PackedImages::images)
      .def("labels", &PackedImages::labels)
      .def("classes", &PackedImages::classes)
      .def("mean", &PackedImages::mean)
      .def("std", &PackedImages::std)
      .def("description", &PackedImages::description);
  library.class_<RunWriter>("RunWriter")
      .def(torch::init<c10::intrusive_ptr<ImageStream>>())
      .def("folder", &RunWriter::folder)
      .def("log", &RunWriter::log)
      .def("save", &RunWriter::save)
      .def("end", &RunWriter::end);
  library.def("cross_entropy", loss_of);
  library.def("render", render);
  library.def("run_place", run_place);
}

}  // namespace
}  // namespace smlp
