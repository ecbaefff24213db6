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
    pub const ALL: [Self; 3] = [Self::Sha256, Self::Sha512, Self::Md5];

    /// As `Content-Digest` spells it.
    pub const fn field_name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha512 => "sha-512",
            Self::Md5 => "md5",
        }
    }

    /// What computes it; MD5 is computed of every image anyway.
    pub fn beside_md5(self) -> Result<Option<HashDigest>, UnknownAlgorithm> {
        match self {
            Self::Md5 => Ok(None),
            Self::Sha256 | Self::Sha512 => HashDigest::new(self.hash_name()).map(Some),
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

impl SentDigest {
    /// For a record: `sha-256=<hexadecimal digits>`, one after the other with blanks between.
    pub fn write_all(digests: &[Self]) -> String {
        let words = digests.iter().map(|sent| format!("{}={}", sent.algorithm.field_name(), sent.value));
        words.collect::<Vec<_>>().join(" ")
    }

    /// What [`SentDigest::write_all`] wrote.
    pub fn read_all(text: &str) -> Vec<Self> {
        let read = |word: &str| {
            let (name, value) = word.split_once('=')?;
            let algorithm = Algorithm::ALL.into_iter().find(|known| known.field_name() == name)?;
            Some(Self { algorithm, value: value.to_owned() })
        };
        text.split(' ').filter_map(read).collect()
    }
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
    /// Whether there is anything to verify.
    pub fn is_expected(&self) -> bool {
        self.more_announced || !self.leading.is_empty()
    }

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

    /// What must be computed of these bytes alone, when they are a piece of an image.
    pub fn of_piece(&self) -> Result<Vec<HashDigest>, UnknownAlgorithm> {
        let is_sent = |wanted: &Algorithm| {
            self.more_announced || self.leading.iter().any(|sent| sent.algorithm == *wanted)
        };
        Algorithm::ALL.into_iter().filter(is_sent).map(|wanted| HashDigest::new(wanted.hash_name())).collect()
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
    fn a_record_of_digests_is_read_as_it_was_written() {
        let digests = sent(&[(Algorithm::Sha256, "0a"), (Algorithm::Md5, "ff")], &[]).leading;
        assert_eq!(SentDigest::write_all(&digests), "sha-256=0a md5=ff");
        assert_eq!(SentDigest::read_all("sha-256=0a md5=ff"), digests);
        assert_eq!(SentDigest::read_all(""), []);
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
