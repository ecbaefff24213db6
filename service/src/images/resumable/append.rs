//! Append a piece to an upload; the last one makes the image active.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt};

use super::turn::Turn;
use super::{State, ending, expiry, find, latest};
use crate::app::App;
use crate::context::Context;
use crate::db::uploads::UploadRecord;
use crate::db::{self, DbError};
use crate::error::{Error, UploadProblem};
use crate::images::digests::{SentDigest, SentDigests};
use crate::images::pump::{
    Body, BodyError, Interrupted, Limit, Moved, Nowhere, Order, PumpError, Stages, linger, pump,
};
use crate::images::upload::{
    Hold, Whole, pump_error, remove_stray, settle, stops_when_unsafe, store_error, too_long,
};
use crate::quota::Room;
use crate::stores::{Batch, ByteRange, Store, StoreError, Writer};
use glasshouse_shared::checksum::HashDigest;
use glasshouse_shared::image::Image;

/// After so much data what came is made durable and recorded, so that no crash takes more.
const CHECKPOINT_BYTES: u64 = 32 * 1024 * 1024;

/// A part of the data, and what the client says of it.
pub struct Piece {
    pub body: Body,
    /// Where it begins.
    pub offset_bytes: u64,
    /// How long it is, if that was announced.
    pub size_bytes: Option<u64>,
    /// How long the whole will be.
    pub length_bytes: Option<u64>,
    /// Nothing comes after it.
    pub is_last: bool,
    /// Digests of the piece.
    pub content: SentDigests,
    /// Digests of the whole.
    pub whole: SentDigests,
}

/// Stores a piece where the last one ended.
///
/// The work runs in a task of its own: a client that hangs up leaves what came, and nothing half done.
pub async fn append(app: Arc<App>, ctx: &Context, ids: (&str, &str), piece: Piece) -> Result<State, Error> {
    let found = find(&app, ctx, ids).await?;
    let room = Room::of(&app, ctx, &found.image).await?;
    let maximum = room.left(&app, &found.image.id).await?.min(app.limits.image_size_cap);
    let room = (room, maximum);
    let (image, id) = (found.image, found.record.id);
    let appending = tokio::spawn(async move {
        let mut turn = app.uploads.turn(&id).await;
        let record = latest(&app, &id).await?;
        let record = append_in_turn(&app, &mut turn, (&image, record), room, piece).await?;
        drop(turn);
        if record.is_complete {
            app.uploads.forget(&id);
        }
        Ok(State::of(&app, record))
    });
    appending.await.map_err(Error::internal)?
}

async fn append_in_turn(
    app: &Arc<App>,
    turn: &mut Turn,
    (image, mut record): (&Image, UploadRecord),
    (room, maximum): (Room, u64),
    piece: Piece,
) -> Result<UploadRecord, Error> {
    let announced = match check(&record, &piece, maximum) {
        Ok(length_bytes) => announce(app, &mut record, &room, length_bytes).await,
        Err(error) => Err(error),
    };
    if let Err(error) = announced {
        linger(piece.body);
        return Err(error);
    }
    let store = app.stores.get(&record.store).ok_or_else(|| Error::internal("a store vanished"))?;
    let job = Job { app, image, store, record: &record, room: &room, maximum };
    let hashes = job.hashes(&piece.whole).map_err(Error::internal)?;
    let ready = match job.begin(turn, hashes).await {
        Ok(ready) => ready,
        Err(error) => {
            linger(piece.body);
            return Err(error);
        }
    };
    let outcome = job.receive(turn, ready, piece).await?;
    if outcome.offset_bytes > record.offset_bytes {
        record.expires_at = expiry(app);
    }
    record.offset_bytes = outcome.offset_bytes;
    record.is_complete = outcome.is_complete;
    Ok(record)
}

