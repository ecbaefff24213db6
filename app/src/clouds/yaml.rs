//! `clouds.yaml` with `secure.yaml` laid over it. Vendor profiles are not known here: what they would give is
//! reported as missing.

use std::path::Path;

use serde_norway::{Mapping, Value};

use super::{Cloud, Places, Problem, Settings, Source, read_text};

/// The keys beside `auth` that matter for a connection to the Image service.
const PLAIN: &[&str] = &[
    "auth_type",
    "region_name",
    "interface",
    "endpoint_type",
    "verify",
    "insecure",
    "cacert",
    "image_endpoint_override",
];

pub(super) fn read(path: &Path, secure: Option<&Path>, places: &Places) -> Result<Vec<Cloud>, Problem> {
    let mut clouds = clouds(path)?;
    if let Some(secure) = secure {
        for (name, settings) in self::clouds(secure)? {
            // A cloud that only the secrets know cannot be connected to.
            if let Some(known) = clouds.get_mut(&name) {
                lay_over(known, settings);
            }
        }
    }
    let source = Source::CloudsYaml(path.to_owned());
    clouds
        .into_iter()
        .map(|(name, cloud)| {
            let name =
                text(&name).ok_or_else(|| problem(path, "the name of a cloud is not a word".to_owned()))?;
            let settings =
                settings(&cloud).map_err(|message| problem(path, format!("cloud {name}: {message}")))?;
            Ok(Cloud::new(name, source.clone(), settings, places))
        })
        .collect()
}

fn problem(path: &Path, message: String) -> Problem {
    Problem { file: path.to_owned(), line: None, message }
}

/// The mapping below `clouds`; an empty file has none.
fn clouds(path: &Path) -> Result<Mapping, Problem> {
    let document: Value = serde_norway::from_str(&read_text(path)?).map_err(|error| Problem {
        file: path.to_owned(),
        line: error.location().map(|location| location.line()),
        message: format!("is not valid YAML: {error}"),
    })?;
    match document.get("clouds") {
        Some(Value::Mapping(clouds)) => Ok(clouds.clone()),
        Some(Value::Null) => Ok(Mapping::new()),
        None if document.is_null() || document.is_mapping() => Ok(Mapping::new()),
        _ => Err(problem(path, "\"clouds\" is not a mapping of names to settings".to_owned())),
    }
}

/// Mappings are merged, anything else is replaced.
fn lay_over(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Mapping(under), Value::Mapping(over)) => {
            for (key, value) in over {
                match under.get_mut(&key) {
                    Some(known) => lay_over(known, value),
                    None => {
                        under.insert(key, value);
                    }
                }
            }
        }
        (under, over) => *under = over,
    }
}

fn settings(cloud: &Value) -> Result<Settings, String> {
    let Value::Mapping(cloud) = cloud else { return Err("its settings are not a mapping".to_owned()) };
    let mut settings = Settings::default();
    if let Some(profile) = ["profile", "cloud"].iter().find_map(|key| text(cloud.get(*key)?)) {
        let reason = format!("it comes from the vendor profile {profile}, and those are not supported");
        settings = settings.unknown("auth_url", &reason);
    }
    match cloud.get("auth") {
        Some(Value::Mapping(auth)) => {
            for (key, value) in auth {
                if let (Some(key), Some(value)) = (text(key), text(value)) {
                    settings = settings.set(&key, &value);
                }
            }
        }
        Some(Value::Null) | None => {}
        Some(_) => return Err("\"auth\" is not a mapping".to_owned()),
    }
    for key in PLAIN {
        if let Some(value) = cloud.get(*key).and_then(text) {
            settings = settings.set(key, &value);
        }
    }
    if settings.get("region_name").is_none()
        && let Some(region) = cloud.get("regions").and_then(first_region)
    {
        settings = settings.set("region_name", &region);
    }
    Ok(settings)
}

/// Entries of `regions` are names, or mappings with a name.
fn first_region(regions: &Value) -> Option<String> {
    let first = regions.as_sequence()?.first()?;
    text(first).or_else(|| text(first.get("name")?))
}

/// Numbers and booleans stand for the words that they are written as.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
