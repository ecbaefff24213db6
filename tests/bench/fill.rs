//! Puts images into a database by the database's own means: 5 properties, 2 tags and a location each.
//!
//! Nothing is random: image `n` is the same on every engine and in every run.

use std::process::Command;
use std::time::Duration;

use glasshouse_tests::deployment::Database;
use glasshouse_tests::mariadb::Mariadb;
use glasshouse_tests::scratch::Scratch;
use glasshouse_tests::{process, tools};

/// Filling a million images takes minutes on a busy machine.
const LIMIT: Duration = Duration::from_mins(30);
/// Odd, so that ids are unique and lie in no order.
const SPREAD: u64 = 2_654_435_761;
/// So many images share a rare tag, and as many a rare property.
const RARE: u64 = 25;

/// Whose images they are.
#[derive(Debug, Clone)]
pub struct Owners {
    /// Owns every tenth image.
    pub common: String,
    /// Owns every thousandth, but fifty at least: a page of fewer images costs less, however many there are.
    pub sparse: String,
}

/// The id of image `number`, counted from 1 in the order of `created_at`.
pub fn id(number: u64) -> String {
    format!("{:08x}-0000-4000-8000-{number:012}", number * SPREAD % (1 << 32))
}

/// A name that two images have.
pub fn name(number: u64, images: u64) -> String {
    format!("image-{:07}", number * 7919 % (images / 2))
}

/// How far apart the images of the sparse project are. They have a tag and the values of a property in common.
pub fn sparse(images: u64) -> u64 {
    (images / 1000 * 20).clamp(20, 1000)
}

/// The word that tells one rare tag or property from the next.
pub fn rare(number: u64, images: u64) -> u64 {
    number % (images / RARE)
}

/// An image that stands far down a list in descending order of `key`, with more than a page behind it.
pub fn deep(key: &str, round: u64, images: u64) -> u64 {
    let value = |number: u64| match key {
        "name" => number * 7919 % (images / 2),
        "size" => number * 40503 % 1_000_003,
        "updated_at" => number * 30 + number * 7919 % 2_592_000,
        // `iso` comes before the two others.
        "disk_format" => 2 - number % 3,
        _ => number,
    };
    let most = (1..=images).map(value).max().unwrap_or_default();
    let is_deep = |number: &u64| match most {
        0..3 => value(*number) == 0 && *number > images / 10,
        _ => (most / 10..most / 5).contains(&value(*number)),
    };
    let start = round * 7919 % images;
    (start..start + images).map(|number| number % images + 1).find(is_deep).unwrap_or(1)
}

/// Fills the tables, which must be there and empty.
pub fn fill(database: &Database, server: &Mariadb, images: u64, owners: &Owners) {
    let scratch = Scratch::new("fill");
    let file = scratch.join("fill.sql");
    match database {
        Database::Sqlite(path) => {
            std::fs::write(&file, statements(&SQLITE, images, owners)).expect("a file of statements");
            let mut python = Command::new(tools::system_program("python3"));
            python.args(["-c", SCRIPT]).arg(path).arg(&file);
            process::run_well(python, LIMIT);
        }
        Database::Mariadb(database) => {
            let statements = statements(&MARIADB, images, owners);
            let analyze =
                "ANALYZE TABLE images, image_properties, image_tags, image_locations, image_members;";
            let text = format!("USE {};\n{MARIADB_SETTINGS}\n{statements}\n{analyze}\n", database.name);
            std::fs::write(&file, text).expect("a file of statements");
            server.sql_within(&format!("source {}", file.display()), LIMIT);
        }
    }
}

const SCRIPT: &str = "import sqlite3, sys\n\
    connection = sqlite3.connect(sys.argv[1])\n\
    connection.executescript('BEGIN;' + open(sys.argv[2]).read() + 'COMMIT;')\n\
    connection.execute('PRAGMA wal_checkpoint(TRUNCATE)')";

const MARIADB_SETTINGS: &str =
    "SET sql_mode = 'PIPES_AS_CONCAT', unique_checks = 0, foreign_key_checks = 0, time_zone = '+00:00';";

/// How an engine spells what the statements need.
struct Spelling {
    numbers: &'static str,
    hexadecimal: &'static str,
    padded: &'static str,
    later: &'static str,
}

