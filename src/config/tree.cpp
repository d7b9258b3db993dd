#include "smlp/config/tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <unordered_set>

#include "smlp/core/error.hpp"
#include "smlp/core/text.hpp"

namespace smlp {
namespace {

using Kind = ConfigNode::Kind;

std::size_t count_nodes(const ConfigNode& node) {
  std::size_t count = 1;
  for (const ConfigNode& item : node.items) count += count_nodes(item);
  for (const auto& [key, value] : node.entries) count += 1 + count_nodes(value);
  return count;
}

int depth_of(const ConfigNode& node) {
  int deepest = 0;
  for (const ConfigNode& item : node.items) deepest = std::max(deepest, depth_of(item));
  for (const auto& [key, value] : node.entries) deepest = std::max(deepest, depth_of(value));
  return 1 + deepest;
}

// Builds the tree from yaml-cpp's events, which carry a position for everything; its own Node API does not.
class TreeBuilder : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const std::string& source) : source_(std::make_shared<const std::string>(source)) {}

  ConfigNode take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add({Kind::null, origin(mark)}, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    ConfigNode node{Kind::scalar, origin(mark), value};
    node.quoted = tag != "?";
    add(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    auto found = anchors_.find(anchor);
    if (found == anchors_.end()) refuse(mark, "this alias lies inside what it names");
    count(mark, count_nodes(found->second));
    if (open_.size() + depth_of(found->second) > max_config_depth) refuse_depth(mark);
    place(ConfigNode(found->second));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin({Kind::list, origin(mark)}, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin({Kind::map, origin(mark)}, anchor);
  }
  void OnMapEnd() override { end(); }

 private:
  struct Frame {
    ConfigNode node;
    YAML::anchor_t anchor;
    bool has_key = false;
    std::string key;
    std::unordered_set<std::string> keys;
  };

  Origin origin(const YAML::Mark& mark) const { return {source_, mark.line + 1, mark.column + 1}; }
  [[noreturn]] void refuse(const YAML::Mark& mark, const std::string& why) const {
    fail(ErrorKind::usage, "{}: {}", origin(mark).text(), why);
  }
  [[noreturn]] void refuse_depth(const YAML::Mark& mark) const {
    refuse(mark, fmt::format("nested more than {} levels deep", max_config_depth));
  }
  void count(const YAML::Mark& mark, std::size_t nodes) {
    nodes_ += nodes;
    if (nodes_ > max_config_nodes) refuse(mark, fmt::format("more than {} values", max_config_nodes));
  }
  static YAML::Mark mark_of(const ConfigNode& node) {
    YAML::Mark mark;
    mark.line = node.origin.line - 1;
    mark.column = node.origin.column - 1;
    return mark;
  }
  void begin(ConfigNode node, YAML::anchor_t anchor) {
    count(mark_of(node), 1);
    if (open_.size() >= max_config_depth) refuse_depth(mark_of(node));
    open_.push_back({std::move(node), anchor, false, {}, {}});
  }
  void end() {
    Frame frame = std::move(open_.back());
    open_.pop_back();
    resolve_merge(frame.node);
    if (frame.anchor != 0) anchors_[frame.anchor] = frame.node;
    place(std::move(frame.node));
  }
  // `<<` brings the keys of one section, or of several in a list, that the section does not say itself.
  void resolve_merge(ConfigNode& map) {
    const auto merge = std::ranges::find(map.entries, "<<", [](const auto& entry) { return entry.first; });
    if (merge == map.entries.end()) return;
    const ConfigNode value = std::move(merge->second);
    map.entries.erase(merge);
    for (const ConfigNode& each : value.kind == Kind::list ? value.items : std::vector{value}) {
      if (each.kind != Kind::map) refuse(mark_of(each), "'<<' takes a section, or a list of sections");
      for (const auto& entry : each.entries)
        if (map.find(entry.first) == nullptr) map.entries.push_back(entry);
    }
  }
  void add(ConfigNode node, YAML::anchor_t anchor) {
    count(mark_of(node), 1);
    if (anchor != 0) anchors_[anchor] = node;
    place(std::move(node));
  }
  void place(ConfigNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = open_.back();
    if (frame.node.kind == Kind::list) {
      frame.node.items.push_back(std::move(node));
    } else if (!frame.has_key) {
      if (node.kind != Kind::scalar) refuse(mark_of(node), "a key must be a word");
      if (!frame.keys.insert(node.text).second)
        refuse(mark_of(node), fmt::format("'{}' is said twice in the same section; keep one", node.text));
      frame.key = node.text;
      frame.has_key = true;
    } else {
      frame.node.entries.emplace_back(std::move(frame.key), std::move(node));
      frame.has_key = false;
    }
  }

  std::shared_ptr<const std::string> source_;
  ConfigNode root_;
  std::vector<Frame> open_;
  std::map<YAML::anchor_t, ConfigNode> anchors_;
  std::size_t nodes_ = 0;
};

std::vector<std::string> split_path(const std::string& path, const std::string& origin) {
  std::vector<std::string> parts;
  std::stringstream stream(path + ".");
  for (std::string part; std::getline(stream, part, '.');) {
    if (part.empty() || parts.size() >= max_config_depth)
      fail(ErrorKind::usage, "{}: '{}' is not a key; write it as section.key=value", origin, path);
    parts.push_back(part);
  }
  return parts;
}

ConfigNode nest(const std::vector<std::string>& parts, ConfigNode value, const std::string& source) {
  const Origin origin{std::make_shared<const std::string>(source)};
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    ConfigNode map{Kind::map, origin};
    map.entries.emplace_back(*part, std::move(value));
    value = std::move(map);
  }
  return value;
}

void set_origin(ConfigNode& node, const Origin& origin) {
  node.origin = origin;
  for (ConfigNode& item : node.items) set_origin(item, origin);
  for (auto& [key, value] : node.entries) set_origin(value, origin);
}

void check_utf8(const std::string& value, const std::string& origin) {
  if (!is_utf8(value))
    fail(ErrorKind::usage,
         "{}: not UTF-8, which a configuration is written in: rename the file or folder, or give a symbolic "
         "link to it",
         printable(origin));
}

// A word is the whole value: the shell has cut comments already.
ConfigNode value_of(const std::string& text, const std::string& source) {
  ConfigNode value = parse_yaml(text, source);
  const bool comment_alone =
      value.kind == Kind::map && value.entries.empty() && text.find('{') == std::string::npos;
  const bool word =
      (value.kind == Kind::scalar && !value.quoted) || value.kind == Kind::null || comment_alone;
  const std::size_t begin = text.find_first_not_of(" \t\n"), end = text.find_last_not_of(" \t\n");
  if (!word || text.find('#') == std::string::npos || begin == std::string::npos) return value;
  return {Kind::scalar, value.origin, text.substr(begin, end - begin + 1)};
}

bool names_differ(const ConfigNode& a, const ConfigNode& b) {
  const ConfigNode* name_a = a.find("name");
  const ConfigNode* name_b = b.find("name");
  return name_b != nullptr && (name_a == nullptr || name_a->text != name_b->text);
}

void add_override(ConfigNode& base, ConfigNode over, const std::string& path) {
  for (auto& [key, value] : over.entries) {
    ConfigNode* present = base.find(key);
    const std::string key_path = path.empty() ? key : path + "." + key;
    if (present == nullptr)
      base.entries.emplace_back(key, std::move(value));
    else if (present->kind == Kind::map && value.kind == Kind::map)
      add_override(*present, std::move(value), key_path);
    else
      fail(ErrorKind::usage, "{}: {} is already set by {}; keep one", value.origin.text(), key_path,
           present->origin.text());
  }
}

}  // namespace

