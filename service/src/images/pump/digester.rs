//! One digest of the bytes that pass: in the lanes of a vector unit with those of other transfers where the processor
//! has one, else for itself.

use glasshouse_digests::{Md5, Sha512, Stream};
use glasshouse_shared::checksum::{HashDigest, Md5Digest, hexadecimal};
use tokio::sync::mpsc;

use super::lanes::{self, Lanes};
use super::{Parcel, PumpError, reader};

/// The state of a digest between two pieces of its data.
pub enum Digester {
    Md5(Md5Digest),
    Hash(HashDigest),
    Md5Lane(&'static Lanes<Md5>, Stream<Md5>),
    Sha512Lane(&'static Lanes<Sha512>, Stream<Sha512>),
}

impl Digester {
    /// MD5 of nothing so far.
    pub fn md5() -> Self {
        match lanes::md5() {
            Some(lanes) => Self::Md5Lane(lanes, Stream::default()),
            None => Self::Md5(Md5Digest::new()),
        }
    }

    /// Goes on with `hash`, which has seen nothing yet.
    pub fn of(hash: HashDigest) -> Self {
        match (hash.algorithm(), lanes::sha512()) {
            ("sha512", Some(lanes)) => Self::Sha512Lane(lanes, Stream::default()),
            _ => Self::Hash(hash),
        }
    }

    /// Hexadecimal digits, in lower case.
    pub fn finish(self) -> String {
        match self {
            Self::Md5(md5) => md5.finish(),
            Self::Hash(hash) => hash.finish(),
            Self::Md5Lane(lanes, stream) => hexadecimal(&lanes.finish(stream)),
            Self::Sha512Lane(lanes, stream) => hexadecimal(&lanes.finish(stream)),
        }
    }

    /// Takes in everything that comes through the queue.
    pub(super) async fn read(self, queue: mpsc::Receiver<Parcel>) -> Result<Self, PumpError> {
        Ok(match self {
            Self::Md5(md5) => Self::Md5(
                reader(md5, queue, |md5, bytes| {
                    md5.update(bytes);
                    Ok(())
                })
                .await?,
            ),
            Self::Hash(hash) => Self::Hash(
                reader(hash, queue, |hash, bytes| {
                    hash.update(bytes);
                    Ok(())
                })
                .await?,
            ),
            Self::Md5Lane(lanes, stream) => Self::Md5Lane(lanes, lanes.read(stream, queue).await?),
            Self::Sha512Lane(lanes, stream) => Self::Sha512Lane(lanes, lanes.read(stream, queue).await?),
        })
    }
}
