//! What transfers cost: throughput, processor time and memory of uploads and downloads, beside the real Glance and, for
//! downloads, nginx with sendfile. Everything lies on a memory file system: a disk would be slower than any of them.

use std::time::Duration;

use glasshouse_tests::scratch::Scratch;

mod bound;
mod contender;
mod nginx;
mod transfer;

use contender::Contender;
use transfer::{Cost, Shape, download, ranges, upload};

/// Each row goes through all contenders this often, in turn; the median of the rates is printed.
const ROUNDS: usize = 7;
const MIB: u64 = 1 << 20;

/// What to measure.
#[derive(Debug)]
pub struct Options {
    /// Size of the large image.
    whole_mib: u64,
    /// Where ours has its records: on the MariaDB that Glance has, or in SQLite, as without a configured database.
    on_mariadb: bool,
}

impl Options {
    /// `None` when something is not understood.
    pub fn parse(arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self { whole_mib: 1024, on_mariadb: false };
        for argument in arguments {
            match argument.as_str() {
                "--mariadb" => options.on_mariadb = true,
                mib => options.whole_mib = mib.parse().ok().filter(|mib| *mib >= 8)?,
            }
        }
        Some(options)
    }
}

/// Measures everything.
pub fn run(options: &Options) {
    let memory = Scratch::in_memory("bench-bytes");
    let (glance, ours) = (Contender::glance(&memory), Contender::ours(&memory, options.on_mariadb));
    let nginx = nginx::Nginx::start(&memory);
    let whole_mib = options.whole_mib;
    println!("On a memory file system ({}), {} processors.", memory.path().display(), bound::processors());
    let records = if options.on_mariadb { "the same MariaDB" } else { "SQLite, as it comes" };
    println!(
        "Glance has its records on MariaDB, ours on {records}, both on the disk and with durable commits."
    );

    println!("\n## Uploads: MiB/s, CPU s/GiB of the server; images/s\n");
    println!("| | Glance | ours | throughput | CPU |\n| --- | --- | --- | --- | --- |");
    let whole = Shape { name: "1 image", images: 1, clients: 1, bytes: whole_mib * MIB };
    let eight = Shape { name: "8 images side by side", images: 8, clients: 8, bytes: whole_mib * MIB / 8 };
    let small = Shape { name: "32 images of 16 MiB, 8 clients", images: 32, clients: 8, bytes: 16 * MIB };
    for shape in [&whole, &eight, &small] {
        let costs = rounds([&glance, &ours], |contender| upload(contender, shape));
        print_row(shape.name, &costs);
        bound::print(shape, &costs[1]);
    }

    println!("\n## Downloads: MiB/s, CPU s/GiB of the server\n");
    println!(
        "| | Glance | ours | nginx | ours : nginx, throughput | CPU |\n| --- | --- | --- | --- | --- | --- |"
    );
    for shape in [&whole, &eight] {
        let path = nginx.publish(shape.bytes);
        let paths = [glance.store_one(shape.bytes), ours.store_one(shape.bytes), path];
        let sources = [&glance.source, &ours.source, &nginx.source];
        let costs = rounds([0, 1, 2], |number| download(sources[number], &paths[number], shape));
        print_row(shape.name, &costs);
    }
    let small = 64 * MIB;
    let paths = [glance.store_one(small), ours.store_one(small), nginx.publish(small)];
    let sources = [&glance.source, &ours.source, &nginx.source];
    let costs = rounds([0, 1, 2], |number| ranges(sources[number], &paths[number], small));
    let each: Vec<String> = costs
        .iter()
        .map(|cost| format!("{:.0}/s, {:.3} CPU ms", cost.per_second(), cost.each_ms()))
        .collect();
    println!(
        "| 64 KiB ranges, 4 clients | {} | {:.1} × Glance | |",
        each.join(" | "),
        costs[1].per_second() / costs[0].per_second()
    );
    println!("\nMemory of ours at its peak: {} MiB.", ours.peak_bytes() / MIB);
}

/// All contenders in turn, several times; of each the round with the median duration.
fn rounds<T: Copy, const N: usize>(contenders: [T; N], mut measure: impl FnMut(T) -> Cost) -> [Cost; N] {
    let mut costs: [Vec<Cost>; N] = std::array::from_fn(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (contender, costs) in contenders.iter().zip(&mut costs) {
            costs.push(measure(*contender));
        }
    }
    costs.map(|mut costs| {
        costs.sort_by(|a, b| a.per_second().total_cmp(&b.per_second()));
        costs.swap_remove(ROUNDS / 2)
    })
}

/// One line: every contender, then the second against the last but itself: Glance in a pair, nginx among three.
fn print_row(name: &str, costs: &[Cost]) {
    let cells: Vec<String> = costs
        .iter()
        .map(|cost| {
            format!(
                "{:.0} MiB/s, {:.2} s/GiB, {:.1}/s",
                cost.mib_per_second(),
                cost.cpu_per_gib(),
                cost.per_second()
            )
        })
        .collect();
    let (ours, peer) = (&costs[1], if costs.len() > 2 { &costs[2] } else { &costs[0] });
    println!(
        "| {name} | {} | {:.2} | {:.2} |",
        cells.join(" | "),
        ours.mib_per_second() / peer.mib_per_second(),
        ours.cpu_per_gib() / peer.cpu_per_gib()
    );
}

/// Seconds with their fraction.
fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}
