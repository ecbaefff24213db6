//! What is remembered between two runs. Never a secret. How it reaches the disk is `worker::settings`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::session::ConnectionForm;

/// The layout of the file. A file of another version is left alone and not read.
pub const VERSION: u32 = 1;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThemeChoice {
    #[default]
    System,
    Light,
    Dark,
}

impl ThemeChoice {
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    pub fn word(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    pub version: u32,
    #[serde(default)]
    pub theme: ThemeChoice,
    /// The folder of the last file that was picked.
    #[serde(default)]
    pub upload_folder: Option<PathBuf>,
    #[serde(default)]
    pub download_folder: Option<PathBuf>,
    /// Connections made by hand, newest first, without their passwords.
    #[serde(default)]
    pub profiles: Vec<ConnectionForm>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: VERSION,
            theme: ThemeChoice::System,
            upload_folder: None,
            download_folder: None,
            profiles: Vec::new(),
        }
    }
}

impl Settings {
    /// Puts a connection first and drops an older one of the same name.
    pub fn remember(&mut self, form: &ConnectionForm) {
        let mut form = form.clone();
        form.secret = String::new();
        self.profiles.retain(|known| known.title() != form.title());
        self.profiles.insert(0, form);
        self.profiles.truncate(20);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_connection_comes_first_and_without_its_password() {
        let mut settings = Settings::default();
        for name in ["one", "two", "one"] {
            let form = ConnectionForm {
                auth_url: format!("https://{name}/v3"),
                username: "demo".into(),
                secret: "very secret".into(),
                ..ConnectionForm::default()
            };
            settings.remember(&form);
        }
        let urls: Vec<_> = settings.profiles.iter().map(|form| form.auth_url.as_str()).collect();
        assert_eq!(urls, ["https://one/v3", "https://two/v3"]);
        let text = serde_json::to_string(&settings).unwrap();
        assert!(!text.contains("very secret"), "{text}");
    }
}
