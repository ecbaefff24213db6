//! The operator's changes: `policy.yaml` (or `policy.json`) and the files of `policy.d`, read whole.
//!
//! What the checks mean is not known here; [`super::set`] reads them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_norway::Value;

use crate::config::PolicyConfig;

use super::PolicyError;

/// One rule of a file: its check, and the file, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    pub check: String,
    pub file: PathBuf,
}

/// What the files looked like when they were read; if it changes, they are read again.
pub type Stamp = Vec<(PathBuf, Option<SystemTime>, u64)>;

/// The rules of all files by name; a later file wins. Files that do not exist change nothing.
pub fn read(config: &PolicyConfig) -> Result<BTreeMap<String, Override>, PolicyError> {
    let mut rules = BTreeMap::new();
    for file in files(config)? {
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(PolicyError::Unreadable { file, source }),
        };
        for (name, check) in parse(&text, &file)? {
            rules.insert(name, Override { check, file: file.clone() });
        }
    }
    Ok(rules)
}

/// The present stamp. A file that cannot be looked at counts as absent: reading it will say why.
pub fn stamp(config: &PolicyConfig) -> Stamp {
    let look = |file: PathBuf| {
        let metadata = std::fs::metadata(&file).ok()?;
        Some((file, metadata.modified().ok(), metadata.len()))
    };
    files(config).unwrap_or_default().into_iter().filter_map(look).collect()
}

/// The files in the order in which they are read.
fn files(config: &PolicyConfig) -> Result<Vec<PathBuf>, PolicyError> {
    let mut found: Vec<PathBuf> = config.file.as_deref().map(or_json).into_iter().collect();
    for dir in &config.dirs {
        let unreadable = |source| PolicyError::Unreadable { file: dir.clone(), source };
        let entries = match std::fs::read_dir(dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(unreadable(source)),
        };
        let mut here = Vec::new();
        for entry in entries {
            let path = entry.map_err(unreadable)?.path();
            let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if !hidden && path.is_file() {
                here.push(path);
            }
        }
        here.sort();
        found.append(&mut here);
    }
    Ok(found)
}

/// Sites that come from older releases have `policy.json` under the default setting `policy.yaml`.
fn or_json(file: &Path) -> PathBuf {
    if file.file_name().is_some_and(|name| name == "policy.yaml") && !file.exists() {
        let json = file.with_file_name("policy.json");
        if json.exists() {
            return json;
        }
    }
    file.to_path_buf()
}

/// YAML is read, and JSON with it, being a part of YAML.
fn parse(text: &str, file: &Path) -> Result<Vec<(String, String)>, PolicyError> {
    let broken = |why: String| PolicyError::NotPolicy { file: file.to_path_buf(), why };
    let document: Value = serde_norway::from_str(text).map_err(|error| broken(error.to_string()))?;
    let rules = match document {
        Value::Null => return Ok(Vec::new()),
        Value::Mapping(rules) => rules,
        _ => return Err(broken("the file is no list of `\"rule\": \"check\"` lines".to_owned())),
    };
    let mut found = Vec::new();
    for (name, check) in rules {
        let Value::String(name) = name else {
            return Err(broken(format!("{name:?} is no name of a rule")));
        };
        let check = text_of(&check).ok_or_else(|| {
            broken(format!(
                "rule {name:?} has no check in quotes; write \"\" to allow everybody, \"!\" to allow nobody"
            ))
        })?;
        found.push((name, check));
    }
    Ok(found)
}

/// A check is text; the oldest files have a list (or) of lists (and) of single checks.
fn text_of(value: &Value) -> Option<String> {
    let single = |value: &Value| match value {
        Value::String(text) if !text.contains(char::is_whitespace) => Some(text.clone()),
        _ => None,
    };
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Sequence(any) => {
            let mut alternatives = Vec::new();
            for all in any {
                match all {
                    Value::Sequence(all) if all.is_empty() => {}
                    Value::Sequence(all) => {
                        alternatives.push(all.iter().map(single).collect::<Option<Vec<_>>>()?.join(" and "));
                    }
                    one => alternatives.push(single(one)?),
                }
            }
            Some(alternatives.join(" or "))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Result<Vec<(String, String)>, String> {
        parse(text, Path::new("/p/policy.yaml")).map_err(|error| error.to_string())
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, check)| ((*name).to_owned(), (*check).to_owned())).collect()
    }

    #[test]
    fn yaml_and_json_are_read_alike() {
        let expected = pairs(&[("get_image", "role:reader"), ("add_image", "!")]);
        assert_eq!(rules("# comment\nget_image: role:reader\n\"add_image\": \"!\"\n").unwrap(), expected);
        assert_eq!(rules("{\"get_image\": \"role:reader\", \"add_image\": \"!\"}").unwrap(), expected);
    }

    #[test]
    fn an_empty_file_changes_nothing() {
        assert_eq!(rules("# only a comment\n").unwrap(), []);
        assert_eq!(rules("").unwrap(), []);
    }

    #[test]
    fn lists_of_lists_become_or_and_and() {
        let text = r#"{"a": [["role:x", "role:y"], "role:z", []], "b": []}"#;
        assert_eq!(rules(text).unwrap(), pairs(&[("a", "role:x and role:y or role:z"), ("b", "")]));
    }

    #[test]
    fn a_rule_without_a_check_is_refused_by_name() {
        let said = rules("get_image:\n").unwrap_err();
        assert!(said.contains("get_image") && said.contains("/p/policy.yaml"), "{said}");
        assert!(rules("get_image: true").is_err());
        assert!(rules("- a\n- b\n").is_err());
        assert!(rules("{\"a\": ").is_err());
    }

    #[test]
    fn a_later_file_wins_and_hidden_files_are_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let drop_in = dir.path().join("policy.d");
        std::fs::create_dir(&drop_in).unwrap();
        std::fs::write(dir.path().join("policy.yaml"), "a: role:file\nb: role:file\n").unwrap();
        std::fs::write(drop_in.join("20-x.yaml"), "a: role:twenty\n").unwrap();
        std::fs::write(drop_in.join("10-x.yaml"), "a: role:ten\n").unwrap();
        std::fs::write(drop_in.join(".swp"), "a: role:swap\n").unwrap();
        let config = PolicyConfig {
            file: Some(dir.path().join("policy.yaml")),
            dirs: vec![drop_in.clone(), dir.path().join("missing.d")],
            ..PolicyConfig::default()
        };
        let read = read(&config).unwrap();
        assert_eq!(read["a"], Override { check: "role:twenty".into(), file: drop_in.join("20-x.yaml") });
        assert_eq!(read["b"].check, "role:file");
    }

    #[test]
    fn policy_json_is_read_where_policy_yaml_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("policy.json"), "{\"a\": \"@\"}").unwrap();
        let file = Some(dir.path().join("policy.yaml"));
        let config = PolicyConfig { file, ..PolicyConfig::default() };
        assert_eq!(read(&config).unwrap()["a"].check, "@");
        std::fs::write(dir.path().join("policy.yaml"), "b: '@'").unwrap();
        assert!(!read(&config).unwrap().contains_key("a"));
    }
}