std::string Origin::text() const {
  if (!source) return "default";
  return line == 0 ? *source : fmt::format("{}:{}:{}", *source, line, column);
}

const ConfigNode* ConfigNode::find(std::string_view key) const {
  for (const auto& [name, value] : entries)
    if (name == key) return &value;
  return nullptr;
}

ConfigNode* ConfigNode::find(std::string_view key) {
  return const_cast<ConfigNode*>(static_cast<const ConfigNode*>(this)->find(key));
}

ConfigNode parse_yaml(std::string_view text, const std::string& source) {
  if (text.size() > max_config_bytes)
    fail(ErrorKind::usage, "{}: {} bytes; a configuration has at most {}", source, text.size(),
         max_config_bytes);
  const bool utf16 = text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff");
  if (!utf16 && !is_utf8(text))
    fail(ErrorKind::usage, "{}: it is not UTF-8: save it in that encoding", source);
  try {
    std::stringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    TreeBuilder builder(source);
    if (!parser.HandleNextDocument(builder))
      return {Kind::map, {std::make_shared<const std::string>(source), 1, 1}};
    TreeBuilder second(source);
    if (parser.HandleNextDocument(second))
      fail(ErrorKind::usage, "{}: more than one document; keep one", source);
    return builder.take();
  } catch (const YAML::Exception& e) {
    fail(ErrorKind::usage, "{}:{}:{}: not valid YAML: {}{}", source, e.mark.line + 1, e.mark.column + 1,
         e.msg,
         text.find("\n\t") == std::string_view::npos ? "" : "; lines begin with tabs, YAML takes spaces");
  }
}

ConfigNode parse_override(const std::string& assignment) {
  const std::string source = "--set " + assignment;
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos)
    fail(ErrorKind::usage, "{}: no '='; write it as section.key=value", source);
  check_utf8(assignment, source);
  ConfigNode value = value_of(assignment.substr(equals + 1), source);
  if (value.kind == Kind::map && value.entries.empty() && assignment.find('{', equals) == std::string::npos)
    fail(ErrorKind::usage, "{}: no value after '='; write null for none, or '' for an empty text", source);
  set_origin(value, {std::make_shared<const std::string>(source)});
  return nest(split_path(assignment.substr(0, equals), source), std::move(value), source);
}

ConfigNode make_override(const std::string& path, const std::string& value, const std::string& origin) {
  check_utf8(value, origin);
  ConfigNode node{.kind = Kind::scalar, .origin = {}, .text = value};
  set_origin(node, {std::make_shared<const std::string>(origin)});
  return nest(split_path(path, origin), std::move(node), origin);
}

ConfigNode make_override(const std::string& path, ConfigNode value, const std::string& origin) {
  return nest(split_path(path, origin), std::move(value), origin);
}

void merge(ConfigNode& base, ConfigNode over, std::span<const std::string> families) {
  for (auto& [key, value] : over.entries) {
    ConfigNode* present = base.find(key);
    if (present == nullptr) {
      base.entries.emplace_back(key, std::move(value));
      continue;
    }
    const bool family = std::find(families.begin(), families.end(), key) != families.end();
    const bool merged =
        present->kind == Kind::map && value.kind == Kind::map && !(family && names_differ(*present, value));
    if (merged)
      merge(*present, std::move(value), {});
    else
      *present = std::move(value);
  }
}

ConfigNode combine_overrides(std::vector<ConfigNode> overrides) {
  ConfigNode all{Kind::map, {std::make_shared<const std::string>("command line")}};
  for (ConfigNode& one : overrides) add_override(all, std::move(one), "");
  return all;
}

}  // namespace smlp
