//! `enabled_backends` or `[glance_store]` into the list of stores.

use super::files::absolute;
use super::options::STORE_SECTION;
use super::reader::Reader;
use super::settings::Written;
use super::{StoreConfig, StoreKind, StoresConfig};

/// Names that belong to Glance's own two backends.
const RESERVED: &str = "os_glance_";

/// The stores, or `None` with the reasons in the reader.
pub fn read(reader: &mut Reader) -> Option<StoresConfig> {
    for written in reader.settings.written_all(STORE_SECTION, "filesystem_store_datadirs") {
        reader.error(
            &written,
            "this version keeps images in one directory for each store",
            "write `filesystem_store_datadir = PATH`, or one store for each directory with enabled_backends",
        );
    }
    match reader.written("DEFAULT", "enabled_backends") {
        Some(written) => several(reader, &written),
        None => single(reader),
    }
}

/// The form of the install guides: drivers, not stores; clients see no ids.
fn single(reader: &mut Reader) -> Option<StoresConfig> {
    let default = reader.written(STORE_SECTION, "default_store");
    let default_name = default.as_ref().map_or("file", |written| written.text.as_str());
    let Some(default_driver) = driver(default_name) else {
        let written = default?;
        let what = format!("\"{}\" is a driver that this version does not have", written.text);
        reader.error(&written, what, "write `default_store = file`");
        return None;
    };
    if default_driver == Driver::Http {
        let written = default?;
        reader.error(
            &written,
            "the http store only reads, so no image could be uploaded",
            "write `default_store = file`",
        );
        return None;
    }
    let listed = reader.written(STORE_SECTION, "stores");
    let mut stores = Vec::new();
    for name in reader.list(STORE_SECTION, "stores") {
        match (driver(&name), &listed) {
            (Some(driver), _) => {
                if !stores.iter().any(|store: &StoreConfig| store.id == driver.id()) {
                    stores.push(store(reader, STORE_SECTION, driver.id(), driver));
                }
            }
            (None, Some(written)) => {
                let what = format!("the driver \"{name}\" is left out: this version does not have it");
                reader.warn(&written.clone(), what, "images that lie there cannot be read");
            }
            (None, None) => {}
        }
    }
    if !stores.iter().any(|store| store.id == default_driver.id()) {
        stores.insert(0, store(reader, STORE_SECTION, default_driver.id(), default_driver));
    }
    Some(StoresConfig { stores, default: default_driver.id().to_owned(), multi: false })
}

fn several(reader: &mut Reader, written: &Written) -> Option<StoresConfig> {
    let mut stores = Vec::new();
    let mut complete = true;
    for pair in super::reader::parse_list(&written.text) {
        let Some((id, kind)) = pair.split_once(':').map(|(id, kind)| (id.trim(), kind.trim())) else {
            reader.error(
                written,
                format!("\"{pair}\" is not id:type"),
                "write `enabled_backends = fast:file`",
            );
            complete = false;
            continue;
        };
        let problem = if id.starts_with(RESERVED) {
            Some((format!("ids that begin with {RESERVED} are taken"), "choose another id".to_owned()))
        } else if stores.iter().any(|store: &StoreConfig| store.id == id) {
            Some((format!("the id \"{id}\" stands twice"), "give each store an id of its own".to_owned()))
        } else if driver(kind).is_none() {
            let what =
                format!("the store \"{id}\" is of the type \"{kind}\", which this version does not have");
            Some((what, "write the type file or http".to_owned()))
        } else {
            None
        };
        if let Some((what, mend)) = problem {
            reader.error(written, what, mend);
            complete = false;
        } else if let Some(driver) = driver(kind) {
            stores.push(store(reader, id, id, driver));
        }
    }
    let default = default_backend(reader, &stores, complete)?;
    complete.then_some(StoresConfig { stores, default, multi: true })
}

fn default_backend(reader: &mut Reader, stores: &[StoreConfig], complete: bool) -> Option<String> {
    let writable = |store: &&StoreConfig| !matches!(store.kind, StoreKind::Http { .. });
    let example = stores.iter().find(writable).map_or("ID", |store| store.id.as_str());
    let mend = format!("write `default_backend = {example}` into [glance_store]");
    let Some(written) = reader.written(STORE_SECTION, "default_backend") else {
        reader.absent(STORE_SECTION, "default_backend", "is not set, though enabled_backends is", mend);
        return None;
    };
    match stores.iter().find(|store| store.id == written.text) {
        Some(store) if matches!(store.kind, StoreKind::Http { .. }) => {
            reader.error(&written, "the http store only reads, so no image could be uploaded", mend);
            None
        }
        Some(store) => Some(store.id.clone()),
        // The store may be the faulty one that has just been named.
        None if !complete => None,
        None => {
            reader.error(&written, format!("\"{}\" is not among enabled_backends", written.text), mend);
            None
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Driver {
    File,
    Http,
}

impl Driver {
    fn id(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Http => "http",
        }
    }
}

/// By scheme, or by the class of before 2015.
fn driver(name: &str) -> Option<Driver> {
    match name {
        "file" | "filesystem" | "glance.store.filesystem.Store" => Some(Driver::File),
        "http" | "https" | "glance.store.http.Store" => Some(Driver::Http),
        _ => None,
    }
}

fn store(reader: &mut Reader, section: &str, id: &str, driver: Driver) -> StoreConfig {
    let kind = match driver {
        Driver::Http => StoreKind::Http {
            insecure: reader.boolean(section, "https_insecure"),
            ca_file: reader.path(section, "https_ca_certificates_file").map(|file| absolute(&file)),
        },
        Driver::File => file_store(reader, section),
    };
    let description = reader.text(section, "store_description");
    let weight = reader.integer(section, "weight", i64::MIN);
    StoreConfig { id: id.to_owned(), description, weight, kind }
}

fn file_store(reader: &mut Reader, section: &str) -> StoreKind {
    let datadir = reader.path(section, "filesystem_store_datadir").unwrap_or_default();
    let file_perm = reader.parse(section, "filesystem_store_file_perm", "a file mode such as 640", file_mode);
    StoreKind::File {
        datadir: absolute(&datadir),
        file_perm: file_perm.filter(|mode| *mode != 0),
        thin_provisioning: reader.boolean(section, "filesystem_thin_provisioning"),
    }
}

/// Decimal digits that are meant as octal; the owner must be able to read.
fn file_mode(text: &str) -> Option<u32> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777)?;
    (mode == 0 || mode & 0o400 != 0).then_some(mode)
}
