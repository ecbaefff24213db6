//! What records cost: processor time, waiting time and memory of calls that move no image data.

use std::time::Duration;

use glasshouse_tests::mariadb::Mariadb;

use crate::bare;
use crate::contenders::{Contender, Kind};
use crate::measure::{self, Cost};
use crate::rows::{self, Caller, ROWS, Row};

/// Tables that lie on the disk would make it a measurement of the disk: MariaDB has memory for all of them, as a
/// database that is looked after has.
const KIB_OF_AN_IMAGE: u64 = 6;
const MARIADB_MIB_MIN: u32 = 1024;

/// What to measure.
#[derive(Debug)]
pub struct Options {
    images: Vec<u64>,
    kinds: Vec<Kind>,
    /// Only rows whose name contains this.
    row: String,
}

impl Default for Options {
    fn default() -> Self {
        let kinds = vec![Kind::Glance, Kind::OursOnMariadb, Kind::OursOnSqlite];
        Self { images: vec![1_000, 100_000], kinds, row: String::new() }
    }
}

impl Options {
    /// `None` when something is not understood.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut options = Self { images: Vec::new(), ..Self::default() };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--ours-only" => options.kinds.retain(|kind| *kind != Kind::Glance),
                "--sqlite-only" => options.kinds = vec![Kind::OursOnSqlite],
                "--mariadb-only" => options.kinds = vec![Kind::OursOnMariadb],
                "--row" => options.row = arguments.next()?,
                number => options.images.push(number.parse().ok().filter(|images| *images >= 1000)?),
            }
        }
        if options.images.is_empty() {
            options.images = Self::default().images;
        }
        Some(options)
    }
}

/// Measures and prints one table for each number of images, then how the costs of ours grow between them.
pub fn run(options: &Options) {
    let most = options.images.iter().copied().max().unwrap_or_default();
    let buffer_mib =
        MARIADB_MIB_MIN.max(u32::try_from(most * KIB_OF_AN_IMAGE / 1024).expect("not that many"));
    println!("MariaDB has {buffer_mib} MiB for its tables.");
    let server = Mariadb::start_with_memory(buffer_mib);
    let mut all = Vec::new();
    for &images in &options.images {
        let runs: Vec<Run> =
            options.kinds.iter().map(|kind| Run::make(*kind, &server, images, &options.row)).collect();
        print_costs(images, &runs);
        if let Some(run) = runs.iter().find(|run| run.kind == Kind::OursOnMariadb) {
            bare::print(&server, &run.tables, images);
        }
        print_processes(&runs);
        all.push((images, runs));
    }
    print_growth(&all);
}

/// Everything that was measured of one contender.
struct Run {
    kind: Kind,
    /// In the order of [`ROWS`]; `None` where a row was not asked for.
    costs: Vec<Option<Cost>>,
    idle_bytes: u64,
    load_bytes: u64,
    load_per_second: f64,
    start: Option<Duration>,
    /// The name of its database.
    tables: String,
}

impl Run {
    fn make(kind: Kind, server: &Mariadb, images: u64, wanted: &str) -> Self {
        eprintln!("{}: filling {images} images", kind.name());
        let contender = Contender::start(kind, server, images);
        let mut admin = contender.client(Caller::Admin);
        let mut sparse = contender.client(Caller::Sparse);
        let mut cost = |row: &Row| {
            let client = match row.caller {
                Caller::Admin => &mut admin,
                Caller::Sparse => &mut sparse,
            };
            let cost = measure::measure(&contender.processes, client, &mut |client, round| {
                (row.round)(client, round, images);
            });
            eprintln!("{}, {images} images, {}: {}", kind.name(), row.name, split(&cost));
            cost
        };
        let costs = ROWS.iter().map(|row| row.name.contains(wanted).then(|| cost(row))).collect();
        let token = contender.token(Caller::Admin);
        let (load_per_second, load_bytes) =
            measure::load(&contender.processes, contender.address(), &token, &rows::mixed(images));
        let (start, idle_bytes, tables) = (contender.start, contender.idle_bytes, contender.tables.clone());
        Self { kind: contender.kind, costs, idle_bytes, load_bytes, load_per_second, start, tables }
    }

    fn cost(&self, row: usize) -> Option<&Cost> {
        self.costs.get(row).and_then(Option::as_ref)
    }
}

fn print_costs(images: u64, runs: &[Run]) {
    println!(
        "\n## {images} images: CPU ms of a call, server + database; p50 and p99 of waiting, ms; calls/s\n"
    );
    let heads: Vec<String> = runs.iter().map(|run| format!("{} | wait | /s", run.kind.name())).collect();
    println!("| row | {} | Glance : ours, MariaDB | SQLite |", heads.join(" | "));
    println!("|{}", " --- |".repeat(3 + 3 * runs.len()));
    for (place, row) in ROWS.iter().enumerate() {
        let cells: Vec<String> = runs.iter().filter_map(|run| run.cost(place)).map(cells).collect();
        if cells.is_empty() {
            continue;
        }
        let cost_of = |kind| runs.iter().find(|run| run.kind == kind).and_then(|run| run.cost(place));
        let ratio = |kind| match (cost_of(Kind::Glance), cost_of(kind)) {
            (Some(glance), Some(ours)) => {
                let late = if ours.percentile_99 < glance.median { "" } else { ", p99 above its p50" };
                format!("{:.0}{late}", ms(glance.processor()) / ms(ours.processor()))
            }
            _ => "-".to_owned(),
        };
        let ratios = format!("{} | {}", ratio(Kind::OursOnMariadb), ratio(Kind::OursOnSqlite));
        println!("| {} | {} | {ratios} |", row.name, cells.join(" | "));
    }
}

fn cells(cost: &Cost) -> String {
    let wait = format!("{:.2} {:.2}", ms(cost.median), ms(cost.percentile_99));
    format!("{} | {wait} | {:.0}", split(cost), cost.per_second)
}

fn split(cost: &Cost) -> String {
    format!("{:.3} = {:.3} + {:.3}", ms(cost.processor()), ms(cost.server), ms(cost.database))
}

fn print_processes(runs: &[Run]) {
    println!("\n| | resident, idle | under load | calls/s of 16 clients | start to answer |");
    println!("| --- | --- | --- | --- | --- |");
    for run in runs {
        let start = run.start.map_or("-".to_owned(), |start| format!("{:.0} ms", ms(start)));
        let (idle, load) = (run.idle_bytes >> 20, run.load_bytes >> 20);
        println!("| {} | {idle} MiB | {load} MiB | {:.0} | {start} |", run.kind.name(), run.load_per_second);
    }
}

/// How many times the cost of the first number of images each row of ours costs.
fn print_growth(all: &[(u64, Vec<Run>)]) {
    let Some(((first, before), later)) = all.split_first() else { return };
    for (images, runs) in later {
        println!("\n## From {first} to {images} images: growth of CPU time\n");
        println!("| row | {} |", runs.iter().map(|run| run.kind.name()).collect::<Vec<_>>().join(" | "));
        println!("|{}", " --- |".repeat(1 + runs.len()));
        for (place, row) in ROWS.iter().enumerate() {
            let growth = |(before, after): (&Run, &Run)| {
                let (before, after) = (before.cost(place)?, after.cost(place)?);
                Some(format!("{:.2}", ms(after.processor()) / ms(before.processor())))
            };
            let cells: Option<Vec<String>> = before.iter().zip(runs).map(growth).collect();
            if let Some(cells) = cells {
                println!("| {} | {} |", row.name, cells.join(" | "));
            }
        }
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
