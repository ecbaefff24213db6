//! The tokens of the lab: in memory, by digest, for an hour each, and never more than the table holds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use glasshouse_shared::identity::Token;
use jiff::Timestamp;

const TOKENS_MAX: usize = 10_000;

/// SHA-256 of a token.
type Digest = [u8; 32];

#[derive(Debug, Default)]
pub struct Tokens {
    issued: Mutex<HashMap<Digest, Arc<Token>>>,
}

impl Tokens {
    /// Remembers a token. When the table is full, the oldest one ends early.
    pub fn insert(&self, secret: &str, token: Token, now: Timestamp) {
        let mut issued = self.lock();
        if issued.len() >= TOKENS_MAX {
            issued.retain(|_, token| token.expires_at > now);
        }
        if issued.len() >= TOKENS_MAX
            && let Some(oldest) =
                issued.iter().min_by_key(|(_, token)| token.issued_at).map(|(digest, _)| *digest)
        {
            issued.remove(&oldest);
        }
        issued.insert(digest(secret), Arc::new(token));
    }

    /// What a token says, unless it has ended.
    pub fn get(&self, secret: &str, now: Timestamp) -> Option<Arc<Token>> {
        self.lock().get(&digest(secret)).filter(|token| token.expires_at > now).cloned()
    }

    /// Ends a token; false if there was none.
    pub fn revoke(&self, secret: &str) -> bool {
        self.lock().remove(&digest(secret)).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Digest, Arc<Token>>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest(secret: &str) -> Digest {
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, secret.as_bytes()).as_ref());
    digest
}
