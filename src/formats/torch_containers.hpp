#pragma once
// The two ways in which torch.save lays a pickle and the storages it names in a file. Every storage of the
// result has its bytes, as many as the pickle says. Error(data) starting with `file`.
#include <cstddef>
#include <span>
#include <string>

#include "unpickler.hpp"

namespace smlp {

// A zip archive (PyTorch 1.6 and newer), the checksums of whose records are compared.
Pickle read_torch_archive(std::span<const std::byte> bytes, const std::string& file);

// Pickles and storages one after another, as PyTorch before 1.6 wrote and
// torch.save(…, _use_new_zipfile_serialization=False) writes.
bool is_legacy_torch_file(std::span<const std::byte> bytes);
Pickle read_legacy_torch_file(std::span<const std::byte> bytes, const std::string& file);

}  // namespace smlp