/// Takes note of how long the whole will be, when nobody said so before.
async fn announce(
    app: &App,
    record: &mut UploadRecord,
    room: &Room,
    length_bytes: Option<u64>,
) -> Result<(), Error> {
    if let Some(length_bytes) = length_bytes.filter(|_| record.length_bytes.is_none()) {
        let (id, image_id, room) = (record.id.clone(), record.image_id.clone(), room.clone());
        let announced = app.db.write(move |conn| {
            room.reserve(conn, &image_id, Some(length_bytes))?;
            db::uploads::set_length(conn, &id, length_bytes)
        });
        announced.await.map_err(ended)?;
    }
    record.length_bytes = length_bytes;
    Ok(())
}

/// Whether the piece fits; answers how long the whole will be.
fn check(record: &UploadRecord, piece: &Piece, maximum: u64) -> Result<Option<u64>, Error> {
    let step = |problem, message: String| Err(Error::UploadStep { problem, message });
    if record.is_complete {
        return step(UploadProblem::Completed, "The upload is complete already.".to_owned());
    }
    let (expected, provided) = (record.offset_bytes, piece.offset_bytes);
    if expected != provided {
        let message = format!("The upload goes on at byte {expected}, not at byte {provided}.");
        return step(UploadProblem::MismatchingOffset { expected, provided }, message);
    }
    let end = piece.size_bytes.map(|size| provided.saturating_add(size));
    let lengths = [record.length_bytes, piece.length_bytes, end.filter(|_| piece.is_last)];
    let mut lengths = lengths.into_iter().flatten();
    let length = lengths.next();
    if let (Some(length), Some(other)) = (length, lengths.find(|other| Some(*other) != length)) {
        let message = format!("The upload cannot be both {length} and {other} bytes long.");
        return step(UploadProblem::InconsistentLength, message);
    }
    if let (Some(length), Some(end)) = (length, end.or(Some(provided)).filter(|end| Some(*end) > length)) {
        let message = format!("The upload is {length} bytes long; this piece would end at byte {end}.");
        return step(UploadProblem::InconsistentLength, message);
    }
    if let Some(wanted) = length.max(end).filter(|wanted| *wanted > maximum) {
        return Err(too_long(wanted, maximum));
    }
    Ok(length)
}

/// What does not change while one piece is worked on.
struct Job<'a> {
    app: &'a Arc<App>,
    image: &'a Image,
    store: &'a Store,
    record: &'a UploadRecord,
    room: &'a Room,
    maximum: u64,
}

/// How far the upload is after a piece.
struct Outcome {
    offset_bytes: u64,
    is_complete: bool,
}

