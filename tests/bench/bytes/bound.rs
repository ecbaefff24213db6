//! What an upload cannot be quicker than: its two digests, and moving the bytes from a client into a file, measured on
//! their own in the same run.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use glasshouse_digests::{Algorithm, LANES, Md5, Sha512, Stream, Vector, Work, advance};
use glasshouse_shared::checksum::{HashDigest, Md5Digest};
use glasshouse_tests::process::cpu_ticks_of;
use glasshouse_tests::scratch::Scratch;

use super::transfer::{Cost, Shape, pattern, receive_into};
use super::{MIB, seconds};

pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Prints the bound for images of this shape, and how near to it `ours` came: of the time that passed, and of what is
/// left of that without what the host gave to other guests.
pub fn print(shape: &Shape, ours: &Cost) {
    let bytes = shape.bytes * shape.images as u64;
    let streams = shape.clients.min(LANES);
    let (md5, sha512) = (of_us(|| md5(bytes, streams)), of_us(|| sha512(bytes, streams)));
    let moving = of_us(|| moving(bytes));
    let shared = (md5 + sha512 + moving).div_f64(f64::from(u32::try_from(processors()).expect("few")));
    // However many processors there are, one stream has one of each digest.
    let bound = if streams == 1 { shared.max(md5).max(sha512) } else { shared };
    println!(
        "| its bound: MD5 {:.2} s, SHA-512 {:.2} s, client, receiving and writing {:.2} s of CPU | | {:.0} MiB/s | {:.2} of the bound, {:.2} without the {:.0} % that the host withheld | |",
        seconds(md5),
        seconds(sha512),
        seconds(moving),
        f64::from(u32::try_from(bytes / MIB).expect("fits")) / seconds(bound),
        seconds(bound) / seconds(ours.wall()),
        seconds(bound) / (seconds(ours.wall()) * (1.0 - ours.withheld())),
        ours.withheld() * 100.0,
    );
}

/// Processor time of this process during `work`.
fn of_us(work: impl FnOnce()) -> Duration {
    let ticks = || cpu_ticks_of(std::process::id()).unwrap_or_default();
    let before = ticks();
    work();
    Duration::from_millis((ticks() - before) * 10)
}

/// MD5 the way the service computes it of so many streams on this processor.
fn md5(bytes: u64, streams: usize) {
    if let Some(vector) = Vector::detect() {
        in_lanes::<Md5>(vector, bytes, streams);
        return;
    }
    let mut digest = Md5Digest::new();
    pieces(bytes, |piece| digest.update(piece));
    std::hint::black_box(digest.finish());
}

fn sha512(bytes: u64, streams: usize) {
    if let Some(vector) = Vector::detect() {
        in_lanes::<Sha512>(vector, bytes, streams);
        return;
    }
    let mut digest = HashDigest::new("sha512").expect("known");
    pieces(bytes, |piece| digest.update(piece));
    std::hint::black_box(digest.finish());
}

fn in_lanes<A: Algorithm>(vector: Vector, bytes: u64, streams: usize) {
    let mut works: Vec<_> = (0..streams).map(|_| Work::<A, _>::new(Stream::default())).collect();
    pieces(bytes / streams as u64, |piece| {
        for work in &mut works {
            work.push(piece);
        }
        while works.iter().any(|work| !work.is_done()) {
            let mut rest: Vec<_> = works.iter_mut().filter(|work| !work.is_done()).collect();
            advance(vector, &mut rest);
        }
    });
    for work in works {
        std::hint::black_box(work.finish(vector).finish(vector));
    }
}

static PIECE: [u8; 1 << 20] = [0x5a; 1 << 20];

/// Calls `each` with a megabyte, as often as makes so many bytes.
fn pieces(bytes: u64, mut each: impl FnMut(&'static [u8])) {
    (0..bytes / MIB).for_each(|_| each(&PIECE));
}

/// A client that sends and a server that writes what comes, and nothing else.
fn moving(bytes: u64) {
    let memory = Scratch::in_memory("bound");
    let mut file = File::create(memory.join("file")).expect("a file");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::scope(|scope| {
        scope.spawn(move || pattern(bytes, &mut TcpStream::connect(address).expect("a connection")));
        let (socket, _) = listener.accept().expect("a client");
        receive_into(socket, &mut file);
    });
}
