//! `clouds.yaml` and `openrc` of the lab: what clients read, and the only place where passwords stand in clear.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_norway::{Mapping, Value};
use zeroize::ZeroizeOnDrop;

use super::LabError;
use super::directory::{DOMAIN_NAME, REGION};
use super::folder::Folder;

/// The administrator's entry in `clouds.yaml`.
pub const CLOUD_ADMIN: &str = "glasshouse-lab";
/// The ordinary user's entry.
pub const CLOUD_DEMO: &str = "glasshouse-lab-demo";

const CLOUDS: &str = "clouds.yaml";
const OPENRC: &str = "openrc";

/// The passwords of the two people.
#[derive(ZeroizeOnDrop)]
pub struct Passwords {
    pub admin: String,
    pub demo: String,
}

/// Reads and writes the two files.
pub struct CloudFiles<'f> {
    folder: &'f Folder,
}

impl<'f> CloudFiles<'f> {
    pub fn new(folder: &'f Folder) -> Self {
        Self { folder }
    }

    pub fn clouds(&self) -> PathBuf {
        self.folder.path().join(CLOUDS)
    }

    /// The passwords that were written; `None` if the file or one of our entries is gone.
    pub fn passwords(&self) -> Result<Option<Passwords>, LabError> {
        let document = self.document()?;
        let password = |cloud: &str| {
            let password = document.get("clouds")?.get(cloud)?.get("auth")?.get("password")?;
            password.as_str().map(str::to_owned)
        };
        Ok(password(CLOUD_ADMIN).zip(password(CLOUD_DEMO)).map(|(admin, demo)| Passwords { admin, demo }))
    }

    /// Writes both files for an address, unless they say so already. Entries that somebody added to `clouds.yaml` stay.
    pub fn write(&self, passwords: &Passwords, listen: SocketAddr) -> Result<(), LabError> {
        let auth_url = format!("http://{listen}/identity/v3");
        let mut document = self.document()?;
        let broken = |why: &str| LabError::CorruptClouds { file: self.clouds(), why: why.to_owned() };
        let clouds = document
            .entry("clouds".into())
            .or_insert_with(|| Value::Mapping(Mapping::new()))
            .as_mapping_mut()
            .ok_or_else(|| broken("\"clouds\" is no list of clouds"))?;
        clouds.insert(CLOUD_ADMIN.into(), entry(&auth_url, "admin", &passwords.admin));
        clouds.insert(CLOUD_DEMO.into(), entry(&auth_url, "demo", &passwords.demo));
        let text = serde_norway::to_string(&document).map_err(|error| broken(&error.to_string()))?;
        self.write_if_new(CLOUDS, &format!("{CLOUDS_HEAD}{text}"))?;
        self.write_if_new(OPENRC, &openrc(&auth_url, &passwords.admin))
    }

    fn write_if_new(&self, name: &str, text: &str) -> Result<(), LabError> {
        if self.folder.read(name)?.as_deref() == Some(text) {
            return Ok(());
        }
        self.folder.write(name, text)
    }

    fn document(&self) -> Result<Mapping, LabError> {
        let Some(text) = self.folder.read(CLOUDS)? else { return Ok(Mapping::new()) };
        let corrupt = |why: String| LabError::CorruptClouds { file: self.clouds(), why };
        match serde_norway::from_str(&text).map_err(|error| corrupt(error.to_string()))? {
            Value::Mapping(document) => Ok(document),
            Value::Null => Ok(Mapping::new()),
            _ => Err(corrupt("it is no list of `name: value` lines".to_owned())),
        }
    }
}

const CLOUDS_HEAD: &str =
    "# Made by the Glasshouse lab: the passwords of this machine's lab, for nobody else.\n";

/// User and project have the same name in the lab.
fn entry(auth_url: &str, name: &str, password: &str) -> Value {
    let mapping = |pairs: &[(&str, Value)]| {
        Value::Mapping(pairs.iter().map(|(key, value)| (Value::from(*key), value.clone())).collect())
    };
    let auth = mapping(&[
        ("auth_url", auth_url.into()),
        ("username", name.into()),
        ("password", password.into()),
        ("project_name", name.into()),
        ("user_domain_name", DOMAIN_NAME.into()),
        ("project_domain_name", DOMAIN_NAME.into()),
    ]);
    mapping(&[
        ("auth", auth),
        ("region_name", REGION.into()),
        ("interface", "public".into()),
        // A string: the clients read the number 3 too, but not all of them.
        ("identity_api_version", "3".into()),
    ])
}

/// Passwords are hexadecimal digits, so nothing in here needs escaping.
fn openrc(auth_url: &str, password: &str) -> String {
    format!(
        "# Made by the Glasshouse lab; read it into a shell: . openrc\n\
         export OS_AUTH_URL='{auth_url}'\n\
         export OS_IDENTITY_API_VERSION=3\n\
         export OS_IMAGE_API_VERSION=2\n\
         export OS_USERNAME=admin\n\
         export OS_PASSWORD='{password}'\n\
         export OS_PROJECT_NAME=admin\n\
         export OS_USER_DOMAIN_NAME={DOMAIN_NAME}\n\
         export OS_PROJECT_DOMAIN_NAME={DOMAIN_NAME}\n\
         export OS_REGION_NAME={REGION}\n\
         export OS_INTERFACE=public\n"
    )
}
