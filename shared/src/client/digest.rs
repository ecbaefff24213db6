//! The digests of what is sent or received, to be compared with what the service computed.

use crate::checksum::{HashDigest, Md5Digest};
use crate::image::Image;

/// MD5 and one stronger digest, in one pass.
#[derive(Clone)]
pub(super) struct Digests {
    md5: Md5Digest,
    strong: Option<HashDigest>,
}

/// Hexadecimal digests of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sums {
    pub(super) md5: String,
    /// Name and value of the stronger one.
    pub(super) strong: Option<(&'static str, String)>,
}

/// How two digests compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Comparison {
    /// Equal by the digest of this name.
    Same { algorithm: String, value: String },
    /// Different.
    Different { algorithm: String, ours: String, theirs: String },
    /// The service names no digest that we know.
    Unknown,
}

impl Digests {
    /// For a service that uses this algorithm; an unknown one leaves MD5 alone.
    pub(super) fn new(algorithm: &str) -> Self {
        Self { md5: Md5Digest::new(), strong: HashDigest::new(algorithm).ok() }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        if let Some(strong) = &mut self.strong {
            strong.update(bytes);
        }
    }

    pub(super) fn finish(self) -> Sums {
        let strong = self.strong.map(|strong| (strong.algorithm(), strong.finish()));
        Sums { md5: self.md5.finish(), strong }
    }
}

impl Sums {
    /// The stronger digest decides; MD5 only where there is no common stronger one.
    pub(super) fn compare(&self, image: &Image) -> Comparison {
        let strong = match (&image.os_hash_algo, &image.os_hash_value, &self.strong) {
            (Some(algorithm), Some(theirs), Some((name, ours))) if algorithm == name => {
                Some((*name, ours, theirs))
            }
            _ => None,
        };
        let weak = image.checksum.as_ref().map(|theirs| ("md5", &self.md5, theirs));
        let Some((algorithm, ours, theirs)) = strong.or(weak) else { return Comparison::Unknown };
        let algorithm = algorithm.to_owned();
        if ours.eq_ignore_ascii_case(theirs) {
            Comparison::Same { algorithm, value: ours.clone() }
        } else {
            Comparison::Different { algorithm, ours: ours.clone(), theirs: theirs.clone() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_of_a_known_text_are_the_published_ones() {
        let mut digests = Digests::new("sha256");
        digests.update(b"ab");
        digests.update(b"c");
        let sums = digests.finish();
        assert_eq!(sums.md5, "900150983cd24fb0d6963f7d28e17f72");
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sums.strong, Some(("sha256", sha256.to_owned())));
    }

    #[test]
    fn an_unknown_algorithm_leaves_md5() {
        assert_eq!(Digests::new("blake2b").finish().strong, None);
    }
}
