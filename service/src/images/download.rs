//! Download the data of an image, whole or a part.

use crate::app::App;
use crate::context::Context;
use crate::error::Error;
use crate::images::{Visible, load};
use crate::policy::Rule;
use crate::stores::{ByteRange, Store, StoreError};
pub use crate::stores::{ByteStream, Content, Lender};
use glasshouse_shared::image::{Image, Status};

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

/// The data of an image that the caller may read; nothing is opened yet.
pub struct Data {
    visible: Visible,
}

/// The data, and which part of how much it is.
pub struct Download {
    pub content: Content,
    pub size_bytes: u64,
    /// `None` = the whole image.
    pub range: Option<ByteRange>,
}

/// `None` when the image has no data. 403 for a deactivated image, except for administrators.
pub async fn find(app: &App, ctx: &Context, id: &str) -> Result<Option<Data>, Error> {
    let visible = load(app, ctx, id).await?;
    visible.enforce(app, ctx, Rule::DownloadImage)?;
    if visible.image().status == Status::Deactivated && !ctx.is_admin {
        return Err(Error::Forbidden(
            "The requested image has been deactivated. Image data download is forbidden.".to_owned(),
        ));
    }
    let has_data = matches!(visible.image().status, Status::Active | Status::Deactivated);
    Ok(has_data.then_some(Data { visible }))
}

impl Data {
    pub fn image(&self) -> &Image {
        self.visible.image()
    }

    /// Opens the asked-for part in the first store that has it whole; `None` when none has.
    pub async fn open(&self, app: &App, wanted: Wanted) -> Result<Option<Download>, Error> {
        let mut failures = Vec::new();
        for (store, url) in self.places(app) {
            let size_bytes = match self.size_in(store, url).await {
                Ok(size_bytes) => size_bytes,
                Err(error) => {
                    failures.push((store, error));
                    continue;
                }
            };
            let range = resolve(wanted, size_bytes)?;
            match store.backend().open(url, self.image().size, range).await {
                Ok(content) => {
                    self.note(&failures);
                    return Ok(Some(Download { content, size_bytes, range }));
                }
                Err(error) => failures.push((store, error)),
            }
        }
        self.nowhere(failures)
    }

    /// How long the data is, of the first store that has it whole; `None` when none has. Nothing is read.
    pub async fn measure(&self, app: &App) -> Result<Option<u64>, Error> {
        let mut failures = Vec::new();
        for (store, url) in self.places(app) {
            let stored = store.backend().size(url).await;
            match stored.and_then(|stored_bytes| self.check_size(stored_bytes)) {
                Ok(size_bytes) => return Ok(Some(size_bytes)),
                Err(error) => failures.push((store, error)),
            }
        }
        self.nowhere(failures)
    }

    /// Copies that another one stood in for: nobody else would tell the operator.
    fn note(&self, failures: &[(&Store, StoreError)]) {
        for (store, error) in failures {
            tracing::error!(image_id = self.image().id, store = store.id, %error, "a copy cannot be read");
        }
    }

    /// No store had the data: that is no data where it is simply not there, else a failure. The last one is told.
    fn nowhere<T>(&self, mut failures: Vec<(&Store, StoreError)>) -> Result<Option<T>, Error> {
        let told = failures.iter().rposition(|(_, failure)| !matches!(failure, StoreError::NotFound));
        let Some(told) = told else { return Ok(None) };
        let (store, failure) = failures.remove(told);
        self.note(&failures);
        let message = match &failure {
            StoreError::Unreachable(_) | StoreError::Denied { .. } => {
                "The store that holds the data cannot be reached at the moment."
            }
            StoreError::WrongSize { .. } => {
                "The stored data of the image is damaged: its length is not the one that was recorded. \
                 Its operator can bring it back from a copy."
            }
            StoreError::NotFound
            | StoreError::Full(_)
            | StoreError::Duplicate
            | StoreError::ReadOnly
            | StoreError::BadLocation(_)
            | StoreError::Other(_) => "The data of the image cannot be read at the moment.",
        };
        let source = format!("image {}, store {}: {failure}", self.image().id, store.id);
        Err(Error::Unavailable { message: message.to_owned(), source: Some(source.into()) })
    }

    fn check_size(&self, stored_bytes: u64) -> Result<u64, StoreError> {
        match self.image().size {
            Some(recorded_bytes) if recorded_bytes != stored_bytes => {
                Err(StoreError::WrongSize { recorded_bytes, stored_bytes })
            }
            _ => Ok(stored_bytes),
        }
    }

    fn places<'a>(&'a self, app: &'a App) -> impl Iterator<Item = (&'a Store, &'a str)> {
        self.visible.record.locations.iter().filter_map(|location| {
            let store = app.stores.for_location(&location.url, location.store_id())?;
            Some((store, location.url.as_str()))
        })
    }

    /// The recorded size, or what the store says where none is recorded.
    async fn size_in(&self, store: &Store, url: &str) -> Result<u64, StoreError> {
        match self.image().size {
            Some(size_bytes) => Ok(size_bytes),
            None => store.backend().size(url).await,
        }
    }
}

/// The part in bytes from the start. An end beyond the image is cut; a start beyond it is 416.
fn resolve(wanted: Wanted, size_bytes: u64) -> Result<Option<ByteRange>, Error> {
    let unsatisfiable = || Error::RangeNotSatisfiable {
        message: format!("The requested range is outside of the {size_bytes} bytes of the image."),
        size_bytes: Some(size_bytes),
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
