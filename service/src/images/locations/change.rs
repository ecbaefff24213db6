//! One operation of a PATCH on the locations of an image. The bytes of a location that goes are removed by whoever
//! saves, once the record is saved.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::add::{digits_of, is_hexadecimal};
use super::outside::{self, Found};
use crate::app::App;
use crate::context::Context;
use crate::db::locations::LocationRecord;
use crate::error::Error;
use crate::images::Visible;
use crate::images::create::within;
use crate::policy::Rule;
use glasshouse_shared::image::{Image, Status};

/// A change of the list.
#[derive(Debug, Clone, PartialEq)]
pub enum LocationChange {
    Add { at: Position, named: NamedLocation },
    Replace { all: Vec<NamedLocation> },
    Remove { at: Position },
}

/// A place in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// `-`: behind the last when something is added, the last when something goes.
    End,
    At(usize),
    /// Neither a number nor `-`; said so when its turn has come.
    Nowhere,
}

impl Position {
    pub fn parse(text: &str) -> Self {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match text {
            "-" => Self::End,
            // A number that is too long for one is behind the end of every list.
            _ if is_number => Self::At(text.parse().unwrap_or(usize::MAX)),
            _ => Self::Nowhere,
        }
    }
}

/// A location as a caller names it.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedLocation {
    pub url: String,
    pub metadata: Map<String, Value>,
    pub digests: Option<GivenDigests>,
}

/// What a caller says of the data; nobody verifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenDigests {
    pub checksum: Option<String>,
    pub algorithm: String,
    pub value: String,
}

/// Applies one operation to the record. What it takes away is put into `removed`.
pub async fn apply(
    app: &App,
    ctx: &Context,
    change: LocationChange,
    visible: &mut Visible,
    removed: &mut Vec<LocationRecord>,
) -> Result<(), Error> {
    match change {
        LocationChange::Add { at, named } => {
            visible.enforce(app, ctx, Rule::SetImageLocation)?;
            check_open(app, &visible.record.image, "add", &[Status::Active, Status::Queued])?;
            add(app, visible, at, named).await
        }
        LocationChange::Replace { all } if all.is_empty() => {
            Err(Error::Forbidden("The locations of an image cannot be emptied.".to_owned()))
        }
        LocationChange::Replace { all } => {
            visible.enforce(app, ctx, Rule::SetImageLocation)?;
            check_open(app, &visible.record.image, "replace", &[Status::Active, Status::Queued])?;
            replace(app, visible, all).await
        }
        LocationChange::Remove { at } => {
            visible.enforce(app, ctx, Rule::DeleteImageLocation)?;
            check_open(app, &visible.record.image, "remove", &[Status::Active])?;
            removed.push(remove(&mut visible.record.locations, at)?);
            Ok(())
        }
    }
}

fn check_open(app: &App, image: &Image, verb: &str, statuses: &[Status]) -> Result<(), Error> {
    if !app.images.show_multiple_locations {
        return Err(Error::Forbidden(format!(
            "It is not allowed to {verb} locations where they are not shown."
        )));
    }
    if !statuses.contains(&image.status) {
        let status = image.status;
        return Err(Error::Conflict(format!(
            "It is not allowed to {verb} locations of an image in status {status}."
        )));
    }
    Ok(())
}

async fn add(app: &App, visible: &mut Visible, at: Position, named: NamedLocation) -> Result<(), Error> {
    let digests = check_digests(app, &visible.record.image, std::slice::from_ref(&named))?;
    let count = visible.record.locations.len();
    let at = match at {
        Position::End => count,
        Position::At(index) => index.min(count),
        Position::Nowhere => {
            return Err(Error::BadRequest("Invalid position for adding a location.".to_owned()));
        }
    };
    within("locations", count + 1, app.limits.image_location_quota)?;
    let found = outside::find(app, &named.url, named.metadata).await?;
    if visible.record.locations.iter().any(|location| is_same(location, &found.location)) {
        return Err(twice());
    }
    visible.record.image.size.get_or_insert(found.size_bytes);
    visible.record.locations.insert(at, found.location);
    activate(&mut visible.record.image, digests)
}

/// An image without locations gets them; otherwise only the metadata may be others.
async fn replace(app: &App, visible: &mut Visible, all: Vec<NamedLocation>) -> Result<(), Error> {
    let digests = check_digests(app, &visible.record.image, &all)?;
    within("locations", all.len(), app.limits.image_location_quota)?;
    let before = &visible.record.locations;
    let mut old: Vec<&str> = before.iter().map(|location| location.url.as_str()).collect();
    let mut new: Vec<&str> = all.iter().map(|named| named.url.as_str()).collect();
    old.sort_unstable();
    new.sort_unstable();
    if old == new {
        let mut left = before.clone();
        let renamed = all.into_iter().filter_map(|named| {
            let index = left.iter().position(|location| location.url == named.url)?;
            Some(with_metadata(app, left.remove(index), named.metadata))
        });
        visible.record.locations = renamed.collect();
        return activate(&mut visible.record.image, digests);
    }
    if !before.is_empty() {
        return Err(Error::BadRequest(
            "The image has locations already: they can be added to, and their metadata can be replaced."
                .to_owned(),
        ));
    }
    let mut found: Vec<Found> = Vec::new();
    for named in all {
        let next = outside::find(app, &named.url, named.metadata).await?;
        if found.iter().any(|other| is_same(&other.location, &next.location)) {
            return Err(twice());
        }
        found.push(next);
    }
    if let Some(first) = found.first() {
        visible.record.image.size.get_or_insert(first.size_bytes);
    }
    visible.record.locations = found.into_iter().map(|found| found.location).collect();
    activate(&mut visible.record.image, digests)
}

