//! What MariaDB itself takes for the rows that an answer is made of: the least that any service on it can cost.

use std::fmt::Write as _;
use std::time::Duration;

use glasshouse_tests::mariadb::Mariadb;
use glasshouse_tests::process::cpu_ticks_of;
use glasshouse_tests::scratch::Scratch;

use crate::{fill, measure};

/// The kernel counts processor time in hundredths of a second.
const TICK_MS: f64 = 10.0;
const COUNT: u32 = 2000;

/// Prints the processor time of the server for each query, asked by its own client again and again.
pub fn print(server: &Mariadb, database: &str, images: u64) {
    let Some(process) = server.process_id() else { return };
    let scratch = Scratch::new("bench-bare");
    let file = scratch.join("queries.sql");
    println!("\n| a bare query on MariaDB, in its own client | CPU ms |\n| --- | --- |");
    let id = |round: u32| fill::id(u64::from(round) * 7919 % images + 1);
    let page = "SELECT * FROM images WHERE deleted = 0 ORDER BY created_at DESC, id DESC LIMIT 25";
    let queries: [(&str, &dyn Fn(u32) -> String); 3] = [
        ("one row of images by its id", &|round| format!("SELECT * FROM images WHERE id = '{}'", id(round))),
        ("the rows of one image: itself, properties, tags, locations", &|round| {
            let of = |table: &str| format!("SELECT * FROM {table} WHERE image_id = '{}'", id(round));
            let parts = [of("image_properties"), of("image_tags"), of("image_locations")].join(";");
            format!("SELECT * FROM images WHERE id = '{}';{parts}", id(round))
        }),
        ("25 rows of images, the newest first", &|_| page.to_owned()),
    ];
    for (name, query) in queries {
        let mut statements = format!("USE {database};");
        for round in 0..COUNT {
            // Writing to a string cannot fail.
            let _ = write!(statements, "{};", query(round));
        }
        std::fs::write(&file, statements).expect("the statements are kept");
        measure::wait_until_idle(process);
        let before = cpu_ticks_of(process).unwrap_or_default();
        server.sql_within(&format!("SOURCE {}", file.display()), Duration::from_mins(5));
        let ticks = cpu_ticks_of(process).unwrap_or_default().saturating_sub(before);
        let spent = f64::from(u32::try_from(ticks).unwrap_or(u32::MAX)) * TICK_MS / f64::from(COUNT);
        println!("| {name} | {spent:.3} |");
    }
}
