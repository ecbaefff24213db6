//! Uploads and downloads by clients that cost next to nothing, and what they cost the server.

use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::net::TcpStream;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use glasshouse_tests::process::cpu_ticks_of_family;

use super::contender::{self, Contender};
use super::{MIB, seconds};
use crate::client::Client;

const PIECE_BYTES: usize = 1 << 20;
const RANGE_BYTES: u64 = 64 << 10;
const RANGE_CLIENTS: usize = 4;
const RANGE_TIME: Duration = Duration::from_secs(2);

/// Bytes without a pattern that an inspection could take for a disk image.
static NOISE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed.to_le_bytes()
    };
    (0..PIECE_BYTES / 8 * 16).flat_map(|_| next()).collect()
});

/// Where a server listens, what it runs as, and who asks.
#[derive(Debug)]
pub struct Source {
    address: String,
    process: u32,
    token: String,
}

/// What is moved.
pub struct Shape {
    pub name: &'static str,
    pub images: usize,
    pub clients: usize,
    /// Of each image.
    pub bytes: u64,
}

/// What moving it cost.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    count: usize,
    bytes: u64,
    wall: Duration,
    cpu: Duration,
    /// Part of the time of all processors that the host gave to other guests.
    withheld: f64,
}

impl Cost {
    pub fn per_second(&self) -> f64 {
        f64::from(u32::try_from(self.count).expect("not that many")) / seconds(self.wall)
    }

    pub fn mib_per_second(&self) -> f64 {
        self.mib() / seconds(self.wall)
    }

    pub fn cpu_per_gib(&self) -> f64 {
        seconds(self.cpu) / (self.mib() / 1024.0)
    }

    /// Processor time of one request.
    pub fn each_ms(&self) -> f64 {
        seconds(self.cpu) * 1000.0 / f64::from(u32::try_from(self.count).expect("not that many"))
    }

    pub fn wall(&self) -> Duration {
        self.wall
    }

    pub fn withheld(&self) -> f64 {
        self.withheld
    }

    fn mib(&self) -> f64 {
        f64::from(u32::try_from(self.bytes / MIB).expect("not that much"))
    }
}

impl Source {
    pub fn new(port: u16, process: u32, token: String) -> Self {
        Self { address: format!("127.0.0.1:{port}"), process, token }
    }

    /// A client for calls that move no data.
    pub fn client(&self) -> Client {
        Client::new(&self.address, &self.token)
    }

    fn connect(&self) -> TcpStream {
        let socket = TcpStream::connect(&self.address).expect("a connection");
        socket.set_nodelay(true).expect("TCP_NODELAY");
        socket
    }

    fn head(&self, method: &str, path: &str, headers: &str) -> String {
        let (address, token) = (&self.address, &self.token);
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nX-Auth-Token: {token}\r\n{headers}\r\n")
    }

    fn measure(&self, count: usize, bytes: u64, work: impl FnOnce()) -> Cost {
        let (ticks, machine, start) = (cpu_ticks_of_family(self.process), Machine::now(), Instant::now());
        work();
        let wall = start.elapsed();
        let used = cpu_ticks_of_family(self.process).saturating_sub(ticks);
        Cost { count, bytes, wall, cpu: Duration::from_millis(used * 10), withheld: machine.withheld_since() }
    }
}

/// The processor time of the machine so far, in ticks.
struct Machine {
    all: u64,
    stolen: u64,
}

impl Machine {
    /// As the first line of /proc/stat tells it: user, nice, system, idle, iowait, irq, softirq, steal.
    fn now() -> Self {
        let stat = std::fs::read_to_string("/proc/stat").expect("the kernel tells");
        let first = stat.lines().next().unwrap_or_default().split_whitespace().skip(1).take(8);
        let ticks: Vec<u64> = first.filter_map(|ticks| ticks.parse().ok()).collect();
        Self { all: ticks.iter().sum(), stolen: ticks.get(7).copied().unwrap_or_default() }
    }

    fn withheld_since(&self) -> f64 {
        let now = Self::now();
        let [all, stolen] = [now.all - self.all, now.stolen - self.stolen]
            .map(|ticks| f64::from(u32::try_from(ticks).expect("not that long")));
        if all > 0.0 { stolen / all } else { 0.0 }
    }
}

/// Writes so many bytes of noise.
pub fn pattern(bytes: u64, to: &mut impl Write) {
    let mut left = usize::try_from(bytes).expect("fits");
    for piece in NOISE.chunks(PIECE_BYTES).cycle() {
        let now = piece.len().min(left);
        to.write_all(&piece[..now]).expect("the data is taken");
        left -= now;
        if left == 0 {
            return;
        }
    }
}

