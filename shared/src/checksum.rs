//! The digests of an image: MD5, which the API calls its checksum, and a second one chosen by name.
//!
//! Each is a type of its own so that the two can run on different threads. Nothing here reads or waits.

use md5::{Digest, Md5};
use ring::digest;

/// The second digest where nobody chose another.
pub const DEFAULT_ALGORITHM: &str = "sha512";

/// A name of a digest that cannot be computed here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown digest {name:?}, known are {}", HashDigest::ALGORITHMS.join(", "))]
pub struct UnknownAlgorithm {
    /// The name as it was given.
    pub name: String,
}

/// MD5 of bytes that come in pieces.
#[derive(Clone, Default)]
pub struct Md5Digest(Md5);

impl Md5Digest {
    /// The digest of nothing so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// 32 hexadecimal digits.
    pub fn finish(self) -> String {
        hexadecimal(&self.0.finalize())
    }
}

/// A digest chosen by name, of bytes that come in pieces.
#[derive(Clone)]
pub struct HashDigest {
    algorithm: &'static str,
    state: HashState,
}

#[derive(Clone)]
enum HashState {
    Md5(Md5Digest),
    Ring(digest::Context),
}

impl HashDigest {
    /// The names that [`HashDigest::new`] knows, as `os_hash_algo` spells them.
    pub const ALGORITHMS: &[&str] = &["sha512", "sha384", "sha256", "sha512_256", "sha1", "md5"];

    /// A digest of nothing so far, by a name such as `sha512`.
    pub fn new(algorithm: &str) -> Result<Self, UnknownAlgorithm> {
        let wanted = algorithm.trim().to_ascii_lowercase();
        let known = Self::ALGORITHMS.iter().copied().find(|known| *known == wanted);
        let known = known.ok_or_else(|| UnknownAlgorithm { name: algorithm.to_owned() })?;
        let state = match known {
            "sha384" => HashState::Ring(digest::Context::new(&digest::SHA384)),
            "sha256" => HashState::Ring(digest::Context::new(&digest::SHA256)),
            "sha512_256" => HashState::Ring(digest::Context::new(&digest::SHA512_256)),
            "sha1" => HashState::Ring(digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY)),
            "md5" => HashState::Md5(Md5Digest::new()),
            _ => HashState::Ring(digest::Context::new(&digest::SHA512)),
        };
        Ok(Self { algorithm: known, state })
    }

    /// The name of the digest.
    pub fn algorithm(&self) -> &'static str {
        self.algorithm
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            HashState::Md5(state) => state.update(bytes),
            HashState::Ring(state) => state.update(bytes),
        }
    }

    /// Hexadecimal digits, in lower case.
    pub fn finish(self) -> String {
        match self.state {
            HashState::Md5(state) => state.finish(),
            HashState::Ring(state) => hexadecimal(state.finish().as_ref()),
        }
    }
}

/// Both digests of an image side by side.
#[derive(Clone)]
pub struct Digests {
    md5: Md5Digest,
    hash: HashDigest,
}

/// What the two digests came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksums {
    /// 32 hexadecimal digits: the API's `checksum`.
    pub md5: String,
    /// Name of the second digest: `os_hash_algo`.
    pub algo: &'static str,
    /// The second digest in hexadecimal digits: `os_hash_value`.
    pub value: String,
}

impl Digests {
    /// MD5 and the digest of this name.
    pub fn new(algorithm: &str) -> Result<Self, UnknownAlgorithm> {
        Ok(Self { md5: Md5Digest::new(), hash: HashDigest::new(algorithm)? })
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.hash.update(bytes);
    }

    /// Both in hexadecimal digits.
    pub fn finish(self) -> Checksums {
        Checksums { md5: self.md5.finish(), algo: self.hash.algorithm(), value: self.hash.finish() }
    }
}

/// Two hexadecimal digits in lower case for each byte.
pub fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'?'));
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash_of(algorithm: &str, pieces: &[&[u8]]) -> String {
        let mut digest = HashDigest::new(algorithm).unwrap();
        for piece in pieces {
            digest.update(piece);
        }
        digest.finish()
    }

    #[test]
    fn digests_of_abc_are_those_of_the_standards() {
        assert_eq!(hash_of("md5", &[b"abc"]), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(hash_of("sha1", &[b"abc"]), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(
            hash_of("sha256", &[b"a", b"", b"bc"]),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert!(hash_of("sha384", &[b"abc"]).starts_with("cb00753f45a35e8bb5a03d699ac65007"));
        assert!(hash_of("sha512", &[b"ab", b"c"]).starts_with("ddaf35a193617abacc417349ae204131"));
        assert!(hash_of("sha512_256", &[b"abc"]).starts_with("53048e2681941ef99b2e29b76b4c7dab"));
    }

    #[test]
    fn both_digests_see_the_same_bytes() {
        let mut digests = Digests::new("SHA256").unwrap();
        digests.update(b"a");
        digests.update(b"bc");
        let sums = digests.finish();
        assert_eq!(sums.md5, "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!((sums.algo, sums.value), ("sha256", hash_of("sha256", &[b"abc"])));
    }

    #[test]
    fn every_listed_digest_can_be_computed() {
        for &algorithm in HashDigest::ALGORITHMS {
            assert_eq!(HashDigest::new(algorithm).unwrap().algorithm(), algorithm);
        }
        assert!(HashDigest::ALGORITHMS.contains(&DEFAULT_ALGORITHM));
    }

    #[test]
    fn an_unknown_digest_is_refused_with_the_known_ones() {
        let error = HashDigest::new("crc32").err().unwrap().to_string();
        assert_eq!(
            error,
            "unknown digest \"crc32\", known are sha512, sha384, sha256, sha512_256, sha1, md5"
        );
    }
}
