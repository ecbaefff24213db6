//! Known answers: of the published vectors, and of the implementations that the plain path uses.

use ::md5::Digest as _;
use ring::digest;

use crate::{Algorithm, LANES, Md5, Sha512, Stream, Vector, Work, advance};

/// Bytes without a pattern; each stream has its own.
fn bytes(stream: usize, count: usize) -> Vec<u8> {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(stream as u64 + 1) | 1;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()[3]
    };
    (0..count).map(|_| next()).collect()
}

/// The same bytes in pieces of these lengths, over and over.
fn pieces(bytes: &[u8], lengths: &[usize]) -> Vec<Vec<u8>> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for length in lengths.iter().cycle() {
        let (piece, after) = rest.split_at(rest.len().min(*length));
        pieces.push(piece.to_vec());
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    pieces
}

/// What a thread of the service does with the streams that it has.
fn all<A: Algorithm>(vector: Vector, streams: Vec<Vec<Vec<u8>>>) -> Vec<Vec<u8>> {
    let mut works: Vec<_> =
        streams.into_iter().map(|frames| work::<A, _>(Stream::default(), frames)).collect();
    loop {
        let mut rest: Vec<_> = works.iter_mut().filter(|work| !work.is_done()).collect();
        if rest.is_empty() {
            break;
        }
        advance(vector, &mut rest);
    }
    works.into_iter().map(|work| work.finish(vector).finish(vector)).collect()
}

fn work<A: Algorithm, F: AsRef<[u8]>>(stream: Stream<A>, frames: Vec<F>) -> Work<A, F> {
    let mut work = Work::new(stream);
    for frame in frames {
        work.push(frame);
    }
    work
}

fn md5_of(bytes: &[u8]) -> Vec<u8> {
    ::md5::Md5::digest(bytes).to_vec()
}

fn sha512_of(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA512, bytes).as_ref().to_vec()
}

#[test]
fn the_published_vectors_come_out() {
    for vector in Vector::each() {
        let hex =
            |digest: Vec<u8>| digest.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
        let one = |text: &str| vec![vec![text.as_bytes().to_vec()]];
        for (text, md5) in [
            ("", "d41d8cd98f00b204e9800998ecf8427e"),
            ("abc", "900150983cd24fb0d6963f7d28e17f72"),
            ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        ] {
            assert_eq!(hex(all::<Md5>(vector, one(text)).remove(0)), md5, "{text}");
        }
        assert_eq!(
            hex(all::<Sha512>(vector, one("abc")).remove(0)),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
         2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        );
    }
}

#[test]
fn every_length_around_a_block_is_padded_right() {
    for vector in Vector::each() {
        for count in (0..300).chain([1023, 1024, 1025, 2047, 2048, 4095, 8192]) {
            let data = bytes(count, count);
            assert_eq!(all::<Md5>(vector, vec![vec![data.clone()]]), [md5_of(&data)], "{count} bytes");
            assert_eq!(all::<Sha512>(vector, vec![vec![data.clone()]]), [sha512_of(&data)], "{count} bytes");
        }
    }
}

#[test]
fn streams_side_by_side_do_not_mix() {
    for vector in Vector::each() {
        for count in 1..=LANES {
            let data: Vec<Vec<u8>> =
                (0..count).map(|stream| bytes(stream, 10_000 + stream * 7_777)).collect();
            let cut = |lengths: &[usize]| data.iter().map(|data| pieces(data, lengths)).collect::<Vec<_>>();
            for lengths in [&[usize::MAX][..], &[1, 4096, 63, 64, 65, 127, 128, 129], &[100_000, 3], &[5]] {
                assert_eq!(
                    all::<Md5>(vector, cut(lengths)),
                    data.iter().map(|data| md5_of(data)).collect::<Vec<_>>()
                );
                assert_eq!(
                    all::<Sha512>(vector, cut(lengths)),
                    data.iter().map(|data| sha512_of(data)).collect::<Vec<_>>()
                );
            }
        }
    }
}

#[test]
fn a_stream_goes_on_where_it_was_left() {
    for vector in Vector::each() {
        let data = bytes(1, 100_003);
        let mut md5 = Stream::<Md5>::default();
        let mut sha512 = Stream::<Sha512>::default();
        for piece in data.chunks(777) {
            md5 = work(md5, vec![piece]).finish(vector);
            sha512 = work(sha512, vec![piece]).finish(vector);
        }
        assert_eq!((md5.finish(vector), sha512.finish(vector)), (md5_of(&data), sha512_of(&data)));
    }
}