const SQLITE: Spelling = Spelling {
    numbers: "(WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < {images}) SELECT n FROM r) AS k",
    hexadecimal: "printf('%08x', {x})",
    padded: "printf('%0{width}d', {x})",
    later: "strftime('%Y-%m-%d %H:%M:%f000', '2020-01-01', ({x}) || ' seconds')",
};

const MARIADB: Spelling = Spelling {
    numbers: "(SELECT seq AS n FROM seq_1_to_{images}) AS k",
    hexadecimal: "LPAD(LOWER(HEX({x})), 8, '0')",
    padded: "LPAD({x}, {width}, '0')",
    later: "TIMESTAMPADD(SECOND, {x}, '2020-01-01')",
};

impl Spelling {
    fn hexadecimal(&self, x: &str) -> String {
        self.hexadecimal.replace("{x}", x)
    }

    fn padded(&self, x: &str, width: u32) -> String {
        self.padded.replace("{width}", &width.to_string()).replace("{x}", x)
    }

    fn later(&self, x: &str) -> String {
        self.later.replace("{x}", x)
    }
}

fn statements(spelling: &Spelling, images: u64, owners: &Owners) -> String {
    let numbers = spelling.numbers.replace("{images}", &images.to_string());
    let id = format!(
        "{} || '-0000-4000-8000-' || {}",
        spelling.hexadecimal(&format!("n * {SPREAD} % {}", 1_u64 << 32)),
        spelling.padded("n", 12)
    );
    let name = format!("'image-' || {}", spelling.padded(&format!("n * 7919 % {}", images / 2), 7));
    let created = spelling.later("n * 30");
    let updated = spelling.later("n * 30 + n * 7919 % 2592000");
    let rare = format!("n % {}", images / RARE);
    let Owners { common, sparse } = owners;
    let distance = self::sparse(images);
    let mut sql = format!(
        "INSERT INTO images (id, name, size, status, created_at, updated_at, deleted, disk_format, container_format,
             checksum, owner, min_disk, min_ram, protected, visibility, os_hidden, os_hash_algo, os_hash_value)
         SELECT {id}, {name}, n * 40503 % 1000003 * 1024, 'active', {created}, {updated}, 0,
             CASE n % 3 WHEN 0 THEN 'qcow2' WHEN 1 THEN 'raw' ELSE 'iso' END, 'bare',
             '0123456789abcdef' || {}, CASE WHEN n % {distance} = 0 THEN '{sparse}' WHEN n % 10 = 1 THEN '{common}'
             ELSE 'owner-' || (n % 7) END, 0, 0, 0, CASE WHEN n % 19 = 3 THEN 'community' WHEN n % 4 = 0 THEN 'private'
             ELSE 'shared' END, 0, 'sha512', '0123456789abcdef0123456789abcdef'
         FROM {numbers};\n",
        spelling.padded("n", 16),
    );
    let distribution =
        "CASE n % 4 WHEN 0 THEN 'debian' WHEN 1 THEN 'fedora' WHEN 2 THEN 'ubuntu' ELSE 'rocky' END";
    let build = format!("'build-' || ({rare})");
    for (name, value) in [
        ("architecture", "'x86_64'"),
        ("hw_disk_bus", "'virtio'"),
        ("os_distro", distribution),
        ("os_version", "'' || (n % 20)"),
        ("build_id", &build),
    ] {
        sql.extend([format!(
            "INSERT INTO image_properties (image_id, name, value, created_at, updated_at, deleted)
             SELECT {id}, '{name}', {value}, {created}, {created}, 0 FROM {numbers};\n"
        )]);
    }
    for tag in ["'tag-' || (n % 20)".to_owned(), format!("'rare-' || ({rare})")] {
        sql.extend([format!(
            "INSERT INTO image_tags (image_id, value, created_at, updated_at, deleted)
             SELECT {id}, {tag}, {created}, {created}, 0 FROM {numbers};\n"
        )]);
    }
    sql + &format!(
        "INSERT INTO image_locations (image_id, value, meta_data, status, created_at, updated_at, deleted)
         SELECT {id}, 'file:///var/lib/glance/images/' || {id}, '{{}}', 'active', {created}, {created}, 0
         FROM {numbers};\n"
    )
}
