#include "smlp/train/checkpoint_writer.hpp"

#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <chrono>
#include <memory>

#include "smlp/core/log.hpp"

namespace smlp {
namespace {

NamedTensors host_memory_for(const NamedTensors& tensors) {
  NamedTensors result;
  for (const auto& [name, tensor] : tensors) {
    const auto options = torch::TensorOptions(tensor.scalar_type()).pinned_memory(tensor.is_cuda());
    result.emplace_back(name, torch::empty(tensor.sizes(), options));
  }
  return result;
}

// Reached when what is queued on the parts' device is done; null on a CPU.
std::shared_ptr<c10::Event> queued_until_now(const std::vector<CheckpointPart>& parts) {
  for (const CheckpointPart& part : parts)
    for (const auto& [name, tensor] : part.tensors)
      if (tensor.is_cuda()) {
        auto event = std::make_shared<c10::Event>(c10::kCUDA);
        event->record(c10::impl::VirtualGuardImpl(c10::kCUDA).getStream(tensor.device()));
        return event;
      }
  return nullptr;
}

}  // namespace

CheckpointWriter::~CheckpointWriter() {
  if (writing_.valid()) writing_.wait();
}

// False where there is none: a run that has come so far is to have its checkpoint all the same.
bool CheckpointWriter::make_room(const std::vector<CheckpointPart>& parts) {
  if (!snapshot_.empty()) return true;
  try {
    std::vector<CheckpointPart> room;
    for (const CheckpointPart& part : parts)
      room.push_back({part.name, host_memory_for(part.tensors), part.needed});
    snapshot_ = std::move(room);
    return true;
  } catch (const c10::Error& error) {
    log().warn("the training waits while its checkpoint is written, for there is no memory for a copy: {}",
               error.what_without_backtrace());
    return false;
  }
}

void CheckpointWriter::take_snapshot(const std::vector<CheckpointPart>& parts) {
  const torch::NoGradGuard no_grad;
  for (std::size_t p = 0; p < parts.size(); ++p)
    for (std::size_t i = 0; i < parts[p].tensors.size(); ++i)
      snapshot_[p].tensors[i].second.copy_(parts[p].tensors[i].second.detach(), /*non_blocking=*/true);
}

void CheckpointWriter::start(const std::vector<CheckpointPart>& parts, Write write) {
  wait();
  if (!make_room(parts)) return write(parts);
  take_snapshot(parts);
  writing_ =
      std::async(std::launch::async, [this, copied = queued_until_now(parts), write = std::move(write)] {
        if (copied) copied->synchronize();
        write(snapshot_);
      });
}

void CheckpointWriter::wait() {
  if (writing_.valid()) writing_.get();
}

void CheckpointWriter::check() {
  if (writing_.valid() && writing_.wait_for(std::chrono::seconds(0)) == std::future_status::ready)
    writing_.get();
}

}  // namespace smlp