impl Job<'_> {
    /// Everything that is needed before the first byte.
    async fn begin(
        &self,
        turn: &mut Turn,
        hashes: Vec<HashDigest>,
    ) -> Result<(Box<dyn Writer>, Stages), Error> {
        let writer = self.open().await?;
        match self.catch_up(turn, hashes).await {
            Ok(stages) => Ok((writer, stages)),
            // The store could not be read: that says nothing of what it holds.
            Err(Interrupted { error: PumpError::Store(error), .. }) => {
                writer.keep().await.map_err(store_error)?;
                Err(store_error(error))
            }
            Err(interrupted) => Err(self.leave(turn, writer, interrupted).await),
        }
    }

    /// The place where the last piece ended. When the store lost it the upload is over.
    async fn open(&self) -> Result<Box<dyn Writer>, Error> {
        let (backend, id) = (self.store.backend(), &self.image.id);
        let (offset, hint) = (self.record.offset_bytes, self.record.length_bytes);
        let mut opened = backend.resume(id, offset, hint).await;
        if matches!(opened, Err(StoreError::Duplicate)) && offset == 0 {
            remove_stray(backend, id).await.map_err(store_error)?;
            opened = backend.resume(id, offset, hint).await;
        }
        match opened {
            Err(StoreError::NotFound) if offset > 0 => {
                tracing::error!(image_id = id, "the store lost what an upload had brought");
                ending::end(self.app, self.record).await?;
                Err(Error::Gone("The data of this upload was lost; it must begin anew.".to_owned()))
            }
            Err(error) => {
                if is_final(&error) {
                    ending::end(self.app, self.record).await?;
                }
                Err(store_error(error))
            }
            Ok(writer) => Ok(writer),
        }
    }

    /// What is computed of the data up to here: as the last piece left it, or read again from the store.
    async fn catch_up(&self, turn: &mut Turn, hashes: Vec<HashDigest>) -> Result<Stages, Interrupted> {
        let nothing = |error: StoreError| Interrupted { error: error.into(), stages: None };
        let offset_bytes = self.record.offset_bytes;
        let algorithms: Vec<_> = hashes.iter().map(HashDigest::algorithm).collect();
        let stages = turn.take_stages(offset_bytes, &algorithms).unwrap_or_else(|| Stages::new(hashes));
        let known_bytes = stages.size_bytes();
        if known_bytes == offset_bytes {
            return Ok(stages);
        }
        let left = offset_bytes - known_bytes;
        let range = ByteRange { offset_bytes: known_bytes, length_bytes: left };
        let kept = self.store.backend().read_kept(&self.image.id, range).await.map_err(nothing)?;
        let kept = turn.until_the_next(kept.map_err(|error| BodyError::Broken(Box::new(error))).boxed());
        let limit = Limit { declared: Some(left), maximum: left };
        let stops_when_unsafe = stops_when_unsafe(self.image);
        let order = Order { limit, stages, content: Vec::new(), stops_when_unsafe };
        let moved = pump(kept, order, &mut Nowhere).await;
        moved.map(|moved| moved.stages).map_err(|Interrupted { error, stages }| {
            let error = match error {
                PumpError::Body(BodyError::Broken(cause)) => match cause.downcast::<StoreError>() {
                    Ok(cause) => PumpError::Store(*cause),
                    Err(cause) => PumpError::Body(BodyError::Broken(cause)),
                },
                other => other,
            };
            Interrupted { error, stages }
        })
    }

    /// Everything that somebody may want to compare at the end. The image's own digest comes first.
    fn hashes(
        &self,
        whole: &SentDigests,
    ) -> Result<Vec<HashDigest>, glasshouse_shared::checksum::UnknownAlgorithm> {
        let mut hashes = whole.to_compute(&self.app.images.hashing_algorithm)?;
        for sent in SentDigest::read_all(&self.record.digests) {
            if let Some(hash) = sent.algorithm.beside_md5()?
                && hashes.iter().all(|known| known.algorithm() != hash.algorithm())
            {
                hashes.push(hash);
            }
        }
        Ok(hashes)
    }

    async fn receive(
        &self,
        turn: &mut Turn,
        (writer, stages): (Box<dyn Writer>, Stages),
        piece: Piece,
    ) -> Result<Outcome, Error> {
        let Piece { body, is_last, content, whole, .. } = piece;
        let offset = self.record.offset_bytes;
        let left = self.record.length_bytes.map(|length| length - offset);
        let limit = Limit {
            declared: left.filter(|_| is_last),
            maximum: left.unwrap_or(u64::MAX).min(self.maximum.saturating_sub(offset)),
        };
        let hashes = content.of_piece().map_err(Error::internal)?;
        let names: Vec<_> = hashes.iter().map(HashDigest::algorithm).collect();
        let stops_when_unsafe = stops_when_unsafe(self.image);
        let order = Order { limit, stages, content: hashes, stops_when_unsafe };
        // What is recorded cannot be taken back: a piece with a digest counts as a whole or not at all.
        let mut writer = Checkpoints::of(self, writer, !content.is_expected());
        let moved = pump(turn.until_the_next(body), order, &mut writer).await;
        let Moved { stages, content: computed } = match moved {
            Ok(moved) => moved,
            Err(interrupted) => return Err(self.stop(turn, writer, interrupted).await),
        };
        let computed: Vec<_> = names.into_iter().zip(computed.iter().map(String::as_str)).collect();
        if let Err(error) = content.verify(&computed) {
            self.let_go(writer.inner).await?;
            return Err(error);
        }
        if let Err(error) = writer.record().await {
            return Err(self.unrecorded(turn, writer, error).await);
        }
        let offset_bytes = writer.recorded_bytes;
        if !is_last {
            turn.park(Some(stages));
            self.let_go(writer.inner).await?;
            return Ok(Outcome { offset_bytes, is_complete: false });
        }
        self.finish(writer.inner, stages, whole).await?;
        Ok(Outcome { offset_bytes, is_complete: true })
    }

    /// The same end as that of an upload in one request. What is refused goes; what only could not be recorded stays.
    async fn finish(&self, writer: Box<dyn Writer>, stages: Stages, whole: SentDigests) -> Result<(), Error> {
        let whole = SentDigests {
            leading: [whole.leading, SentDigest::read_all(&self.record.digests)].concat(),
            ..whole
        };
        let (hold, room) = (Hold::Upload(self.record.id.clone()), self.room.clone());
        let arrived = Whole { writer, stages, hold, room };
        let settled = settle(self.app, self.image, self.store, arrived, |computed| whole.verify(computed));
        match settled.await {
            Ok(()) => Ok(()),
            Err(error @ (Error::Internal(_) | Error::Unavailable { .. })) => Err(error),
            Err(error) => {
                ending::end(self.app, self.record).await?;
                Err(Error::Processed(Box::new(error)))
            }
        }
    }

    /// A piece that did not come to its end. What a broken connection brought stays.
    async fn stop(&self, turn: &mut Turn, mut writer: Checkpoints<'_>, interrupted: Interrupted) -> Error {
        if writer.failure.is_some() {
            return self.unrecorded(turn, writer, StoreError::NotFound).await;
        }
        let Interrupted { error, stages } = interrupted;
        if let Some(stages) = stages.filter(|_| is_harmless(&error) && writer.may_record) {
            if let Err(error) = writer.record().await {
                return self.unrecorded(turn, writer, error).await;
            }
            turn.park(Some(stages));
        }
        self.leave(turn, writer.inner, Interrupted { error, stages: None }).await
    }

    /// The data came, but the store or the record could not follow it. What is not recorded does not count: the next
    /// writer cuts it off, so that nothing is taken for durable of which a flush failed.
    async fn unrecorded(&self, turn: &mut Turn, writer: Checkpoints<'_>, error: StoreError) -> Error {
        let Checkpoints { inner, failure, .. } = writer;
        match failure {
            None => self.leave(turn, inner, Interrupted { error: error.into(), stages: None }).await,
            Some(DbError::Stale) => {
                inner.cancel().await;
                ended(DbError::Stale)
            }
            Some(failure) => match inner.keep().await {
                Ok(()) => ended(failure),
                Err(error) => store_error(error),
            },
        }
    }

    /// Leaves what came for the next piece, if there is still an upload that it can belong to.
    async fn let_go(&self, writer: Box<dyn Writer>) -> Result<(), Error> {
        let id = self.record.id.clone();
        let found = self.app.db.read(move |conn| db::uploads::get(conn, &id)).await;
        if matches!(found, Ok(None)) {
            writer.cancel().await;
            return Err(ended(DbError::Stale));
        }
        writer.keep().await.map_err(store_error)
    }

    /// Lets go of the writer, and ends the upload unless more may still come.
    async fn leave(&self, turn: &mut Turn, writer: Box<dyn Writer>, interrupted: Interrupted) -> Error {
        let Interrupted { error, stages } = interrupted;
        if is_harmless(&error) {
            if stages.is_some() {
                turn.park(stages);
            }
            if let Err(error) = self.let_go(writer).await {
                return error;
            }
        } else {
            writer.cancel().await;
            if let Err(error) = ending::end(self.app, self.record).await {
                return error;
            }
        }
        self.told(error)
    }

    /// What the client reads. More or less data than was announced contradicts the announcement.
    fn told(&self, error: PumpError) -> Error {
        let Some(length) = self.record.length_bytes else { return pump_error(error) };
        let message = match error {
            PumpError::NotAsDeclared { received, .. } => {
                let end = self.record.offset_bytes.saturating_add(received);
                format!("The upload is {length} bytes long, and its last piece ended at byte {end}.")
            }
            PumpError::OverMaximum { .. } => {
                format!("The upload is {length} bytes long, and more data came.")
            }
            other => return pump_error(other),
        };
        Error::UploadStep { problem: UploadProblem::InconsistentLength, message }
    }
}

