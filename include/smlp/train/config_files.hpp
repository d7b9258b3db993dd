#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "smlp/config/tree.hpp"
#include "smlp/train/run_config.hpp"

namespace smlp {

// `file`: a path (a pipe too, and "-" for standard input), a run or a checkpoint, whose configuration is
// taken, or the bare name of a shipped config; none: the defaults. A `base: FILE` key (one level;
// looked up beside the file, then among the shipped ones) is laid below it, `overrides` above. A model.name
// that is a preset's, such as "B-12/1024", sets that preset's keys unless its own layer sets them too. Keys
// of earlier versions are read under their present names. `layer` lies between the file and the overrides.
RunConfig load_run_config(const std::optional<std::string>& file, std::vector<ConfigNode> overrides,
                          Origins* origins = nullptr, std::optional<ConfigNode> layer = std::nullopt);

// A file's document as it stands. An unreadable one: Error(usage).
ConfigNode read_document(const std::filesystem::path& file);

// A document or section that is made of a configuration, laid on its base, which is looked up beside `file`
// and may have a base as any file. The keys are not looked at, and may be others than a run's.
ConfigNode with_base(ConfigNode document, const std::filesystem::path& file);

// The configuration that such a document says, under overrides.
RunConfig make_run_config(ConfigNode document, std::vector<ConfigNode> overrides, Origins* origins = nullptr);

// Lays one document on another, as a file is on its base.
void lay_on(ConfigNode& base, ConfigNode over);

// The same from the YAML a checkpoint carries.
RunConfig parse_run_config(const std::string& yaml, const std::string& source,
                           std::vector<ConfigNode> overrides);

// A second one of the same values but the overrides'.
RunConfig copy_of(const RunConfig& config, std::vector<ConfigNode> overrides = {});

std::vector<std::string> shipped_configs();  // file names, sorted

// The file, or the checkpoint's folder, that `file` stands for; nothing there: Error(usage) with the nearest
// shipped name; something else: with what it is.
std::filesystem::path find_config(const std::string& file);

// Gives keys of earlier versions their present names, in one document or layer: model.init_from is init.from,
// and so on. Both names at once: Error(usage).
void rename_old_keys(ConfigNode& layer);

}  // namespace smlp
