#include "smlp/run/sessions.hpp"

#include <unistd.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "smlp/core/error.hpp"
#include "smlp/core/files.hpp"
#include "smlp/core/host.hpp"
#include "smlp/formats/json.hpp"
#include "smlp/run/surroundings.hpp"

namespace smlp {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t max_env_bytes = 64 << 20;
constexpr int max_env_depth = 16;

// The words that this process was started with; none where the system does not say.
std::vector<std::string> arguments() {
  std::vector<std::string> words;
  try {
    const std::string line = read_file("/proc/self/cmdline", 64 << 20);
    for (std::size_t begin = 0; begin < line.size(); begin += words.back().size() + 1)
      words.emplace_back(line.c_str() + begin);
  } catch (const Error&) {
  }
  return words;
}

// What `parse` makes of env.json's text.
template <class Parse>
auto parse_env(const fs::path& run, const Parse& parse) {
  const fs::path file = run / "env.json";
  const std::string text = read_file(file, max_env_bytes);
  try {
    return parse(text, file.string());
  } catch (const Error& error) {
    fail(error.kind(), "{}; it is damaged: move it away, and the run goes on without its list of sessions",
         error.what());
  }
}

void write_env(const fs::path& file, const Json& env) {
  write_file_atomically(file, json_text(env, 2) + "\n");
}

Json new_session() {
  Json session{{"command", shell_line(arguments())},
               {"host", host_name()},
               {"process", ::getpid()},
               {"start", utc_time()}};
  if (Json job = slurm_job(); !job.is_null()) session["slurm"] = std::move(job);
  if (Json place = container(); !place.is_null()) session["container"] = std::move(place);
  return session;
}

RunSession session_from_json(const nlohmann::json& json) {
  RunSession session;
  json.at("command").get_to(session.command);
  json.at("host").get_to(session.host);
  json.at("start").get_to(session.start);
  const nlohmann::json& process = json.at("process");
  if (process.is_number_integer()) session.process = process.get<std::int64_t>();
  session.end = json.value("end", "");
  session.exit = json.value("exit", "");
  session.reason = json.value("reason", "");
  return session;
}

}  // namespace

std::string utc_time() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

std::string shell_line(const std::vector<std::string>& words) {
  static const std::string plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+./,:=@%";
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

Json read_env(const fs::path& run) {
  return parse_env(run, [](const std::string& text, const std::string& name) {
    parse_sessions(text, name);  // refuses what is damaged
    return Json::parse(text);    // in the order of its keys
  });
}

std::int64_t images_of_epoch(const fs::path& run, const SubsetConfig& subset) {
  const Json env = read_env(run);
  const bool all = subset.fraction == 1 && subset.per_class == 0 && subset.holdout == 0;
  for (const char* key : {"/train/used", "/train/images"}) {
    const Json::json_pointer images(key);
    if (env.contains(images) && env[images].is_number()) return env[images].get<std::int64_t>();
    if (!all) break;
  }
  fail(ErrorKind::data, "{} does not say how many images an epoch had", (run / "env.json").string());
}

Json with_new_session(const fs::path& run) {
  Json sessions = Json::array();
  if (fs::exists(run / "env.json")) sessions = read_env(run).value("sessions", sessions);
  sessions.push_back(new_session());
  return sessions;
}

void end_last_session(const fs::path& run, SessionEnd end, const std::string& reason) {
  static constexpr const char* names[] = {"finished", "stopped", "failed"};
  Json env = read_env(run);
  if (!env.contains("sessions") || env["sessions"].empty()) return;  // taken out since by somebody
  Json& last = env["sessions"].back();
  last["end"] = utc_time();
  last["exit"] = names[static_cast<int>(end)];
  if (!reason.empty()) last["reason"] = reason;
  write_env(run / "env.json", env);
}

std::vector<RunSession> read_sessions(const fs::path& run) {
  if (!fs::exists(run / "env.json")) return {};
  return parse_env(run, parse_sessions);
}

std::vector<RunSession> parse_sessions(std::string_view text, const std::string& name) {
  const nlohmann::json env = parse_json(text, name, max_env_depth);
  std::vector<RunSession> sessions;
  try {
    if (!env.is_object()) fail(ErrorKind::data, "{}: it is no object of keys", name);
    const auto found = env.find("sessions");
    if (found == env.end()) return sessions;
    if (!found->is_array()) fail(ErrorKind::data, "{}: sessions is no list", name);
    for (const nlohmann::json& each : *found) sessions.push_back(session_from_json(each));
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::data, "{}: sessions: {}", name, error.what());
  }
  return sessions;
}

}  // namespace smlp
