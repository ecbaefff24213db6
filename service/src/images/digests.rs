//! The digests that a sender computed and sent with its data (RFC 9530), against those of what arrived.

use crate::error::Error;
use glasshouse_shared::checksum::{HashDigest, UnknownAlgorithm};

/// A digest that a sender may compute; others are not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Sha256,
    Sha512,
    Md5,
}

impl Algorithm {
    /// As `Content-Digest` spells it.
    pub const fn field_name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha512 => "sha-512",
            Self::Md5 => "md5",
        }
    }

    /// As `os_hash_algo` spells it.
    const fn hash_name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::Md5 => "md5",
        }
    }
}

/// What a sender says that a digest of its data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentDigest {
    pub algorithm: Algorithm,
    /// Hexadecimal digits, in lower case.
    pub value: String,
}

/// Every digest that comes with one upload.
pub struct SentDigests {
    /// Those before the data.
    pub leading: Vec<SentDigest>,
    /// The sender said that it computes while it sends, so that any algorithm may come at the end.
    pub more_announced: bool,
    /// Those behind the data; asked when all of it arrived.
    pub trailing: Box<dyn FnOnce() -> Result<Vec<SentDigest>, Error> + Send>,
}

impl SentDigests {
    /// What must be computed: `algorithm` first, which the image is given in any case. MD5 is computed anyway.
    pub fn to_compute(&self, algorithm: &str) -> Result<Vec<HashDigest>, UnknownAlgorithm> {
        let mut digests = vec![HashDigest::new(algorithm)?];
        for wanted in [Algorithm::Sha256, Algorithm::Sha512] {
            let sent = self.more_announced || self.leading.iter().any(|sent| sent.algorithm == wanted);
            if sent && digests.iter().all(|digest| digest.algorithm() != wanted.hash_name()) {
                digests.push(HashDigest::new(wanted.hash_name())?);
            }
        }
        Ok(digests)
    }

    /// 400 when one of them is not that of the data. `computed` pairs names as `os_hash_algo` has them with values.
    pub fn verify(self, computed: &[(&str, &str)]) -> Result<(), Error> {
        let trailing = (self.trailing)()?;
        for sent in self.leading.iter().chain(&trailing) {
            // What was not announced in time was not computed.
            let name = sent.algorithm.hash_name();
            let Some((_, value)) = computed.iter().find(|(known, _)| *known == name) else { continue };
            if *value != sent.value {
                return Err(Error::BadRequest(format!(
                    "The data does not have the digest that was sent with it: {} is {value}, not {}.",
                    sent.algorithm.field_name(),
                    sent.value
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(leading: &[(Algorithm, &str)], trailing: &[(Algorithm, &str)]) -> SentDigests {
        let digests = |list: &[(Algorithm, &str)]| -> Vec<_> {
            let digest =
                |&(algorithm, value): &(Algorithm, &str)| SentDigest { algorithm, value: value.into() };
            list.iter().map(digest).collect()
        };
        let trailing = digests(trailing);
        SentDigests {
            leading: digests(leading),
            more_announced: !trailing.is_empty(),
            trailing: Box::new(move || Ok(trailing)),
        }
    }

    fn names(digests: &SentDigests, algorithm: &str) -> Vec<&'static str> {
        let computed = digests.to_compute(algorithm).expect("a known algorithm");
        computed.iter().map(HashDigest::algorithm).collect()
    }

    #[test]
    fn only_what_is_needed_is_computed() {
        assert_eq!(names(&sent(&[], &[]), "sha512"), ["sha512"]);
        let both = sent(&[(Algorithm::Sha256, ""), (Algorithm::Sha512, ""), (Algorithm::Md5, "")], &[]);
        assert_eq!(names(&both, "sha512"), ["sha512", "sha256"]);
        assert_eq!(names(&both, "sha1"), ["sha1", "sha256", "sha512"]);
        assert_eq!(names(&sent(&[], &[(Algorithm::Md5, "")]), "sha256"), ["sha256", "sha512"]);
    }

    #[test]
    fn one_wrong_digest_is_enough_wherever_it_stands() {
        let computed = [("md5", "aa"), ("sha256", "bb")];
        let good = [(Algorithm::Md5, "aa"), (Algorithm::Sha256, "bb")];
        let bad = [(Algorithm::Md5, "aa"), (Algorithm::Sha256, "aa")];
        assert!(sent(&good, &good).verify(&computed).is_ok());
        for wrong in [sent(&bad, &good), sent(&good, &bad)] {
            let Err(Error::BadRequest(text)) = wrong.verify(&computed) else { panic!("a bad request") };
            assert!(text.contains("sha-256 is bb, not aa"), "{text}");
        }
        assert!(sent(&[], &[(Algorithm::Sha512, "cc")]).verify(&computed).is_ok(), "nobody computed it");
    }
}