/// A store in trouble may be well again when the client comes back. A full one is full of this upload too, and its client
/// gives up when it hears of it.
fn is_final(error: &StoreError) -> bool {
    matches!(error, StoreError::Full(_))
}

/// After these the rest may still come.
fn is_harmless(error: &PumpError) -> bool {
    match error {
        PumpError::Body(_) => true,
        PumpError::NotAsDeclared { declared, received } => received < declared,
        PumpError::Store(error) => !is_final(error),
        PumpError::OverMaximum { .. } | PumpError::Unsafe(_) | PumpError::Stage(_) | PumpError::Digest => {
            false
        }
    }
}

/// The upload ended while its data came.
fn ended(error: DbError) -> Error {
    match error {
        DbError::Stale => {
            Error::Gone("The upload ended: it was cancelled, or its image was deleted.".to_owned())
        }
        other => other.into(),
    }
}

/// A writer that records how much is durable.
struct Checkpoints<'a> {
    app: &'a App,
    record: &'a UploadRecord,
    inner: Box<dyn Writer>,
    recorded_bytes: u64,
    written_bytes: u64,
    may_record: bool,
    /// Why the record could not follow; `Stale` when the upload ended elsewhere, and nothing of it may stay.
    failure: Option<DbError>,
}

impl<'a> Checkpoints<'a> {
    fn of(job: &Job<'a>, inner: Box<dyn Writer>, may_record: bool) -> Self {
        let offset = job.record.offset_bytes;
        Self {
            app: job.app,
            record: job.record,
            inner,
            recorded_bytes: offset,
            written_bytes: offset,
            may_record,
            failure: None,
        }
    }