/// The store that a location is in is not the caller's to say.
fn with_metadata(app: &App, location: LocationRecord, metadata: Map<String, Value>) -> LocationRecord {
    let mut changed = LocationRecord { metadata, ..location.clone() };
    if app.stores.is_multi()
        && let Some(store) = location.store_id()
    {
        changed.metadata.extend(LocationRecord::metadata_of(store));
    }
    changed
}

fn remove(locations: &mut Vec<LocationRecord>, at: Position) -> Result<LocationRecord, Error> {
    if locations.len() == 1 {
        return Err(Error::Forbidden("The last location of an image cannot be removed.".to_owned()));
    }
    let index = match at {
        Position::End => locations.len().checked_sub(1),
        Position::At(index) => Some(index).filter(|index| *index < locations.len()),
        Position::Nowhere => None,
    };
    let index =
        index.ok_or_else(|| Error::BadRequest("Invalid position for removing a location.".to_owned()))?;
    Ok(locations.remove(index))
}

fn is_same(one: &LocationRecord, other: &LocationRecord) -> bool {
    one.url == other.url && one.metadata == other.metadata
}

fn twice() -> Error {
    Error::BadRequest("The image has this location already.".to_owned())
}

/// A queued image has its data from here on.
fn activate(image: &mut Image, digests: Option<GivenDigests>) -> Result<(), Error> {
    if image.status != Status::Queued {
        return Ok(());
    }
    for (name, value) in [("disk_format", &image.disk_format), ("container_format", &image.container_format)]
    {
        if value.is_none() {
            return Err(Error::BadRequest(format!("Property {name} must be set prior to saving data.")));
        }
    }
    if let Some(GivenDigests { checksum, algorithm, value }) = digests {
        image.checksum = checksum.or(image.checksum.take());
        image.os_hash_algo = Some(algorithm);
        image.os_hash_value = Some(value);
    }
    image.status = Status::Active;
    Ok(())
}

/// What is new of the digests that a caller gives. 409 when they contradict each other or the image, when the data is
/// there already, and when they are no digests that this service would compute.
fn check_digests(app: &App, image: &Image, named: &[NamedLocation]) -> Result<Option<GivenDigests>, Error> {
    let given: Vec<&GivenDigests> = named.iter().filter_map(|named| named.digests.as_ref()).collect();
    let checksum = one_of("checksum", given.iter().filter_map(|given| given.checksum.as_ref()))?;
    let algorithm = one_of("os_hash_algo", given.iter().map(|given| &given.algorithm))?;
    let value = one_of("os_hash_value", given.iter().map(|given| &given.value))?;
    let fields = [
        ("checksum", checksum, &image.checksum),
        ("os_hash_algo", algorithm, &image.os_hash_algo),
        ("os_hash_value", value, &image.os_hash_value),
    ];
    let mut new = Vec::new();
    for (name, given, current) in fields {
        match (given, current) {
            (Some(given), Some(current)) if given != current => {
                return Err(Error::Conflict(format!("{name} is set already, to another value.")));
            }
            (Some(_), None) => new.push(name),
            _ => {}
        }
    }
    let (Some(algorithm), Some(value)) = (algorithm, value) else { return Ok(None) };
    if new.is_empty() {
        return Ok(None);
    }
    if image.status != Status::Queued {
        return Err(Error::Conflict(format!("{} can be set on a queued image only.", new.join(", "))));
    }
    if checksum.is_some_and(|checksum| !is_hexadecimal(checksum) || checksum.len() != 32) {
        return Err(Error::Conflict("checksum is not the 32 hexadecimal digits of an MD5.".to_owned()));
    }
    let wanted = &app.images.hashing_algorithm;
    if algorithm != wanted {
        return Err(Error::Conflict(format!("os_hash_algo must be {wanted}, not {algorithm}.")));
    }
    if !is_hexadecimal(value) || value.len() != digits_of(wanted)? {
        return Err(Error::Conflict(format!("os_hash_value is not the hexadecimal digits of a {wanted}.")));
    }
    let (checksum, algorithm, value) = (checksum.cloned(), algorithm.clone(), value.clone());
    Ok(Some(GivenDigests { checksum, algorithm, value }))
}

/// The one value that all of them have; `None` when there is none.
fn one_of<'a>(name: &str, values: impl Iterator<Item = &'a String>) -> Result<Option<&'a String>, Error> {
    let values: BTreeSet<&String> = values.collect();
    match values.len() {
        0 | 1 => Ok(values.into_iter().next()),
        _ => Err(Error::Conflict(format!("The locations give different values for {name}."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_numbers_or_the_end() {
        assert_eq!(Position::parse("-"), Position::End);
        assert_eq!(Position::parse("007"), Position::At(7));
        assert_eq!(Position::parse("99999999999999999999999"), Position::At(usize::MAX));
        for text in ["", "-1", "+1", "a", "1 ", "0x1"] {
            assert_eq!(Position::parse(text), Position::Nowhere, "{text:?}");
        }
    }

    #[test]
    fn the_last_location_stays() {
        let location = |url: &str| LocationRecord::active(url.to_owned(), Map::new());
        let mut two = vec![location("a"), location("b")];
        assert!(matches!(remove(&mut two, Position::At(2)), Err(Error::BadRequest(_))));
        assert!(matches!(remove(&mut two, Position::Nowhere), Err(Error::BadRequest(_))));
        assert_eq!(remove(&mut two, Position::End).ok().map(|gone| gone.url).as_deref(), Some("b"));
        assert!(matches!(remove(&mut two, Position::At(0)), Err(Error::Forbidden(_))));
        assert_eq!(two.len(), 1);
    }
}
