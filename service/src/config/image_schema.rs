//! `schema-image.json` beside the configuration: what an operator says of custom properties.

use std::path::Path;

use serde_json::{Map, Value};

use super::problem::{Problem, Severity};
use super::reader::Reader;

const NAME: &str = "schema-image.json";

/// The definitions by name. A property is a text, so that is what a definition may ask for.
pub fn custom_properties(reader: &mut Reader, directory: Option<&Path>) -> Map<String, Value> {
    let Some(file) = directory.map(|directory| directory.join(NAME)).filter(|file| file.exists()) else {
        return Map::new();
    };
    let read = std::fs::read_to_string(&file).map_err(|error| error.to_string());
    match read.and_then(|text| parse(&text)) {
        Ok(definitions) => definitions,
        Err(what) => {
            reader.problems.push(Problem {
                severity: Severity::Error,
                file: Some(file),
                line: None,
                section: String::new(),
                option: String::new(),
                what,
                mend: "mend the file or remove it".to_owned(),
            });
            Map::new()
        }
    }
}

fn parse(text: &str) -> Result<Map<String, Value>, String> {
    let document: Value = serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
    let Value::Object(definitions) = document else {
        return Err("must be one object, with a definition for each property".to_owned());
    };
    for (name, definition) in &definitions {
        check(definition).map_err(|what| format!("the definition of \"{name}\" {what}"))?;
    }
    Ok(definitions)
}

fn check(definition: &Value) -> Result<(), String> {
    let Value::Object(definition) = definition else { return Err("is no object".to_owned()) };
    let kinds: Vec<&Value> = match definition.get("type") {
        None => Vec::new(),
        Some(Value::Array(kinds)) => kinds.iter().collect(),
        Some(kind) => vec![kind],
    };
    if let Some(kind) = kinds.iter().find(|kind| !matches!(kind.as_str(), Some("string" | "null"))) {
        return Err(format!("asks for the type {kind}, and every property is a string"));
    }
    if let Some(pattern) = definition.get("pattern") {
        let pattern = pattern.as_str().ok_or("has a pattern that is no text")?;
        regex::Regex::new(pattern).map_err(|error| format!("has a pattern that cannot be used: {error}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_kept_as_they_are() {
        let text = r#"{"kernel_id": {"type": ["null", "string"], "pattern": "^[0-9a-f-]{36}$"}, "free": {}}"#;
        let definitions = parse(text).expect("definitions");
        assert_eq!(definitions["kernel_id"]["pattern"], "^[0-9a-f-]{36}$");
        assert_eq!(definitions.len(), 2);
    }

    #[test]
    fn a_definition_that_cannot_hold_is_named() {
        for (text, part) in [
            ("[]", "one object"),
            ("{", "not JSON"),
            (r#"{"a": 5}"#, "\"a\" is no object"),
            (r#"{"a": {"type": "boolean"}}"#, "every property is a string"),
            (r#"{"a": {"pattern": "("}}"#, "cannot be used"),
        ] {
            let error = parse(text).expect_err("a mistake");
            assert!(error.contains(part), "{error}");
        }
    }
}