    async fn record(&mut self) -> Result<(), StoreError> {
        if self.written_bytes == self.recorded_bytes {
            return Ok(());
        }
        self.inner.flush().await?;
        let (id, image_id) = (self.record.id.clone(), self.record.image_id.clone());
        let (step, expires_at) = ((self.recorded_bytes, self.written_bytes), expiry(self.app));
        let recorded =
            self.app.db.write(move |conn| db::uploads::advance(conn, (&id, &image_id), step, expires_at));
        if let Err(error) = recorded.await {
            let message = format!("what came could not be recorded: {error}");
            self.failure = Some(error);
            return Err(StoreError::Other(message.into()));
        }
        self.recorded_bytes = self.written_bytes;
        Ok(())
    }
}

#[async_trait]
impl Writer for Checkpoints<'_> {
    async fn write(&mut self, batch: Batch) -> Result<(), StoreError> {
        let count: u64 = batch.iter().map(|frame| frame.len() as u64).sum();
        self.inner.write(batch).await?;
        self.written_bytes += count;
        if self.may_record && self.written_bytes - self.recorded_bytes >= CHECKPOINT_BYTES {
            self.record().await?;
        }
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<String, StoreError> {
        self.inner.commit().await
    }

    async fn flush(&mut self) -> Result<(), StoreError> {
        self.inner.flush().await
    }

    async fn keep(self: Box<Self>) -> Result<(), StoreError> {
        self.inner.keep().await
    }

    async fn cancel(self: Box<Self>) {
        self.inner.cancel().await;
    }
}
