#pragma once
#include <string>

#include "smlp/pack/pack.hpp"

namespace smlp {

// Out of range, or contradicting one another: Error(usage).
void check_pack_options(const PackOptions& options);

// Given without `source` understanding them, or negative: Error(usage).
void check_source_options(const SourceOptions& options, const DataSource& source);

// Everything that decides what is written, as JSON, so that only the same job goes on where another stopped.
std::string pack_job_text(const PackOptions& options);

}  // namespace smlp
