//! What an upload cannot be quicker than: its two digests, and moving the bytes from a client into a file, measured on
//! their own in the same run.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Duration;

use glasshouse_digests::{Algorithm, Md5, Sha512, Stream, Vector, Work};
use glasshouse_shared::checksum::{HashDigest, Md5Digest};
use glasshouse_tests::process::cpu_ticks_of;
use glasshouse_tests::scratch::Scratch;

use super::transfer::{Cost, pattern, receive_into};
use super::{MIB, seconds};

pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Prints the bound for one image of this size, and how near to it `ours` came.
pub fn print(bytes: u64, ours: &Cost) {
    let (md5, sha512, moving) = (of_us(|| md5(bytes)), of_us(|| sha512(bytes)), of_us(|| moving(bytes)));
    let shared = (md5 + sha512 + moving).div_f64(f64::from(u32::try_from(processors()).expect("few")));
    // However many processors there are, one stream has one of each digest.
    let bound = shared.max(md5).max(sha512);
    println!(
        "| the bound: MD5 {:.2} s, SHA-512 {:.2} s, client, receiving and writing {:.2} s of CPU | | {:.0} MiB/s | {:.2} of the bound | |",
        seconds(md5),
        seconds(sha512),
        seconds(moving),
        f64::from(u32::try_from(bytes / MIB).expect("fits")) / seconds(bound),
        seconds(bound) / seconds(ours.wall()),
    );
}

/// Processor time of this process during `work`.
fn of_us(work: impl FnOnce()) -> Duration {
    let ticks = || cpu_ticks_of(std::process::id()).unwrap_or_default();
    let before = ticks();
    work();
    Duration::from_millis((ticks() - before) * 10)
}

/// MD5 the way the service computes it of one stream on this processor.
fn md5(bytes: u64) {
    if let Some(vector) = Vector::detect() {
        in_lane::<Md5>(vector, bytes);
        return;
    }
    let mut digest = Md5Digest::new();
    pieces(bytes, |piece| digest.update(piece));
    std::hint::black_box(digest.finish());
}

fn sha512(bytes: u64) {
    if let Some(vector) = Vector::detect() {
        in_lane::<Sha512>(vector, bytes);
        return;
    }
    let mut digest = HashDigest::new("sha512").expect("known");
    pieces(bytes, |piece| digest.update(piece));
    std::hint::black_box(digest.finish());
}

fn in_lane<A: Algorithm>(vector: Vector, bytes: u64) {
    let mut stream = Stream::<A>::default();
    pieces(bytes, |piece| {
        stream = Work::new(std::mem::take(&mut stream), vec![piece]).finish(vector);
    });
    std::hint::black_box(stream.finish(vector));
}

/// Calls `each` with a megabyte, as often as makes so many bytes.
fn pieces(bytes: u64, mut each: impl FnMut(&[u8])) {
    let piece = vec![0x5a; 1 << 20];
    (0..bytes / MIB).for_each(|_| each(&piece));
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