/// Sends the data of one image.
pub fn put(source: &Source, id: &str, bytes: u64) {
    let mut socket = source.connect();
    let headers = format!("Content-Type: application/octet-stream\r\nContent-Length: {bytes}\r\n");
    let head = source.head("PUT", &format!("/v2/images/{id}/file"), &headers);
    socket.write_all(head.as_bytes()).expect("the head is taken");
    pattern(bytes, &mut socket);
    let (status, _) = read_head(&mut BufReader::new(socket));
    assert_eq!(status, 204);
}

/// Creates and uploads all images; they are deleted when the watch has stopped.
pub fn upload(contender: &Contender, shape: &Shape) -> Cost {
    let source = &contender.source;
    let next = AtomicUsize::new(0);
    let client = || {
        let (mut client, mut made) = (source.client(), Vec::new());
        while next.fetch_add(1, Ordering::Relaxed) < shape.images {
            let id = contender::create(&mut client);
            put(source, &id, shape.bytes);
            made.push(id);
        }
        made
    };
    let mut made = Vec::new();
    let cost = source.measure(shape.images, shape.bytes * shape.images as u64, || {
        made = side_by_side(shape.clients, client).into_iter().flatten().collect();
    });
    let mut client = source.client();
    for id in &made {
        contender::delete(&mut client, id);
    }
    cost
}

/// Reads one image as often as the shape has images.
pub fn download(source: &Source, path: &str, shape: &Shape) -> Cost {
    source.measure(shape.images, shape.bytes * shape.images as u64, || {
        side_by_side(shape.clients, || {
            let mut connection = BufReader::with_capacity(PIECE_BYTES, source.connect());
            get(source, &mut connection, path, "", (200, shape.bytes));
        });
    })
}

/// Asks for parts of an image until the time is over.
pub fn ranges(source: &Source, path: &str, size_bytes: u64) -> Cost {
    let start = Instant::now();
    let done = AtomicUsize::new(0);
    let cost = source.measure(0, 0, || {
        side_by_side(RANGE_CLIENTS, || {
            let mut connection = None;
            while start.elapsed() < RANGE_TIME {
                let number = done.fetch_add(1, Ordering::Relaxed) as u64;
                let first = number * 7919 * 512 % (size_bytes - RANGE_BYTES);
                let range = format!("Range: bytes={first}-{}\r\n", first + RANGE_BYTES - 1);
                let mut open = connection
                    .take()
                    .unwrap_or_else(|| BufReader::with_capacity(PIECE_BYTES, source.connect()));
                let stays_open = get(source, &mut open, path, &range, (206, RANGE_BYTES));
                connection = stays_open.then_some(open);
            }
        });
    });
    let count = done.load(Ordering::Relaxed);
    Cost { count, bytes: count as u64 * RANGE_BYTES, ..cost }
}

/// One download, thrown away as it comes; whether the connection stays open.
fn get(
    source: &Source,
    connection: &mut BufReader<TcpStream>,
    path: &str,
    headers: &str,
    (status, bytes): (u16, u64),
) -> bool {
    let head = source.head("GET", path, headers);
    connection.get_mut().write_all(head.as_bytes()).expect("the head is taken");
    let (answered, closes) = read_head(connection);
    assert_eq!(answered, status, "GET {path}");
    let mut left = usize::try_from(bytes).expect("fits");
    while left > 0 {
        let got = connection.fill_buf().expect("data").len().min(left);
        assert!(got > 0, "GET {path} ended early");
        connection.consume(got);
        left -= got;
    }
    !closes
}

/// Status, and whether the connection ends with the answer.
fn read_head(connection: &mut BufReader<TcpStream>) -> (u16, bool) {
    let mut line = String::new();
    connection.read_line(&mut line).expect("a status line");
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no status in {line:?}"));
    let mut closes = false;
    loop {
        line.clear();
        connection.read_line(&mut line).expect("a header");
        if line.trim().is_empty() {
            return (status, closes);
        }
        closes |= line.trim().eq_ignore_ascii_case("connection: close");
    }
}

/// Runs the same in several threads.
fn side_by_side<T: Send>(count: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(&work)).collect();
        threads.into_iter().map(|thread| thread.join().expect("a client")).collect()
    })
}

/// Reads everything from a socket into a file, as an upload without digests would.
pub fn receive_into(mut socket: TcpStream, file: &mut std::fs::File) {
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        let got = socket.read(&mut buffer).expect("data");
        if got == 0 {
            return;
        }
        file.write_all(&buffer[..got]).expect("room");
    }
}
