//! Download the data of an image, whole or a part.

use crate::app::App;
use crate::context::Context;
use crate::error::Error;
use crate::images::{Visible, load};
use crate::policy::Rule;
pub use crate::stores::ByteStream;
use crate::stores::{ByteRange, StoreError};
use glasshouse_shared::image::Status;

/// Which part a client asks for; bounds are inclusive, as in RFC 9110 §14.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Whole,
    From {
        first: u64,
        last: Option<u64>,
    },
    /// Nothing is cut: a last byte beyond the image cannot be satisfied.
    Exactly {
        first: u64,
        last: u64,
    },
    Suffix {
        length: u64,
    },
}

/// The data, and which part of how much it is.
pub struct Download {
    pub visible: Visible,
    pub bytes: ByteStream,
    pub size_bytes: u64,
    /// `None` = the whole image.
    pub range: Option<ByteRange>,
}

/// `None` when the image has no data. 403 for a deactivated image, except for administrators.
pub async fn download(app: &App, ctx: &Context, id: &str, wanted: Wanted) -> Result<Option<Download>, Error> {
    let visible = load(app, ctx, id).await?;
    visible.enforce(app, ctx, Rule::DownloadImage)?;
    if visible.image().status == Status::Deactivated && !ctx.is_admin {
        return Err(Error::Forbidden(
            "The requested image has been deactivated. Image data download is forbidden.".to_owned(),
        ));
    }
    if !matches!(visible.image().status, Status::Active | Status::Deactivated) {
        return Ok(None);
    }
    let mut failure = None;
    for location in &visible.record.locations {
        let Some(store) = app.stores.for_location(&location.url, location.store_id()) else { continue };
        let backend = store.backend();
        let size_bytes = match visible.image().size {
            Some(size) => size,
            None => match backend.size(&location.url).await {
                Ok(size) => size,
                Err(error) => {
                    failure = Some(error);
                    continue;
                }
            },
        };
        let range = resolve(wanted, size_bytes)?;
        match backend.reader(&location.url, range).await {
            Ok(bytes) => return Ok(Some(Download { visible, bytes, size_bytes, range })),
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        None | Some(StoreError::NotFound) => Ok(None),
        Some(error @ StoreError::Unreachable(_)) => Err(Error::Unavailable {
            message: "The store that holds the data cannot be reached at the moment.".to_owned(),
            source: Some(Box::new(error)),
        }),
        Some(error) => Err(Error::internal(error)),
    }
}

/// The part in bytes from the start. An end beyond the image is cut; a start beyond it is 416.
fn resolve(wanted: Wanted, size_bytes: u64) -> Result<Option<ByteRange>, Error> {
    let unsatisfiable = || {
        Error::RangeNotSatisfiable(format!(
            "The requested range is outside of the {size_bytes} bytes of the image."
        ))
    };
    let (first, end) = match wanted {
        Wanted::Whole => return Ok(None),
        Wanted::From { first, last } => {
            (first, last.map_or(size_bytes, |last| last.saturating_add(1).min(size_bytes)))
        }
        Wanted::Exactly { last, .. } if last >= size_bytes => return Err(unsatisfiable()),
        Wanted::Exactly { first, last } => (first, last.saturating_add(1)),
        Wanted::Suffix { length: 0 } => return Err(unsatisfiable()),
        Wanted::Suffix { length } => (size_bytes.saturating_sub(length), size_bytes),
    };
    if first >= size_bytes || end <= first {
        return Err(unsatisfiable());
    }
    Ok(Some(ByteRange { offset_bytes: first, length_bytes: end - first }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(wanted: Wanted) -> Option<(u64, u64)> {
        resolve(wanted, 100)
            .ok()
            .map(|range| range.map_or((0, 100), |range| (range.offset_bytes, range.length_bytes)))
    }

    #[test]
    fn a_range_is_cut_at_the_end_of_the_image() {
        assert_eq!(bytes(Wanted::From { first: 90, last: Some(1000) }), Some((90, 10)));
        assert_eq!(bytes(Wanted::From { first: 90, last: None }), Some((90, 10)));
        assert_eq!(bytes(Wanted::From { first: 0, last: Some(0) }), Some((0, 1)));
        assert_eq!(bytes(Wanted::From { first: 0, last: Some(u64::MAX) }), Some((0, 100)));
    }

    #[test]
    fn a_suffix_longer_than_the_image_is_the_whole_image() {
        assert_eq!(bytes(Wanted::Suffix { length: 1000 }), Some((0, 100)));
        assert_eq!(bytes(Wanted::Suffix { length: 1 }), Some((99, 1)));
    }

    #[test]
    fn a_start_beyond_the_image_cannot_be_satisfied() {
        assert_eq!(bytes(Wanted::From { first: 100, last: None }), None);
        assert_eq!(bytes(Wanted::From { first: 9, last: Some(3) }), None);
        assert_eq!(bytes(Wanted::Suffix { length: 0 }), None);
    }
}
